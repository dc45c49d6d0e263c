"""Which places can give what the patient needs, in which order, and of every other place within reach why not.

The ruleset says what ranks first and what gives way first; this module only carries it out. There is always an answer:
where nobody can give what is needed, the cautious way out of the ruleset.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from routing.candidate import Badge, Candidate, Match, NormCheck, RuledOut, StatusFact, Verdict
from routing.case import Case
from routing.criteria import NEVER, Assessment, Concession, Criteria, norm_words
from routing.facilities.directory import Directory
from routing.facilities.opening import office_hours
from routing.facilities.status import Stop
from routing.rules.rule import FactValue
from routing.rules.ruleset import Ruleset
from routing.rules.selection import Order
from routing.stops import policy
from routing.travel import Travel
from routing.triage import PatientNeed, Reason, Triage
from routing.vocabulary import Text
from routing.wording import Wording

NEAR_TIE_MINUTES = 2
"""Places whose travel time differs at most so much are called about as fast; travel times are whole minutes."""

Value = int | str | tuple[int, ...]
LATE = ("too_late", "not_sure_in_time")
"""The texts of criteria that say only when somebody arrives."""

NORM_TEXTS: dict[Verdict, str] = {"met": "in_time", "not_met": "too_late", "uncertain": "not_sure_in_time"}


def match(
    triage: Triage, case: Case, directory: Directory, ruleset: Ruleset, travel: Sequence[Travel], now: datetime
) -> Match:
    """Find the place for a triaged case; `travel` runs parallel to `directory.facilities`. Always answers."""
    # in UTC: adding minutes to a time in Amsterdam goes by the clock on the wall, also where that jumps
    return _Matcher(triage, case, directory, ruleset, travel, now.astimezone(UTC)).match()


class _Matcher:
    """One case and one directory."""

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
        self.criteria = Criteria(triage, case, directory, ruleset, travel, now)
        self.now = now
        rules, capabilities = ruleset.selection.stops, [need.capability for need in triage.needs]
        self.stops = policy(rules, triage, capabilities) if rules is not None and directory.stops else None
        self.reach = ruleset.logistics.reach_minutes[triage.urgency.level]
        self.wording = Wording(ruleset)
        self.say = self.wording.reason
        # what is said of a concession, and of a set of them; concessions live as long as this match
        self._said: dict[int, tuple[Reason, Text | None]] = {}
        self._out: dict[tuple[int, ...], tuple[tuple[Reason, ...], tuple[Text, ...]]] = {}
        with_place = [need for need in triage.needs if ruleset.vocabulary.capabilities[need.capability].place]
        self.required = [need for need in with_place if need.strength == "required"]
        self.preferred = [need.capability for need in with_place if need.strength == "preferred"]
        self.without_place = [need for need in triage.needs if need.strength == "required" and need not in with_place]

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
        near = [number for number, trip in enumerate(self.travel) if trip.minutes <= self.reach]
        sure = (
            place
            for place in self.criteria.assess(required, (), near)
            if all(found.text in LATE for found in (*place.failures, *place.doubts))
        )
        return min(sure, key=lambda place: (place.travel.minutes, place.facility.id), default=None)

    def assess(self, required: Sequence[PatientNeed]) -> tuple[Assessment, ...]:
        """The places within reach, and if none of them qualifies the places beyond it as well."""
        numbers = range(len(self.travel))
        near = [number for number in numbers if self.travel[number].minutes <= self.reach]
        found = tuple(self.criteria.assess(required, self.preferred, near))
        if any(place.surely < NEVER for place in found):
            return found
        beyond = [number for number in numbers if self.travel[number].minutes > self.reach]
        return (*found, *self.criteria.assess(required, self.preferred, beyond))

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
        detours_from = self.nearest(qualified)
        rankings = {place.facility.id: tuple(self.ranking(place, detours_from)) for place in qualified}
        ranked = sorted(qualified, key=lambda place: [value for _, value in rankings[place.facility.id]])
        warnings = (*warnings, *self.gave_way(ranked[0]))
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
        if self.stops is not None and self.stops.diverts and all(self.stopped(place) for place in ranked):
            warnings = (*warnings, self.say("all_stopped"))
        badge, because = self.confidence(ranked)
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
        before = {place.facility.id: place for place in assessed}
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

    # -- ranking

    def nearest(self, places: Sequence[Assessment]) -> int:
        """Minutes to the nearest place among those that are best on what ranks before any detour."""
        order = self.ruleset.selection.order
        first = min(index for index, name in enumerate(order) if name in self.detours)
        before = {place.facility.id: tuple(v for _, v in self.ranking(place, 0, order[:first])) for place in places}
        best = min(before.values())
        return min(place.travel.minutes for place in places if before[place.facility.id] == best)

    def ranking(
        self, place: Assessment, nearest: int, order: Sequence[Order] | None = None
    ) -> Iterator[tuple[str, Value]]:
        """Each criterion of the ranking with its value; fewer is better."""
        selection = self.ruleset.selection
        detour = place.travel.minutes - nearest
        for name in selection.order if order is None else order:
            match name:
                case "gave_way":
                    yield name, place.gave_way
                case "unknown":
                    yield name, place.unknown
                case "norms_not_sure":
                    yield name, place.norms_not_sure
                case "stopped":
                    far = self.prefers_without_stop and detour > (self.stops.extra_minutes if self.stops else 0)
                    yield name, int(far or self.stopped(place) is not None)
                case "preferred_missing":
                    near = detour <= selection.preferred_detour.minutes
                    yield name, len(place.missing_preferred) if near else len(self.preferred)
                case "not_known_there":
                    yield name, 0 if self.known_there(place) and detour <= selection.known_there_detour.minutes else 1
                case "minutes":
                    yield name, place.travel.minutes
                case "id":
                    yield name, place.facility.id

    @property
    def prefers_without_stop(self) -> bool:
        """Whether a place without a stop is worth a bounded detour, rather than any."""
        return self.stops is not None and self.stops.meaning == "prefers_without"

    @property
    def detours(self) -> tuple[Order, ...]:
        """The criteria of the ranking that count minutes from the nearest place."""
        both: tuple[Order, ...] = ("preferred_missing", "not_known_there")
        return ("stopped", *both) if self.prefers_without_stop else both

    def stopped(self, place: Assessment) -> Stop | None:
        """The stop that makes another place come first, if there is one."""
        return self.stop(place) if self.stops is not None and self.stops.diverts else None

    def stop(self, place: Assessment) -> Stop | None:
        """The stop of the place that matters to this patient and lasts until the arrival, whatever it means."""
        if self.stops is None or not (stops := self.directory.stops.get(place.facility.id)):
            return None
        return self.stops.active(stops, self.now, self.criteria.arrival(place.travel.minutes))

    def known_there(self, place: Assessment) -> bool:
        if self.triage.urgency.rank < self.ruleset.selection.known_there_from:
            return False
        return place.facility.id in self.case.known_at

    # -- words

    def said(self, concession: Concession) -> tuple[Reason, Text | None]:
        """The reason for `concession`, and what would change it. Many places share one, so it is made once."""
        if (found := self._said.get(id(concession))) is None:
            reference = self.ruleset.norms[concession.name].reference if concession.text == "too_late" else None
            found = self._said[id(concession)] = self.wording.said(concession.text, concession.words, reference)
        return found

    def ruled_out(self, place: Assessment) -> RuledOut:
        key = tuple(map(id, (*place.failures, *place.doubts, *place.besides)))
        if (found := self._out.get(key)) is None:
            failed = [self.said(failure) for failure in place.failures]
            others = [self.said(doubt)[0] for doubt in (*place.doubts, *place.besides)]
            changes = tuple(change for _, change in failed if change is not None)
            found = self._out[key] = (*(reason for reason, _ in failed), *others), changes
        return RuledOut(place.facility, place.travel, *found)

    def candidate(
        self,
        place: Assessment,
        rank: int,
        ranking: tuple[tuple[str, Value], ...],
        required: Sequence[PatientNeed],
        *,
        nearest: bool,
    ) -> Candidate:
        facility, travel, say = place.facility, place.travel, self.say
        concessions = (*place.failures, *place.doubts, *place.besides)
        lacking = {concession.name for concession in concessions}
        reasons = [
            say(
                "nearest" if nearest else "distance",
                {"minutes": travel.minutes, "low": travel.low, "high": travel.high},
            )
        ]
        reasons += [say("has", {"capability": key}) for need in required if (key := need.capability) not in lacking]
        reasons += [say("prefers", {"capability": key}) for key in self.preferred if key not in place.missing_preferred]
        if self.known_there(place):
            reasons.append(say("known_there"))
        if self.stops is not None and (stop := self.stop(place)) is not None:
            reasons.append(say(self.stops.text, self.stops.words(stop)))
        reasons += self.norm_reasons(place.norms)
        reasons += [self.said(concession)[0] for concession in concessions if concession.text not in LATE]
        return Candidate(
            rank=rank,
            kind=facility.kind,
            name=Text(facility.name, facility.name),
            reasons=tuple(reasons),
            facility=facility,
            travel=travel,
            arrival_at=self.criteria.arrival(travel.minutes),
            norms=place.norms,
            status=self.status(place),
            criteria=ranking,
        )

    def status(self, place: Assessment) -> tuple[StatusFact, ...]:
        """What is known of the stops of the place; where nothing was reported that is unknown, not none."""
        facility = place.facility
        stops = [stop for stop in self.directory.stops.get(facility.id, ()) if stop.in_force(self.now)]
        if not stops:
            return (StatusFact("seh" if facility.capabilities.get("seh") else facility.kind, "stop"),)
        ages = [int((self.now - stop.since).total_seconds() // 60) for stop in stops]
        return tuple(
            StatusFact(stop.unit, "stop", value=True, source=stop.source, observed_at=stop.since, age_minutes=age)
            for stop, age in zip(stops, ages, strict=True)
        )

    def norm_reasons(self, checks: Iterable[NormCheck]) -> Iterator[Reason]:
        for check in checks:
            if check.verdict == "uncertain" and not check.counted:
                yield self.say("clock_open", norm_words(check), check.norm.reference)
                continue
            yield self.say(NORM_TEXTS[check.verdict], norm_words(check), check.norm.reference)
            if not check.counted:
                yield self.say("clock_unknown", {"norm": check.norm.id})

    def gave_way(self, place: Assessment) -> Iterator[Reason]:
        """What had to be given up at the recommended place, surely and perhaps."""
        for text, concessions in (("gave_way", place.failures), ("perhaps", place.doubts)):
            if given_up := [found for found in concessions if found.position]:
                yield self.listed(text, given_up)

    def listed(self, text: str, concessions: Sequence[Concession]) -> Reason:
        whats = [self.label(concession) for concession in concessions]
        words = self.ruleset.selection.texts[text].text
        filled = Text(
            words.nl.format(what="; ".join(what.nl for what in whats)),
            words.en.format(what="; ".join(what.en for what in whats)),
        )
        because = {concession.name: concession.position for concession in concessions}
        return Reason(f"{self.ruleset.name}/selection/{text}", filled, because)

    def label(self, concession: Concession) -> Text:
        """What was given up, in a few words: the norm, the capability, or else the sentence of the criterion."""
        if concession.name in self.ruleset.norms:
            return self.ruleset.norms[concession.name].label
        if concession.name in self.ruleset.vocabulary.capabilities:
            return self.ruleset.vocabulary.capabilities[concession.name].label
        text = self.wording.reason(concession.text, concession.words).text
        return Text(text.nl.rstrip("."), text.en.rstrip("."))

    # -- confidence

    def confidence(self, ranked: Sequence[Assessment]) -> tuple[Badge, tuple[Reason, ...]]:
        best = ranked[0]
        call = [
            self.said(concession)[0]
            for concession in (*best.doubts, *best.failures, *best.besides)
            if concession.text not in LATE
        ]
        if call:
            return "call_first", tuple(call)
        unsure = [*self.norm_reasons(check for check in best.norms if check.verdict == "uncertain")]
        others = [other for other in ranked[1:] if (other.gave_way, other.unknown) == (best.gave_way, best.unknown)]
        for other in others:
            later = other.travel.minutes - best.travel.minutes
            if later <= NEAR_TIE_MINUTES:
                words: dict[str, FactValue] = {"name": other.facility.name, "minutes": other.travel.minutes}
                unsure.append(self.say("near_tie" if later >= 0 else "faster", words))
        if not self.protected:
            unsure.append(self.say("status_unknown"))
        return ("sensitive", tuple(unsure)) if unsure else ("certain", (self.say("confident"),))

    @property
    def protected(self) -> bool:
        """Whether a stop would not hold this patient back: U0, U1 and time-critical patients go anyway."""
        return self.triage.urgency.rank <= 1 or bool(self.triage.time_critical)


def _apart(first: Assessment, place: Assessment) -> tuple[Concession, ...]:
    """What the first assessment found that the second one, for the fallback, no longer looks at."""
    seen = {(found.text, found.name) for found in (*place.failures, *place.doubts)}
    both = (*first.failures, *first.doubts)
    return tuple(found for found in both if found.name != "open" and (found.text, found.name) not in seen)


def _is_plain(required: Sequence[PatientNeed], capability: str) -> bool:
    return [(need.capability, need.within) for need in required] == [(capability, ())]


def _plain_need(capability: str) -> PatientNeed:
    return PatientNeed(capability, "required", (), ())
