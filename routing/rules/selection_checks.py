"""What can be wrong with `selection.yaml`: names that do not exist, texts that are missing or cannot be filled in."""

from __future__ import annotations

from collections.abc import Container, Iterator

from routing.rules.checks import brace_problems
from routing.rules.selection import ORDERS, texts_of
from routing.rules.shapes import SelectionFile
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
    if sorted(given.order) != sorted(ORDERS):
        yield ("order",), f"must name each of {', '.join(ORDERS)} once"
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
