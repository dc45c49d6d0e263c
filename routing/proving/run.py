"""Proves all properties of a ruleset, one after the other, and writes down what came of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import z3

from routing.facilities.directory import Directory
from routing.proving import about_cases, about_places, about_rules
from routing.proving.about_places import Places
from routing.proving.asking import Asker, asker
from routing.proving.earlier import NOTHING, Earlier
from routing.proving.encoding import encode
from routing.proving.properties import Kind, Properties, Property
from routing.proving.result import Result
from routing.proving.situations import Bench
from routing.rules.evaluation import Evaluators
from routing.worked_cases import WorkedCase

Prove = Callable[[Property, Asker], Result]

OF_RULES: dict[Kind, Prove] = {
    "reachable": about_rules.reachable,
    "effect": about_rules.effect,
    "duplicates": about_rules.duplicates,
    "overlaps": about_rules.overlaps,
    "urgency": about_cases.urgency,
    "order": about_cases.order,
    "monotone": about_cases.monotone,
    "unknown": about_cases.unknown,
    "always": about_cases.always,
}
OF_PLACES: dict[Kind, Callable[[Property, Places], Result]] = {
    "stops": about_places.stops,
    "kinds_of_places": about_places.kinds_of_places,
    "somewhere": about_places.somewhere,
}
NOON = datetime.fromisoformat("2026-11-18T14:00:00+01:00")
"""When places are tried: a Wednesday afternoon."""


def prove(
    properties: Properties,
    wanted: Sequence[Property],
    evaluators: Evaluators,
    directory: Directory,
    *,
    timeout: float,
    clock: Callable[[], float],
    say: Callable[[str], None],
    earlier: Earlier = NOTHING,
    worked: Iterable[WorkedCase] = (),
) -> tuple[Result, ...]:
    """What comes of the `wanted` properties, in their order. `timeout` is in seconds, for each property; what is not
    decided by then is undecided. What an `earlier` proof still says is not proved again. `worked` cases answer
    what they can, which is quicker. `clock` gives seconds, `say` tells somebody who waits. Raises CannotEncode."""
    ruleset = evaluators.ruleset
    places = Places(ruleset, directory, NOON)
    made = asker(ruleset, encode(ruleset), Bench(evaluators, directory.holidays), clock, say, timeout, earlier)
    made.memory["directions"], made.memory["properties"] = properties.directions, properties.properties
    outcomes = (made.bench.of_body(case.given, case.at) for case in worked)
    made.seen.extend(replace(outcome, facts={}) for outcome in outcomes if outcome is not None)
    found = []
    for one in wanted:
        made.begin()
        kind = one.entry.kind
        result = OF_PLACES[kind](one, places) if kind in OF_PLACES else OF_RULES[kind](one, made)
        result = replace(result, seconds=round(made.passed(), 2))
        say(f"{one.id}: {result.verdict} ({result.seconds:.1f} s)")
        found.append(result)
    return tuple(found)


def solver() -> str:
    """The solver and its version."""
    return f"z3 {z3.get_version_string()}"


def proof_of(properties: Properties, evaluators: Evaluators, results: Sequence[Result]) -> dict[str, Any]:
    """What stands in `proof.json`: which rules and properties, by which solver, with what result."""
    ruleset = evaluators.ruleset
    return {
        "format": 1,
        "ruleset": {"name": ruleset.name, "version": ruleset.version, "digest": ruleset.digest},
        "vocabulary": ruleset.vocabulary.digest,
        "properties_digest": properties.digest,
        "solver": solver(),
        "counts": {
            verdict: sum(result.verdict == verdict for result in results)
            for verdict in ("proved", "refuted", "undecided")
        },
        "properties": [result.wire() for result in results],
        "tested": [{"id": one.id, "text": one.text.wire(), "tests": list(one.tests)} for one in properties.tested],
    }
