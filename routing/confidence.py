"""How sure the first place is: would another one come first if what is stale or unknown were otherwise?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from routing.candidate import Badge
from routing.criteria import LATE, Assessment
from routing.place_words import PlaceWords
from routing.ranking import Held, Ranking
from routing.rules.rule import FactValue
from routing.triage import Reason, Triage

NEAR_TIE_MINUTES = 2
"""Places whose travel time differs at most so much are called about as fast; travel times are whole minutes."""

MOST_NAMED = 3
"""Of so many places at most is said why the first place hangs on them; nobody reads more."""


def confidence(
    ranked: Sequence[Assessment], ranking: Ranking, triage: Triage, words: PlaceWords
) -> tuple[Badge, tuple[Reason, ...]]:
    """The badge of the first of `ranked`, and why. `call_first`: something is not known of the place itself.
    `sensitive`: it hangs on what is uncertain, stale or unknown, which is named. `certain`: it does not."""
    best = ranked[0]
    call = [
        words.said(concession)[0]
        for concession in (*best.doubts, *best.failures, *best.besides)
        if concession.text not in LATE
    ]
    if call:
        return "call_first", tuple(call)
    unsure = [*words.norms(check for check in best.norms if check.verdict == "uncertain")]
    unsure += _near_ties(ranked, ranking, words)
    if ranking.selection.live is not None:
        unsure += islice(_could_be_better(ranked, ranking, words), MOST_NAMED)
        unsure += _sensitive_to(ranked, ranking, words)
    elif triage.urgency.rank > 1 and not triage.time_critical:
        unsure.append(words.say("status_unknown"))  # a stop would not hold back the others
    return ("sensitive", tuple(unsure)) if unsure else ("certain", (words.say("confident"),))


def _near_ties(ranked: Sequence[Assessment], ranking: Ranking, words: PlaceWords) -> Iterator[Reason]:
    """Places that are about as fast, or faster: what they cost, and what they are passed by for."""
    best = ranked[0]
    for other in ranked[1:]:
        later = other.travel.minutes - best.travel.minutes
        if (other.gave_way, other.unknown) != (best.gave_way, best.unknown) or later > NEAR_TIE_MINUTES:
            continue
        seen: dict[str, FactValue] = {"name": other.facility.name, "minutes": other.travel.minutes}
        hold = ranking.hold(other) if ranking.selection.live is not None and ranking.held(other) else None
        if later < 0 and hold is not None:
            yield words.listed("faster_but", [words.clause(hold)], seen)
        else:
            yield words.say("near_tie" if later >= 0 else "faster", seen)


def _could_be_better(ranked: Sequence[Assessment], ranking: Ranking, words: PlaceWords) -> Iterator[Reason]:
    """Places that would come first if what is not known of them turned out well."""
    best = ranked[0]
    for other in ranked[1:]:
        unknown = [doubt for doubt in other.doubts if doubt.text not in LATE]
        if not unknown:
            continue
        failures = tuple(sorted((failure.position for failure in other.failures), reverse=True))
        resolved = other._replace(doubts=(), gave_way=failures)
        if ranking.in_order([best, resolved])[0] is resolved:
            seen: dict[str, FactValue] = {"name": other.facility.name, "minutes": other.travel.minutes}
            yield words.listed("might_be_better", [words.label(doubt) for doubt in unknown], seen)


def _sensitive_to(ranked: Sequence[Assessment], ranking: Ranking, words: PlaceWords) -> Iterator[Reason]:
    """The stale and unknown facts on which the first place hangs: those that alone would make another one first, or
    those that together would. The ranking is made again for their plausible states."""
    changes = next((found for found in _worst_cases(ranked, ranking) if _dethrones(found, ranked, ranking)), None)
    if changes is None:
        return
    places = {place.facility.id: place for place in ranked}
    alone = [key for key, held in changes.items() if len(changes) == 1 or _dethrones({key: held}, ranked, ranking)]
    for key in (alone or _needed(changes, ranked, ranking))[:MOST_NAMED]:
        yield from _doubts(places[key], ranking, words)


def _worst_cases(ranked: Sequence[Assessment], ranking: Ranking) -> Iterator[dict[str, bool]]:
    """What could be otherwise, in the two ways that are worst for the first place; in between it is no worse."""
    best = ranked[0]
    others_free = {
        place.facility.id: False
        for place in ranked[1:]
        if ranking.held(place) and ranking.doubts(place) and not ranking.surely_held(place)
    }
    yield {**({best.facility.id: True} if _could_be_held(best, ranking) else {}), **others_free}
    # nobody is free within the detour, and then nothing counts: the nearest takes over from a first place further away
    if ranking.prefers_without_stop:
        yield {place.facility.id: True for place in ranking.near_enough(ranked) if _could_be_held(place, ranking)}


def _could_be_held(place: Assessment, ranking: Ranking) -> bool:
    return not ranking.held(place) and bool(ranking.doubts(place))


def _dethrones(changes: Held, ranked: Sequence[Assessment], ranking: Ranking) -> bool:
    return bool(changes) and ranking.in_order(ranked, changes)[0] is not ranked[0]


def _needed(changes: Held, ranked: Sequence[Assessment], ranking: Ranking) -> list[str]:
    """Those of `changes` that it takes to make another place first."""
    needed = dict(changes)
    for key in reversed([*changes]):
        fewer = {other: held for other, held in needed.items() if other != key}
        if _dethrones(fewer, ranked, ranking):
            needed = fewer
    return [*needed]


def _doubts(place: Assessment, ranking: Ranking, words: PlaceWords) -> Iterator[Reason]:
    """What is not known of a place, with all units of which the same is not known in one sentence."""
    units: dict[tuple[str, FactValue | None], list[str]] = {}
    for doubt in ranking.doubts(place):
        units.setdefault((doubt.text, doubt.words.get("age")), []).append(str(doubt.words["unit"]))
    for (text, age), found in units.items():
        seen: dict[str, FactValue] = {"name": place.facility.name, **({} if age is None else {"age": age})}
        yield words.of_units(text, found, seen)
