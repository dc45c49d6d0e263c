"""What was seen that a reason rests on, with the words of the vocabulary instead of its ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.auth import world
from api.desk.words import clock, decimal, language, t, text
from routing.rules.reading import amount, label_of
from routing.rules_here import deciding_now
from routing.vocabulary import Fact

LEFT_OUT = frozenset({"capability", "norm", "unit", "short"})
"""Words of a reason that stand in its text already."""

CONDITION = "condition."
"""Begins the name of a conclusion about a condition."""

MINUTES = frozenset({"elapsed", "high", "low", "limit", "minutes", "margin"})


def seen(because: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a reason rests on: (label, value as a reader knows it)."""
    return [(label(key), value_of(key, value)) for key, value in because.items() if key not in LEFT_OUT]


def label(key: str) -> str:
    """What a fact, a condition or another word of a reason is called."""
    words = world().words
    if key in words.facts:
        return text(words.facts[key].label)
    if key.startswith(CONDITION) and (code := key.removeprefix(CONDITION)) in words.conditions:
        return condition_label(code)
    of_reasons = {
        "urgency": ("urgentie", "urgency"),
        "elapsed": ("verstreken bij aankomst", "elapsed on arrival"),
        "high": ("hoogstens", "at most"),
        "low": ("minstens", "at least"),
        "limit": ("grens", "limit"),
        "minutes": ("minuten", "minutes"),
        "margin": ("speling", "margin"),
    }
    return t(*of_reasons[key]) if key in of_reasons else _label_now(key)


def _label_now(key: str) -> str:
    """What the rules that decide now call it; what was decided before is shown also if none may."""
    rules = deciding_now(world())
    return text(label_of(key, rules)) if rules is not None else key


def condition_label(code: str) -> str:
    """What a condition is called."""
    known = world().words.conditions
    return text(known[code].label) if code in known else code


def value_of(key: str, value: Any) -> str:
    """`value` of the fact or word `key` as a reader knows it, with its unit."""
    if value is None:
        return t("onbekend", "unknown")
    if isinstance(value, bool) and key.startswith(CONDITION):  # nobody said so: rules concluded it, or did not
        return (
            t("ja, volgens de regels", "yes, by the rules")
            if value
            else t("nee, volgens de regels", "no, by the rules")
        )
    if isinstance(value, bool):
        return t("ja", "yes") if value else t("nee", "no")
    if isinstance(value, Mapping) and value.keys() >= {"low", "high"}:  # of a number that is not known exactly
        return decimal(f"{value['low']:g} {t('tot', 'to')} {value['high']:g}")
    if isinstance(value, float):
        value = round(value, 2)
    fact = world().words.facts.get(key)
    if fact is not None:
        return _of_fact(key, fact, value)
    written = decimal(str(value)) if isinstance(value, float) else str(value)
    return f"{written} min" if key in MINUTES else written


def _of_fact(key: str, fact: Fact, value: Any) -> str:
    if fact.type == "time" and isinstance(value, str):
        return clock(value)
    if fact.type == "choice":
        choices = world().words.choices(key)
        return text(choices[value]) if value in choices else str(value)
    return decimal(amount(value, fact.unit, language())) if isinstance(value, (int, float)) else str(value)
