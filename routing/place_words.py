"""What is said of a place that was held against the criteria: why it does not do, whether it is in time, its status."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from routing.candidate import NormCheck, StatusFact, Verdict
from routing.criteria import Assessment, Concession, norm_words
from routing.facilities.status import BED_COUNTS, Beds, Report
from routing.ranking import Ranking
from routing.rules.rule import FactValue
from routing.stops import Said
from routing.triage import Reason
from routing.vocabulary import Text
from routing.wording import Wording

NORM_TEXTS: dict[Verdict, str] = {"met": "in_time", "not_met": "too_late", "uncertain": "not_sure_in_time"}


class PlaceWords:
    """The words of one decision. Many places share a concession, so what is said of it is made once; concessions live
    as long as the decision."""

    def __init__(self, wording: Wording) -> None:
        self.wording, self.ruleset, self.say = wording, wording.ruleset, wording.reason
        self._said: dict[int, tuple[Reason, Text | None]] = {}

    def said(self, concession: Concession) -> tuple[Reason, Text | None]:
        """The reason for `concession`, and what would change it."""
        if (found := self._said.get(id(concession))) is None:
            reference = self.ruleset.norms[concession.name].reference if concession.text == "too_late" else None
            found = self._said[id(concession)] = self.wording.said(concession.text, concession.words, reference)
        return found

    def norms(self, checks: Iterable[NormCheck]) -> Iterator[Reason]:
        """Whether the place is in time."""
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
                because = {found.name: found.position for found in given_up}
                yield replace(self.listed(text, [self.label(found) for found in given_up]), because=because)

    def listed(self, text: str, whats: Sequence[Text], words: Mapping[str, FactValue] | None = None) -> Reason:
        """The reason made of `text`, with `whats` one after the other where it says {what}."""
        template, words = self.ruleset.selection.texts[text].text, words or {}
        filled = Text(
            template.nl.format(what="; ".join(what.nl for what in whats), **words),
            template.en.format(what="; ".join(what.en for what in whats), **words),
        )
        return Reason(f"{self.ruleset.name}/selection/{text}", filled, words)

    def of_units(self, text: str, units: Sequence[str], words: Mapping[str, FactValue]) -> Reason:
        """The reason made of `text` about several units of a place at once."""
        template, labels = self.ruleset.selection.texts[text].text, self.ruleset.vocabulary.stop_kinds
        filled = Text(
            template.nl.format(unit=", ".join(labels[unit].label.nl for unit in units), **words),
            template.en.format(unit=", ".join(labels[unit].label.en for unit in units), **words),
        )
        return Reason(f"{self.ruleset.name}/selection/{text}", filled, {"unit": ", ".join(units), **words})

    def label(self, concession: Concession) -> Text:
        """What was given up, in a few words: the norm, the capability, or else the sentence of the criterion."""
        if concession.name in self.ruleset.norms:
            return self.ruleset.norms[concession.name].label
        if concession.name in self.ruleset.vocabulary.capabilities:
            return self.ruleset.vocabulary.capabilities[concession.name].label
        text = self.say(concession.text, concession.words).text
        return Text(text.nl.rstrip("."), text.en.rstrip("."))

    def clause(self, said: Said) -> Text:
        """Its sentence as part of another one."""
        text = self.say(said.text, said.words).text
        return Text(*(f"{words[0].lower()}{words[1:].rstrip('.')}" for words in (text.nl, text.en)))


# -- live facts -------------------------------------------------------------------------------------------------------


def live_reasons(place: Assessment, ranking: Ranking, wording: Wording) -> Iterator[Reason]:
    """What is said of the stops and the room of the place: what counts now, and stops that ended a while ago."""
    if (hold := ranking.hold(place)) is not None:
        yield wording.reason(hold.text, hold.words)
    if ranking.stops is not None and ranking.stops.live is not None:
        arrival = ranking.criteria.arrival(place.travel.minutes)
        for ended in ranking.stops.ended(ranking.directory.status.get(place.facility.id, ()), ranking.now, arrival):
            yield wording.reason(ended.text, ended.words)


def status_facts(place: Assessment, ranking: Ranking) -> tuple[StatusFact, ...]:
    """What was reported of the place; where nothing is known of a stop that is unknown, not none."""
    facility, now, live = place.facility, ranking.now, ranking.selection.live
    reports = ranking.directory.status.get(facility.id, ())
    if live is None:
        stops = [stop for stop in reports if stop.is_stop and _in_force(stop, now)]
        if not stops:
            return (StatusFact("seh" if facility.capabilities.get("seh") else facility.kind, "stop"),)
        return tuple(_status_fact(stop, now, None) for stop in stops)
    if not reports:
        return _nothing_said(ranking.units(facility))
    known = [report for report in reports if report.value is not None]
    of_stops = {report.unit for report in known if report.kind == "stop"}
    silent = sorted(ranking.units(facility) - of_stops)
    facts = (_status_fact(report, now, live.fresh_minutes[report.kind]) for report in known)
    over = (ranking.stops is not None and ranking.stops.is_over(report, now) for report in known)
    return (
        *(replace(fact, value=None, fresh=False) if ended else fact for fact, ended in zip(facts, over, strict=True)),
        *(StatusFact(unit, "stop") for unit in silent),
    )


@lru_cache(maxsize=256)
def _nothing_said(units: frozenset[str]) -> tuple[StatusFact, ...]:
    """Of a place that reports nothing: of none of its units is known whether it has a stop."""
    return tuple(StatusFact(unit, "stop") for unit in sorted(units))


def _status_fact(report: Report, now: datetime, fresh_minutes: int | None) -> StatusFact:
    """`report` with its age; `fresh_minutes` is None for rulesets that know no freshness, and show less."""
    if fresh_minutes is None:
        age = int((now - report.began).total_seconds() // 60)
        return StatusFact(report.unit, "stop", True, report.source, report.began, age)
    value = report.value
    counts = {name: count for name in BED_COUNTS if (count := getattr(value, name, None)) is not None}
    return StatusFact(
        unit=report.unit,
        kind=report.kind,
        value=counts if isinstance(value, Beds) else value,
        source=report.source,
        observed_at=report.observed_at,
        age_minutes=report.age_minutes(now),
        bed=report.bed,
        reason=report.reason,
        since=report.began if report.is_stop else None,
        expected_end=report.expected_end,
        fresh=report.fresh(now, fresh_minutes),
    )


def _in_force(stop: Report, now: datetime) -> bool:
    return stop.began <= now and (stop.expected_end is None or now < stop.expected_end)
