"""Properties of the choice of a place that are few enough to be tried one by one with the code that chooses."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from routing.case import Case
from routing.facilities.directory import Directory, read_directory
from routing.facilities.profile import capability_table
from routing.matching import match
from routing.proving.properties import Property
from routing.proving.result import Result, verdict_of
from routing.rules.evaluation import Evaluation
from routing.rules.ruleset import Ruleset
from routing.stops import policy
from routing.travel import straight_line
from routing.triage import Dispatch, PatientNeed, SuspectedCondition, Triage, Urgency
from routing.vocabulary import URGENCIES, Vocabulary

HERE = (52.0907, 5.1214)
WORST = 1
"""Ranks up to this one, U0 and U1, are in danger."""


@dataclass(frozen=True)
class Places:
    """What choosing a place is tried with: the rules, the directory and a moment."""

    ruleset: Ruleset
    directory: Directory
    now: datetime


def stops(wanted: Property, places: Places) -> Result:
    """No stop holds back who is U0 or U1, or has one of the five national time-critical conditions."""
    rules = places.ruleset
    if rules.selection.stops is None:
        return _result(wanted, (), 0)
    national = [code for code, found in rules.vocabulary.conditions.items() if found.time_critical]
    failing, asked = [], 0
    for rank, code in itertools.product(range(len(URGENCIES)), (None, *rules.vocabulary.conditions)):
        if rank > WORST and code not in national:
            continue
        for capability in rules.vocabulary.capabilities:
            asked += 1
            found = policy(rules.selection.stops, rules.selection.live, _triage(rank, code, (), rules), [capability])
            if found.diverts or found.meaning != "goes_anyway":
                failing.append(f"{URGENCIES[rank]}, {code}, {capability}: {found.meaning}")
    return _result(wanted, failing, asked)


def kinds_of_places(wanted: Property, places: Places) -> Result:
    """Whatever a rule requires, some kind of place has or may have it, and some place in the directory too."""
    words = places.ruleset.vocabulary
    have = set(_had_by_kinds(words))
    bits = places.directory.bits
    true, unknown = places.directory.masks_on(places.now.date())
    somewhere = 0
    for mask in (*true, *unknown):
        somewhere |= mask
    failing, required = [], sorted(_required(places.ruleset))
    for capability in required:
        if not words.capabilities[capability].place:
            continue  # care that is never a place in the directory, such as the own huisarts
        if capability not in have:
            failing.append(f"{capability}: no kind of place has it")
        elif not bits[capability] & somewhere:
            failing.append(f"{capability}: no place in the directory has it")
    return _result(wanted, failing, len(required))


def somewhere(wanted: Property, places: Places) -> Result:
    """Whatever is required, one or two capabilities at any urgency, the answer names at least one place to go, also
    where there is no place at all."""
    required = sorted(_required(places.ruleset))
    nowhere = _empty(places.directory, places.ruleset.vocabulary)
    failing, asked = [], 0
    sets: list[tuple[str, ...]] = [(), *((one,) for one in required), *itertools.combinations(required, 2)]
    for needs in sets:
        for rank in range(len(URGENCIES)):
            asked += 1
            if not _candidates(places, nowhere, needs, rank):
                failing.append(f"{URGENCIES[rank]}, {', '.join(needs) or 'nothing'}: no place without a directory")
        if len(needs) < 2:
            for rank in (0, len(URGENCIES) - 1):
                asked += 1
                if not _candidates(places, places.directory, needs, rank):
                    failing.append(f"{URGENCIES[rank]}, {', '.join(needs) or 'nothing'}: no place")
    return _result(wanted, failing, asked)


def _candidates(places: Places, directory: Directory, needs: Sequence[str], rank: int) -> int:
    minutes = straight_line.minutes(HERE, directory.places, places.now)
    case = Case(lat=HERE[0], lon=HERE[1], age_years=40)
    triage = _triage(rank, None, needs, places.ruleset)
    return len(match(triage, case, directory, places.ruleset, minutes, places.now).candidates)


def _empty(directory: Directory, words: Vocabulary) -> Directory:
    """A directory without any place."""
    document = {"reference_date": directory.reference_date, "holidays": [], "facilities": []}
    return read_directory(document, capability_table(words), 0)


def _required(ruleset: Ruleset) -> set[str]:
    return {need.capability for rule in ruleset.rules for need in rule.needs if need.strength == "required"}


def _had_by_kinds(words: Vocabulary) -> Iterator[str]:
    for kind in words.facility_kinds.values():
        for capability in (*kind.has, *kind.may_have):
            yield from words.implied[capability]


def _triage(rank: int, code: str | None, needs: Sequence[str], ruleset: Ruleset) -> Triage:
    """Somebody who was triaged so."""
    national = ruleset.vocabulary.conditions
    critical = national[code].time_critical if code is not None else None
    nothing: Mapping[str, bool] = {}
    return Triage(
        urgency=Urgency(rank, ruleset.deadlines[URGENCIES[rank]], ()),
        conditions=() if code is None else (SuspectedCondition(code, "suspected", ()),),
        dispatch=Dispatch(None, mmt=False, reasons=()),
        needs=tuple(PatientNeed(name, "required", (), ()) for name in needs),
        open_questions=(),
        warnings=(),
        evaluation=Evaluation(nothing, (), (), frozenset(), frozenset()),
        time_critical=(critical,) if critical else (),
    )


def _result(wanted: Property, failing: Sequence[str], asked: int) -> Result:
    return Result(
        id=wanted.id,
        text=wanted.entry.text,
        verdict=verdict_of(failing, ()),
        how="enumerated",
        seconds=0.0,
        asked=asked,
        failing=tuple(failing),
        excepted=tuple(one.entry.id for one in wanted.exemptions),
    )
