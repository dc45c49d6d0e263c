"""What can be wrong with `selection.yaml`: names that do not exist, texts that are missing or cannot be filled in."""

from __future__ import annotations

from collections.abc import Container, Iterator

from routing.rules.checks import brace_problems
from routing.rules.selection import Stops, orders_of, texts_of
from routing.rules.shapes import MINUTES_MOST, ParametersFile, SelectionFile, StopsEntry
from routing.vocabulary import URGENCIES, Vocabulary
from routing.yamlfile import Location

Problem = tuple[Location, str]


def selection_problems(
    given: SelectionFile, version: int, norms: Container[str], vocabulary: Vocabulary
) -> Iterator[Problem]:
    """Everything that is wrong in it, each with its place; `version` is the format of the ruleset."""
    yield from _giving_way(given, norms, vocabulary)
    yield from _texts(given, version)
    yield from _in_office_hours(given, vocabulary)
    orders = orders_of(version)
    if sorted(given.order) != sorted(orders):
        yield ("order",), f"must name each of {', '.join(orders)} once"
    if (given.stops is None) != (version == 1):
        yield ("stops",), "`stops` says what a stop means; rulesets of format 2 have it"
    if given.known_there_from not in URGENCIES:
        yield ("known_there_from",), f"is one of {', '.join(URGENCIES)}"
    if given.fallback.capability not in vocabulary.capabilities:
        yield ("fallback", "capability"), f"there is no capability `{given.fallback.capability}`"


def _giving_way(given: SelectionFile, norms: Container[str], vocabulary: Vocabulary) -> Iterator[Problem]:
    others = {*vocabulary.capabilities, "open", "patients", "referral"}
    for index, name in enumerate(given.give_way):
        if name not in norms and name not in others:
            yield ("give_way", index), f"`{name}` is not a norm, a capability, `patients` or `open`"
        if name in given.give_way[:index]:
            yield ("give_way", index), f"`{name}` stands here twice"


def _texts(given: SelectionFile, version: int) -> Iterator[Problem]:
    texts = texts_of(version)
    if sorted(given.texts) != sorted(texts):
        differing = ", ".join(sorted(set(texts) ^ set(given.texts)))
        yield ("texts",), f"must hold exactly the texts {', '.join(texts)} (differs in: {differing})"
    for key, entry in given.texts.items():
        for text in (entry.text, entry.change):
            for problem in brace_problems(text, texts.get(key, ())):
                yield ("texts", key), problem


def _in_office_hours(given: SelectionFile, vocabulary: Vocabulary) -> Iterator[Problem]:
    for key, entry in given.in_office_hours.items():
        here: Location = ("in_office_hours", key)
        for name in (key, entry.capability):
            if name not in vocabulary.capabilities:
                yield here, f"there is no capability `{name}`"
        if entry.urgency_from not in URGENCIES:
            yield here, f"`urgency_from` is one of {', '.join(URGENCIES)}"
        other = vocabulary.capabilities.get(entry.capability)
        if other is not None and other.place:
            yield here, f"`{entry.capability}` is to be had at a place; name care without a place"


def stop_problems(given: StopsEntry, numbers: ParametersFile, vocabulary: Vocabulary) -> Iterator[Problem]:
    """What is wrong with what is said about stops."""
    here: Location = ("stops",)
    for key in ("extra_minutes", "longest_minutes"):
        parameter = numbers.parameters.get(getattr(given, key))
        if parameter is None or parameter.unit != "min":
            yield (*here, key), "must be the name of a parameter in minutes (`min`)"
        elif not 0 <= parameter.value <= MINUTES_MOST or parameter.value != int(parameter.value):
            yield (*here, key), f"`{getattr(given, key)}` must be a whole number of minutes, 0 to {MINUTES_MOST}"
    if not isinstance(getattr(numbers.agreements.get(given.agreed), "value", None), bool):
        yield (*here, "agreed"), "must be the name of an agreement that is a yes/no"
    levels = (given.goes_anyway.urgency, given.prefers_without)
    if not set(levels) <= set(URGENCIES) or not "U1" <= levels[0] < levels[1]:
        yield here, "`goes_anyway.urgency` is U1 or less urgent, and `prefers_without` less urgent than that"
    for code in given.goes_anyway.conditions:
        if code not in vocabulary.conditions:
            yield (*here, "goes_anyway"), f"there is no condition `{code}`"
    if set(given.units) != set(vocabulary.stop_kinds):
        yield (*here, "units"), f"must name exactly {', '.join(vocabulary.stop_kinds)}"
    for unit, capabilities in given.units.items():
        for name in capabilities:
            if name not in vocabulary.capabilities:
                yield (*here, "units", unit), f"there is no capability `{name}`"


def read_stops(given: StopsEntry, numbers: ParametersFile, vocabulary: Vocabulary) -> Stops:
    """What is said about stops, once nothing is wrong with it. All national time-critical conditions go anyway."""
    national = {code for code, condition in vocabulary.conditions.items() if condition.time_critical}
    return Stops(
        agreed=bool(numbers.agreements[given.agreed].value),
        goes_anyway_to=URGENCIES.index(given.goes_anyway.urgency),
        goes_anyway_with=frozenset(national | {*given.goes_anyway.conditions}),
        prefers_without_to=URGENCIES.index(given.prefers_without),
        extra_minutes=round(numbers.parameters[given.extra_minutes].value),
        longest_minutes=round(numbers.parameters[given.longest_minutes].value),
        units=given.units,
    )
