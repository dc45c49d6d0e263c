"""What was seen that a reason rests on, with the words of the vocabulary instead of its ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from api.auth import world
from api.desk import reason_words
from api.desk.region_words import agreements_of
from api.desk.travel_words import method_word
from api.desk.words import clock_of_today, decimal, language, t, text
from routing.criteria import NEVER
from routing.rules.reading import amount, label_of
from routing.rules.ruleset import Ruleset
from routing.rules_here import deciding_now, installed_rulesets
from routing.vocabulary import Fact

GIVEN_UP = ("gave_way", "perhaps")
"""Texts below which stands what was given up: its name, and which of all that may be given up it is."""

CONDITION = "condition."
"""Begins the name of a conclusion about a condition."""

HIGHEST_ITEM = ".highest_item"


def seen(reason: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a reason rests on: (label, value as a reader knows it)."""
    _, selection, said = reason["rule"].partition("/selection/")
    because = reason["because"]
    if not selection:
        return [(label(key), value_of(key, value)) for key, value in because.items()]
    if said in GIVEN_UP:
        return [(_given_up(name), _position(position)) for name, position in because.items()]
    return [
        _of_text(said, word, value)
        for word, value in because.items()
        if word not in reason_words.STANDS_IN_TEXT and value != ""
    ]


def _of_text(said: str, word: str, value: Any) -> tuple[str, str]:
    """A word that stands in the text of a reason about places."""
    known = reason_words.said_of(said, word)
    if known is None:
        return label(word), value_of(word, value)
    nl, en, kind = known
    if kind == "minutes":
        shown = f"{value} min"
    elif kind in ("years", "weeks") and isinstance(value, int | float):
        shown = amount(value, kind.removesuffix("s"), language())
    elif kind == "method":
        shown = method_word(str(value))
    elif word == "region":
        shown = agreements_of(str(value))
    else:
        shown = _plainly(value)
    return t(nl, en), shown


# -- labels -----------------------------------------------------------------------------------------------------------


def label(key: str) -> str:
    """What a fact, a condition, or a number that rules work out is called; what nobody knows any more by its id."""
    words = world().words
    if key in words.facts:
        return text(words.facts[key].label)
    if key.startswith(CONDITION) and (code := key.removeprefix(CONDITION)) in words.conditions:
        return condition_label(code)
    if key == "urgency":
        return t("urgentie", "urgency")
    name = key.removesuffix(HIGHEST_ITEM)
    rules = next((each for each in _rules() if name in each.derived or name in each.scores), None)
    return text(label_of(key, rules)) if rules is not None else key


def _rules() -> Iterator[Ruleset]:
    """Those that decide now, then all others, the newest first: what was decided before is shown also if none may. To
    read the others takes seconds, so whoever looks for what all have must find it in the first."""
    if (now := deciding_now(world())) is not None:
        yield now
    yield from sorted(installed_rulesets(world()), key=lambda rules: rules.effective_from, reverse=True)


def condition_label(code: str) -> str:
    """What a condition is called."""
    known = world().words.conditions
    return text(known[code].label) if code in known else code


def _given_up(name: str) -> str:
    if name in (known := world().words.capabilities):
        return text(known[name].label)
    if (said := reason_words.given_up(name)) is not None:
        return said
    norm = next((rules.norms[name].label for rules in _rules() if name in rules.norms), None)
    return text(norm) if norm is not None else name


def _position(position: Any) -> str:
    if isinstance(position, int) and position < NEVER - 1:
        return reason_words.given_up_as(position)
    return t("staat niet op de lijst van wat mag worden opgegeven", "is not on the list of what may be given up")


# -- values -----------------------------------------------------------------------------------------------------------


def value_of(key: str, value: Any) -> str:
    """`value` of the fact or number `key` as a reader knows it, with its unit."""
    if isinstance(value, bool) and key.startswith(CONDITION):  # nobody said so: rules concluded it, or did not
        concluded = ("ja, volgens de regels", "yes, by the rules"), ("nee, volgens de regels", "no, by the rules")
        return t(*concluded[0 if value else 1])
    if value is None or isinstance(value, bool):
        return _plainly(value)
    if isinstance(value, Mapping) and value.keys() >= {"low", "high"}:  # of a number that is not known exactly
        return decimal(f"{value['low']:g} {t('tot', 'to')} {value['high']:g}")
    if isinstance(value, float):
        value = round(value, 2)
    fact = world().words.facts.get(key)
    if fact is not None:
        return _of_fact(key, fact, value)
    if isinstance(value, int | float) and (unit := _worked_out_unit(key)) is not None:
        return amount(value, unit, language())
    return _plainly(value)


def _plainly(value: Any) -> str:
    if value is None:
        return t("onbekend", "unknown")
    if isinstance(value, bool):
        return t("ja", "yes") if value else t("nee", "no")
    return decimal(str(round(value, 2))) if isinstance(value, float) else str(value)


def _worked_out_unit(key: str) -> str | None:
    name = key.removesuffix(HIGHEST_ITEM)
    rules = next((each for each in _rules() if name in each.derived or name in each.scores), None)
    return rules.derived[key].unit if rules is not None and key in rules.derived else None


def _of_fact(key: str, fact: Fact, value: Any) -> str:
    if fact.type == "time" and isinstance(value, str):
        return clock_of_today(value, world().clock())
    if fact.type == "choice":
        choices = world().words.choices(key)
        return text(choices[value]) if value in choices else str(value)
    return amount(value, fact.unit, language()) if isinstance(value, (int, float)) else str(value)
