"""Which places can give what the patient needs, in which order, and of every other place within reach why not.

The ruleset says what ranks first and what gives way first; this module only carries it out. There is always an answer:
where nobody can give what is needed, the cautious way out of the ruleset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from routing.candidate import Candidate, Match, RuledOut
from routing.case import Case
from routing.confidence import confidence
from routing.criteria import LATE, NEVER, Assessment, Concession, Criteria
from routing.facilities.directory import Directory
from routing.facilities.opening import office_hours
from routing.place_words import PlaceWords, live_reasons, status_facts
from routing.ranking import Ranking, Value, ordered
from routing.rules.rule import FactValue
from routing.rules.ruleset import Ruleset
from routing.stops import policy
from routing.travel import Travel
from routing.triage import PatientNeed, Reason, Triage
from routing.vocabulary import Text
from routing.wording import Wording


def match(
    triage: Triage, case: Case, directory: Directory, ruleset: Ruleset, travel: Sequence[Travel], now: datetime
) -> Match:
    """Find the place for a triaged case; `travel` runs parallel to `directory.facilities`. Always answers."""
    # in UTC: adding minutes to a time in Amsterdam goes by the clock on the wall, also where that jumps
    matcher = Matcher(triage, case, directory, ruleset, travel, now.astimezone(UTC))
    found, stops = matcher.match(), matcher.ranking.stops
    left = () if not matcher.left_out else (matcher.say("not_looked_at", {"count": matcher.left_out}),)
    units = stops.units if stops is not None else frozenset()
    return replace(found, units=units, warnings=(*found.warnings, *left))


class Matcher:
    """One case and one directory; `match` says what the places were held against on the way."""

    def __init__(
        self,
        triage: Triage,
        case: Case,
        directory: Directory,
        ruleset: Ruleset,
        travel: Sequence[Travel],
        now: datetime,
    ) -> None:
        self.triage, self.case, self.directory, self.ruleset, self.travel = triage, case, directory, ruleset, travel
        self.now = now
        self.reach = ruleset.logistics.reach_minutes[triage.urgency.level]
        self.wording = Wording(ruleset)
        self.words, self.say = PlaceWords(self.wording), self.wording.reason
        self.left_out = 0
        self.nearest_of: list[Sequence[PatientNeed]] = []
        """The needs of which the nearest place that surely meets them was looked for."""
        self.held_to: list[Sequence[PatientNeed]] = []
        """The needs that places were held against, each time that it was tried."""
        self._distances: dict[tuple[str, Travel], Reason] = {}
        # what is said of places of which the same was found
        self._out: dict[Same, tuple[tuple[Reason, ...], tuple[Text, ...]]] = {}
        self._found: dict[Same, tuple[list[Reason], list[Reason]]] = {}
        with_place = [need for need in triage.needs if ruleset.vocabulary.capabilities[need.capability].place]
        self.required = [need for need in with_place if need.strength == "required"]
        self.preferred = [need.capability for need in with_place if need.strength == "preferred"]
        # the unit of what is only preferred holds nobody back: a place that has none would not either
        asked = [need.capability for need in triage.needs if need.strength == "required"]
        self.criteria, self.ranking = self.held_against(asked or [ruleset.selection.fallback_capability])
        self.without_place = [need for need in triage.needs if need.strength == "required" and need not in with_place]

    def held_against(self, asked: Sequence[str]) -> tuple[Criteria, Ranking]:
        """The criteria and the ranking for who needs the capabilities `asked`."""
        selection, directory = self.ruleset.selection, self.directory
        counts = selection.live is not None or bool(directory.status)
        stops = policy(selection.stops, selection.live, self.triage, asked) if selection.stops and counts else None
        criteria = Criteria(self.triage, self.case, directory, self.ruleset, self.travel, self.now, stops)
        return criteria, Ranking(self.case, directory, criteria, stops, selection, len(self.preferred), self.now)

    def match(self) -> Match:
        if self.without_place and not self.required:
            return self.care_without_place(self.without_place)
        warnings = [self.say("without_place", {"capability": need.capability}) for need in self.without_place]
        if self.required:
            required, plans = self.within_bypass(self.required)
            return self.places(required, (*warnings, *plans))
        fallback = self.ruleset.selection.fallback_capability
        return self.places([_plain_need(fallback)], (*warnings, self.say("no_need")))

    # -- places

    def places(self, required: Sequence[PatientNeed], warnings: tuple[Reason, ...]) -> Match:
        assessed = self.assess(required)
        if all(place.surely >= NEVER for place in assessed):
            return self.nobody(required, assessed, warnings)
        return self.chosen(required, assessed, warnings)

    def within_bypass(self, required: Sequence[PatientNeed]) -> tuple[list[PatientNeed], tuple[Reason, ...]]:
        """What is required once the bypass limits are held against the drive, and which of two plans that makes: direct
        to the place that has everything, or the nearest first. Without a place that surely has it nothing changes. Of
        several limits each bounds what its need adds, and the widest bounds them together."""
        kept = [need for need in required if need.bypass_minutes is None]
        if len(kept) == len(required):
            return kept, ()
        plans = []
        first = self.nearest_sure(kept or [_plain_need(self.ruleset.selection.fallback_capability)])
        widest = 0
        for need in required:
            if need.bypass_minutes is None:
                continue
            near = self.nearest_sure(kept or [_plain_need(self.ruleset.selection.fallback_capability)])
            direct = self.nearest_sure([*kept, need])
            if near is None or direct is None:
                kept.append(need)
                continue
            extra = direct.travel.minutes - near.travel.minutes
            widest_yet = max(widest, need.bypass_minutes)
            altogether = direct.travel.minutes - (first or near).travel.minutes
            within = extra <= need.bypass_minutes and altogether <= widest_yet
            if within:
                kept.append(need)
                widest = widest_yet
            if extra > 0:
                other = near if within else direct
                words: dict[str, FactValue] = {
                    "capability": need.capability,
                    "name": other.facility.name,
                    "minutes": extra,
                }
                words["limit"] = need.bypass_minutes
                plans.append(self.say("direct" if within else "nearest_first", words))
        if not kept:
            kept = [_plain_need(self.ruleset.selection.fallback_capability)]
        return kept, tuple(plans)

    def nearest_sure(self, required: Sequence[PatientNeed]) -> Assessment | None:
        """The nearest place within reach of which it is certain that it can do all this, in time or not."""
        self.nearest_of.append(tuple(required))
        near = [number for number, trip in enumerate(self.travel) if trip.minutes <= self.reach]
        sure = (
            place
            for place in self.criteria.assess(required, (), near)
            if all(found.text in LATE for found in (*place.failures, *place.doubts))
        )
        return min(sure, key=lambda place: (place.travel.minutes, place.facility.id), default=None)

    def assess(self, required: Sequence[PatientNeed]) -> tuple[Assessment, ...]:
        """The places within reach, and if none of them qualifies the places beyond it as well."""
        self.held_to.append(tuple(required))
        numbers = range(len(self.travel))
        near = [number for number in numbers if self.travel[number].minutes <= self.reach]
        found = tuple(self.criteria.assess(required, self.preferred, self.looked_at(required, near)))
        if any(place.surely < NEVER for place in found):
            return found
        beyond = [number for number in numbers if self.travel[number].minutes > self.reach]
        return (*found, *self.criteria.assess(required, self.preferred, beyond))

    def looked_at(self, required: Sequence[PatientNeed], near: list[int]) -> list[int]:
        """Of the places within reach those that are looked at: where there are very many the nearest, of those that may
        have all that is required and of the others. How many were left out is said."""
        search = self.ruleset.selection.search
        self.left_out = 0
        if search is None or len(near) <= min(search.able_most, search.others_most):
            return near
        wanted = sum(self.directory.bits[need.capability] for need in required)
        nearest = sorted(near, key=lambda number: self.travel[number].minutes)
        able = [number for number in nearest if not wanted & ~self.criteria.may_have(number)]
        others = [number for number in nearest if wanted & ~self.criteria.may_have(number)]
        kept = [*able[: search.able_most], *others[: search.others_most]]
        self.left_out = len(near) - len(kept)
        return sorted(kept)

    def chosen(
        self, required: Sequence[PatientNeed], assessed: Sequence[Assessment], warnings: tuple[Reason, ...]
    ) -> Match:
        """The match where at least one place qualifies."""
        within = [place for place in assessed if place.travel.minutes <= self.reach]
        searched = within
        if all(place.surely >= NEVER for place in within):
            searched = [*assessed]
            warnings = (*warnings, self.say("beyond_reach", {"reach": self.reach}))
        least = min(place.gave_way for place in searched if place.surely < NEVER)
        qualified = [place for place in searched if place.surely <= max(least, default=0)]
        rankings = self.ranking.rankings(qualified)
        ranked = ordered(qualified, rankings)
        warnings = (*warnings, *self.words.gave_way(ranked[0]))
        flawless = [place for place in ranked if not (place.failures or place.doubts or place.besides)]
        nearest = min((place.travel.minutes for place in flawless), default=None)
        candidates = tuple(
            self.candidate(
                place,
                rank,
                rankings[place.facility.id],
                required,
                nearest=place is ranked[0] and place in flawless[:1] and place.travel.minutes == nearest,
            )
            for rank, place in enumerate(ranked, 1)
        )
        chosen_ids = {place.facility.id for place in ranked}
        ruled_out = tuple(self.ruled_out(place) for place in within if place.facility.id not in chosen_ids)
        if ranked and all(self.ranking.held(place) for place in ranked):
            warnings = (*warnings, self.say("all_stopped"))
        badge, because = confidence(ranked, self.ranking, self.triage, self.words)
        return Match(candidates, ruled_out, badge, because, warnings)

    def nobody(
        self, required: Sequence[PatientNeed], assessed: Sequence[Assessment], warnings: tuple[Reason, ...]
    ) -> Match:
        """Nobody can give what is needed: the best place with the fallback capability, else the dispatch centre."""
        selection = self.ruleset.selection
        instead = [it for need in required if (it := selection.in_office_hours.get(need.capability))]
        least_urgent = all(self.triage.urgency.rank >= it.urgency_from for it in instead)
        if len(instead) == len(required) and least_urgent and self.office_hours_on_arrival(assessed):
            others = [replace(need, capability=it.capability) for need, it in zip(required, instead, strict=True)]
            return self.care_without_place(others, assessed)
        fallback = selection.fallback_capability
        plain = [_plain_need(fallback)]
        # where some places were left out, others may be looked at below
        every = self.criteria.assess(required, self.preferred, range(len(self.travel))) if self.left_out else assessed
        before = {place.facility.id: place for place in every}
        self.criteria, self.ranking = self.held_against([fallback])
        again = tuple(place._replace(besides=_apart(before[place.facility.id], place)) for place in self.assess(plain))
        if any(place.surely < NEVER for place in again) and not _is_plain(required, fallback):
            warning = self.say("fallback", {"capability": fallback})
            found = self.chosen(plain, again, (*warnings, warning))
            because = tuple(reason for reason in found.because if not reason.rule.endswith("/confident"))
            return replace(found, badge="call_first", because=(warning, *because))
        way_out = self.ruleset.selection.nobody
        reason = Reason(f"{self.ruleset.name}/selection/nobody", way_out.text)
        candidate = Candidate(1, way_out.kind, way_out.name, (reason,))
        ruled_out = tuple(self.ruled_out(place) for place in assessed if place.travel.minutes <= self.reach)
        return Match((candidate,), ruled_out, "call_first", (reason,), (*warnings, reason))

    def office_hours_on_arrival(self, assessed: Sequence[Assessment]) -> bool:
        """Whether the places that could do it are all closed because the practices are open by then."""
        closed = [place.travel.minutes for place in assessed if {found.name for found in place.failures} == {"open"}]
        return bool(closed) and office_hours(self.criteria.arrival(min(closed)), self.directory.holidays)

    def care_without_place(self, needs: Sequence[PatientNeed], assessed: Sequence[Assessment] = ()) -> Match:
        """The answer is no place in the directory; `assessed` are places that would have done, were they open."""
        labels = self.ruleset.vocabulary.capabilities
        text = "takes_over" if assessed else "without_place"
        whys = [self.say(text, {"capability": need.capability}) for need in needs]
        candidates = tuple(
            Candidate(rank, need.capability, labels[need.capability].label, (why, *need.reasons))
            for rank, (need, why) in enumerate(zip(needs, whys, strict=True), 1)
        )
        known = {place.facility.id: self.ruled_out(place) for place in assessed}
        closed = {place.facility.id for place in assessed if {found.name for found in place.failures} == {"open"}}
        ruled_out = [
            RuledOut(facility, travel, (whys[0],), ())
            for facility, travel in zip(self.directory.facilities, self.travel, strict=True)
            if travel.minutes <= self.reach
        ]
        both = tuple(known[place.facility.id] if place.facility.id in closed else place for place in ruled_out)
        asked = {change for question in self.triage.open_questions for change in question.could_change}
        if asked & {"urgency", "needs"}:
            return Match(candidates, both, "sensitive", (self.say("may_change"),), ())
        return Match(candidates, both, "certain", (self.say("settled"),), ())

    # -- words

    def ruled_out(self, place: Assessment) -> RuledOut:
        key = _same(place)
        if (found := self._out.get(key)) is None:
            failed = [self.words.said(failure) for failure in place.failures]
            others = [self.words.said(doubt)[0] for doubt in (*place.doubts, *place.besides)]
            changes = tuple(change for _, change in failed if change is not None)
            found = self._out[key] = (*(reason for reason, _ in failed), *others), changes
        return RuledOut(place.facility, place.travel, *found)

    def distance(self, travel: Travel, text: str) -> Reason:
        """How far it is, in words; many places are as far."""
        if (found := self._distances.get((text, travel))) is None:
            words: dict[str, FactValue] = {"minutes": travel.minutes, "low": travel.low, "high": travel.high}
            found = self._distances[text, travel] = self.say(text, words)
        return found

    def candidate(
        self,
        place: Assessment,
        rank: int,
        ranking: tuple[tuple[str, Value], ...],
        required: Sequence[PatientNeed],
        *,
        nearest: bool,
    ) -> Candidate:
        facility, travel = place.facility, place.travel
        if (found := self._found.get(key := _same(place))) is None:
            found = self._found[key] = self.pros_and_cons(place, required)
        reasons = [self.distance(travel, "nearest" if nearest else "distance"), *found[0]]
        if self.ranking.known_there(place):
            reasons.append(self.say("known_there"))
        reasons += live_reasons(place, self.ranking, self.wording)
        reasons += found[1]
        return Candidate(
            rank=rank,
            kind=facility.kind,
            name=Text(facility.name, facility.name),
            reasons=tuple(reasons),
            facility=facility,
            travel=travel,
            arrival_at=self.criteria.arrival(travel.minutes),
            norms=place.norms,
            status=status_facts(place, self.ranking),
            criteria=ranking,
        )

    def pros_and_cons(self, place: Assessment, required: Sequence[PatientNeed]) -> tuple[list[Reason], list[Reason]]:
        """What a place has of what is `required` and preferred; whether it is in time, and what it does not meet."""
        say, concessions = self.say, (*place.failures, *place.doubts, *place.besides)
        lacking = {concession.name for concession in concessions}
        pros = [say("has", {"capability": key}) for need in required if (key := need.capability) not in lacking]
        pros += [say("prefers", {"capability": key}) for key in self.preferred if key not in place.missing_preferred]
        cons = [*self.words.norms(place.norms)]
        cons += [self.words.said(concession)[0] for concession in concessions if concession.text not in LATE]
        return pros, cons


Same = tuple[int, ...]
"""Of which places the same was found: the identities of what was found, which lives as long as the places do."""


def _same(place: Assessment) -> Same:
    found = place.failures, place.doubts, place.besides, place.norms, place.missing_preferred
    return tuple(map(id, found))


def _apart(first: Assessment, place: Assessment) -> tuple[Concession, ...]:
    """What the first assessment found that the second one, for the fallback, no longer looks at."""
    seen = {(found.text, found.name) for found in (*place.failures, *place.doubts)}
    both = (*first.failures, *first.doubts)
    return tuple(found for found in both if found.name != "open" and (found.text, found.name) not in seen)


def _is_plain(required: Sequence[PatientNeed], capability: str) -> bool:
    return [(need.capability, need.within) for need in required] == [(capability, ())]


def _plain_need(capability: str) -> PatientNeed:
    return PatientNeed(capability, "required", (), ())
