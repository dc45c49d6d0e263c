"""What can be wrong with `selection.yaml`: names that do not exist, texts that are missing or cannot be filled in."""

from __future__ import annotations

from collections.abc import Container, Iterator

from routing.rules.checks import brace_problems
from routing.rules.selection import LiveFacts, Stops, orders_of, texts_of
from routing.rules.shapes import MINUTES_MOST, ParametersFile, SelectionFile, StatusEntry, StopsEntry
from routing.vocabulary import REPORT_KINDS, URGENCIES, Vocabulary
from routing.yamlfile import Location

Problem = tuple[Location, str]


def selection_problems(
    given: SelectionFile, version: int, norms: Container[str], vocabulary: Vocabulary
) -> Iterator[Problem]:
    """Everything that is wrong in it, each with its place; `version` is the format of the ruleset."""
    yield from _giving_way(given, version, norms, vocabulary)
    yield from _texts(given, version)
    yield from _in_office_hours(given, vocabulary)
    orders = orders_of(version)
    if sorted(given.order) != sorted(orders):
        yield ("order",), f"must name each of {', '.join(orders)} once"
    if (given.stops is None) != (version == 1):
        yield ("stops",), "`stops` says what a stop means; rulesets of format 2 and later have it"
    if (given.search is None) != (version < 3):
        yield ("search",), "`search` says how many places are looked at; rulesets of format 3 have it"
    if (given.status is None) != (version < 3):
        yield ("status",), "`status` says how far live facts are relied on; rulesets of format 3 have it"
    if given.known_there_from not in URGENCIES:
        yield ("known_there_from",), f"is one of {', '.join(URGENCIES)}"
    if given.fallback.capability not in vocabulary.capabilities:
        yield ("fallback", "capability"), f"there is no capability `{given.fallback.capability}`"


def _giving_way(given: SelectionFile, version: int, norms: Container[str], vocabulary: Vocabulary) -> Iterator[Problem]:
    others = {*vocabulary.capabilities, "open", "patients", "referral", *(("gestation",) if version > 2 else ())}
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


def read_live_parts(
    given: SelectionFile, numbers: ParametersFile, vocabulary: Vocabulary
) -> tuple[list[Problem], Stops | None, LiveFacts | None]:
    """What is said about stops and about live facts, and what is wrong with that; what is wrong is not read."""
    stop = [] if given.stops is None else [*_stop_problems(given.stops, numbers, vocabulary)]
    status = [] if given.status is None else [*_status_problems(given.status, numbers)]
    stops = _read_stops(given.stops, numbers, vocabulary) if given.stops is not None and not stop else None
    live = _read_status(given.status, numbers) if given.status is not None and not status else None
    return stop + status, stops, live


def _stop_problems(given: StopsEntry, numbers: ParametersFile, vocabulary: Vocabulary) -> Iterator[Problem]:
    """What is wrong with what is said about stops."""
    here: Location = ("stops",)
    for key in ("extra_minutes", "longest_minutes"):
        yield from _minutes((*here, key), getattr(given, key), numbers)
    yield from _yes_or_no((*here, "agreed"), given.agreed, numbers)
    levels = (given.goes_anyway.urgency, given.prefers_without)
    if not set(levels) <= set(URGENCIES) or not "U1" <= levels[0] < levels[1]:
        yield here, "`goes_anyway.urgency` is U1 or less urgent, and `prefers_without` less urgent than that"
    for code in given.goes_anyway.conditions:
        if code not in vocabulary.conditions:
            yield (*here, "goes_anyway"), f"there is no condition `{code}`"
    if unknown := set(given.units) - set(vocabulary.stop_kinds):
        yield (*here, "units"), f"there is no unit {', '.join(f'`{unit}`' for unit in sorted(unknown))}"
    for unit, capabilities in given.units.items():
        for name in capabilities:
            if name not in vocabulary.capabilities:
                yield (*here, "units", unit), f"there is no capability `{name}`"


def _minutes(place: Location, name: str, numbers: ParametersFile) -> Iterator[Problem]:
    parameter = numbers.parameters.get(name)
    if parameter is None or parameter.unit != "min":
        yield place, "must be the name of a parameter in minutes (`min`)"
    elif not 0 <= parameter.value <= MINUTES_MOST or parameter.value != int(parameter.value):
        yield place, f"`{name}` must be a whole number of minutes, 0 to {MINUTES_MOST}"


def _yes_or_no(place: Location, name: str, numbers: ParametersFile) -> Iterator[Problem]:
    if not isinstance(getattr(numbers.agreements.get(name), "value", None), bool):
        yield place, "must be the name of an agreement that is a yes/no"


def _status_problems(given: StatusEntry, numbers: ParametersFile) -> Iterator[Problem]:
    """What is wrong with what is said about live facts."""
    here: Location = ("status",)
    if set(given.fresh_minutes) != set(REPORT_KINDS):
        yield (*here, "fresh_minutes"), f"must name exactly {', '.join(REPORT_KINDS)}"
    for kind, name in given.fresh_minutes.items():
        yield from _minutes((*here, "fresh_minutes", kind), name, numbers)
    for key in ("ended_shown_minutes", "reservation_minutes"):
        yield from _minutes((*here, key), getattr(given, key), numbers)
    yield from _yes_or_no((*here, "herd_guard"), given.herd_guard, numbers)


def _read_status(given: StatusEntry, numbers: ParametersFile) -> LiveFacts:
    """What is said about live facts, once nothing is wrong with it."""
    value = {key: parameter.value for key, parameter in numbers.parameters.items()}
    return LiveFacts(
        fresh_minutes={kind: round(value[name]) for kind, name in given.fresh_minutes.items()},
        ended_shown_minutes=round(value[given.ended_shown_minutes]),
        herd_guard=bool(numbers.agreements[given.herd_guard].value),
        reservation_minutes=round(value[given.reservation_minutes]),
    )


def _read_stops(given: StopsEntry, numbers: ParametersFile, vocabulary: Vocabulary) -> Stops:
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
