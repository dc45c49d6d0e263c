"""What may differ between regions: values within limits, how care is organised, and texts that name such values."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from routing.rules.ruleset import Region
from routing.rules.shapes import MINUTES_MOST, NeedEntry, OverlayFile, ParameterEntry
from routing.vocabulary import Text, Vocabulary, parse_as
from routing.yamlfile import YamlFile

OVERLAY_FILE = "overlay.yaml"
"""Under this name the content of a ruleset keeps the agreements of the region that changed it."""


def agreement_problem(name: str, value: bool | float | str, vocabulary: Vocabulary) -> str | None:
    """What is wrong with the value agreed for the fact `name`, or None."""
    fact = vocabulary.facts.get(name)
    if fact is None or fact.given != "agreement":
        known = ", ".join(key for key, fact in vocabulary.facts.items() if fact.given == "agreement") or "none"
        return f"`{name}` is not a fact with `given: agreement` (those are: {known})"
    match fact.type:
        case "boolean":
            fits, allowed = isinstance(value, bool), "true or false"
        case "choice":
            fits, allowed = value in fact.values, ", ".join(fact.values)
        case _:
            return f"`{name}` is a {fact.type}: an agreement is a yes/no or a choice, a number is a parameter"
    return None if fits else f"`{value}` is not a value of `{name}` ({allowed})"


def bypass_problem(need: NeedEntry, parameters: Mapping[str, ParameterEntry]) -> str | None:
    """What is wrong with the bypass limit of a need, or None."""
    if need.bypass_limit is None:
        return None
    if need.strength != "required":
        return "`bypass_limit` bounds what is required; a preference is bounded by `preferred_detour`"
    limit = parameters.get(need.bypass_limit)
    if limit is None:
        return f"there is no parameter `{need.bypass_limit}` in parameters.yaml"
    if limit.unit != "min" or not 0 <= limit.value <= MINUTES_MOST or limit.value != int(limit.value):
        return f"the bypass limit `{need.bypass_limit}` must be a whole number of minutes (`min`)"
    return None


def with_numbers(text: Text, numbers: Mapping[str, float]) -> Text:
    """`text` with the values of parameters in its braces; a decimal comma in Dutch, a point in English."""
    if not set("{}") & set(text.nl + text.en):
        return text
    english = {name: _in_full(value) for name, value in numbers.items()}
    dutch = {name: value.replace(".", ",") for name, value in english.items()}
    return Text(text.nl.format_map(dutch), text.en.format_map(english))


def _in_full(value: float) -> str:
    """`value` with all its digits and without exponent, however large or small."""
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def region_of(files: Mapping[str, YamlFile]) -> Region | None:
    """The region whose agreements stand in the files of a ruleset, or None."""
    if OVERLAY_FILE not in files:
        return None
    overlay = parse_as(OverlayFile, files[OVERLAY_FILE])
    return Region(overlay.region, overlay.version, overlay.title, overlay.review != "pending")
