"""Rules in plain words: what is asked and what follows, for somebody who reads no YAML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from routing.rules.condition import AnyOf, Condition, Not, Test, in_words, negation_normal
from routing.rules.rule import Need, Rule
from routing.rules.ruleset import Ruleset
from routing.vocabulary import URGENCIES, Language, Text

_WORDS: Mapping[str, tuple[str, str]] = {
    "always": ("altijd", "always"),
    "and": ("en", "and"),
    "or": ("of", "or"),
    "any": ("een van:", "one of:"),
    "all": ("dit samen:", "these together:"),
    "<": ("{} lager dan {}", "{} below {}"),
    "<=": ("{} hoogstens {}", "{} at most {}"),
    ">": ("{} hoger dan {}", "{} above {}"),
    ">=": ("{} minstens {}", "{} at least {}"),
    "=": ("{} precies {}", "{} exactly {}"),
    "!=": ("{} bekend, en niet {}", "{} known, and not {}"),
    "in": ("{}: {}", "{}: {}"),
    "not in": ("{} bekend, en niet: {}", "{} known, and not: {}"),
    "true": ("{}", "{}"),
    "false": ("niet: {}", "not: {}"),
    "known": ("bekend: {}", "known: {}"),
    "unknown": ("niet bekend: {}", "not known: {}"),
    "at least": ("urgentie {} of dringender", "urgency {} or more urgent"),
    "below": ("minder dringend dan {}", "less urgent than {}"),
    "concluded": ("{} vermoed of mogelijk", "{} suspected or possible"),
    "not concluded": ("{} niet vermoed", "{} not suspected"),
    "highest_item": ("hoogste onderdeel van {}", "highest item of {}"),
    "urgency": ("urgentie {}", "urgency {}"),
    "suspected": ("vermoeden van {}", "{} suspected"),
    "possible": ("mogelijk {}", "{} possible"),
    "required": ("nodig: {}", "needed: {}"),
    "preferred": ("liefst: {}", "preferred: {}"),
    "within": ("{} ({})", "{} ({})"),
    "bypass": ("{}, hoogstens {} minuten omrijden", "{}, at most {} minutes further"),
    "ambulance": ("ambulance {}", "ambulance {}"),
    "mmt": ("mobiel medisch team gaat mee", "mobile medical team goes along"),
    "no mmt": ("geen mobiel medisch team", "no mobile medical team"),
    "warning": ("tekst wordt als waarschuwing getoond", "text is shown as a warning"),
}
_UNITS_NL: Mapping[str, str] = {"year": "jaar", "month": "maanden", "week": "weken", "d": "dagen", "h": "uur"}
_UNITS_EN: Mapping[str, str] = {"year": "years", "month": "months", "week": "weeks", "d": "days", "h": "hours"}


def _say(word: str, language: Language, *values: str) -> str:
    return _WORDS[word][("nl", "en").index(language)].format(*values)


def as_written(condition: Condition) -> str:
    """`condition` on one line in the words of the rule files: `chest_pain and (age_years >= 40 or pallor)`."""
    return _one_line(negation_normal(condition), lambda test: str(in_words(test)), "en")


def sentence(condition: Condition, ruleset: Ruleset) -> Text:
    """`condition` as one sentence in plain words."""
    normal = negation_normal(condition)
    return Text(*(_one_line(normal, partial(_test, ruleset, language=each), each) for each in LANGUAGES))


LANGUAGES: tuple[Language, Language] = ("nl", "en")
"""Both languages in which everything is said, in the order of a `Text`."""


def _one_line(condition: Condition, words: Any, language: Language, *, nested: bool = False) -> str:
    if isinstance(condition, Test):
        return str(words(condition))
    assert not isinstance(condition, Not), "negations were pushed into the comparisons"
    if not condition.parts:
        return _say("always", language)
    link = f" {_say('or' if isinstance(condition, AnyOf) else 'and', language)} "
    text = link.join(_one_line(part, words, language, nested=True) for part in condition.parts)
    return f"({text})" if nested and len(condition.parts) > 1 else text


def outline(condition: Condition, ruleset: Ruleset, language: Language) -> tuple[tuple[int, str], ...]:
    """`condition` as lines with their depth: what must hold together, and below `one of:` what may hold instead."""
    return tuple(_outline(negation_normal(condition), ruleset, language, 0))


def _outline(condition: Condition, ruleset: Ruleset, language: Language, depth: int) -> Iterator[tuple[int, str]]:
    if isinstance(condition, Test):
        yield depth, _test(ruleset, condition, language=language)
        return
    assert not isinstance(condition, Not), "negations were pushed into the comparisons"
    if not condition.parts:
        yield depth, _say("always", language)
        return
    either = isinstance(condition, AnyOf)
    if either or depth:
        yield depth, _say("any" if either else "all", language)
    for part in condition.parts:
        yield from _outline(part, ruleset, language, depth + 1 if either or depth else depth)


def _test(ruleset: Ruleset, test: Test, *, language: Language) -> str:
    say = partial(_say, language=language)
    if test.subject == "urgency":
        assert isinstance(test.value, int)
        return _say(test.op, language, URGENCIES[test.value])
    label = label_of(test.subject, ruleset).wire()[language]
    if test.subject.startswith("condition."):
        return _say("concluded" if test.op == "true" else "not concluded", language, label)
    if isinstance(test.value, tuple):
        choices = ruleset.vocabulary.choices(test.subject)
        link = f" {say('or')} "
        return _say(test.op, language, label, link.join(choices[value].wire()[language] for value in test.value))
    if test.value is None:
        return _say(test.op, language, label)
    return _say(test.op, language, label, amount(test.value, ruleset.subjects[test.subject].unit, language))


def amount(value: float, unit: str | None, language: Language) -> str:
    """A number with its unit, as it is said: with a comma in Dutch, and many minutes as hours too."""
    shown = _number(value, language)
    if unit in (None, "1"):
        return shown
    if unit == "min" and value >= 120 and value % 30 == 0:
        return f"{_number(value / 60, language)} {unit_said('h', language)} ({shown} min)"
    return f"{shown} {unit_said(str(unit), language)}"


def unit_said(unit: str, language: Language) -> str:
    """What a unit is called: `week` is `weken`; what is the same in every language stays as it is."""
    return (_UNITS_NL if language == "nl" else _UNITS_EN).get(unit, unit)


def _number(value: float, language: Language) -> str:
    written = str(value) if isinstance(value, int) else f"{value:g}"
    return written.replace(".", ",") if language == "nl" else written


def label_of(subject: str, ruleset: Ruleset) -> Text:
    """The label of a fact, a derived number, a score, its highest item, or `condition.CODE`."""
    words = ruleset.vocabulary
    if subject.startswith("condition."):
        return words.conditions[subject.removeprefix("condition.")].label
    if subject.endswith(".highest_item"):
        label = label_of(subject.removesuffix(".highest_item"), ruleset)
        return Text(_say("highest_item", "nl", label.nl), _say("highest_item", "en", label.en))
    for known in (words.facts, ruleset.derived, ruleset.scores):
        if subject in known:
            label = known[subject].label
            assert isinstance(label, Text)
            return label
    return Text(subject, subject)


def conclusions(rule: Rule, ruleset: Ruleset) -> tuple[Text, ...]:
    """What follows when `rule` fires, one text for each conclusion."""
    return tuple(Text(*(words(each) for each in LANGUAGES)) for words in _conclusions(rule, ruleset))


def _conclusions(rule: Rule, ruleset: Ruleset) -> Iterator[Any]:
    def about(word: str, *texts: Text | str) -> Any:
        return lambda language: _say(
            word, language, *(text if isinstance(text, str) else text.wire()[language] for text in texts)
        )

    if rule.condition is not None and rule.status is not None:
        yield about(rule.status, ruleset.vocabulary.conditions[rule.condition].label)
    if rule.urgency is not None:
        yield about("urgency", URGENCIES[rule.urgency])
    for need in rule.needs:
        yield about(need.strength, _need(need, ruleset))
    if rule.ambulance is not None:
        yield about("ambulance", rule.ambulance)
    if rule.mmt is not None:
        yield about("mmt" if rule.mmt else "no mmt")
    if rule.warning:
        yield about("warning")


def _need(need: Need, ruleset: Ruleset) -> Text:
    label = ruleset.vocabulary.capabilities[need.capability].label
    if need.within is not None:
        norm = ruleset.norms[need.within].label
        label = Text(_say("within", "nl", label.nl, norm.nl), _say("within", "en", label.en, norm.en))
    if need.bypass_minutes is not None:
        limit = str(need.bypass_minutes)
        label = Text(_say("bypass", "nl", label.nl, limit), _say("bypass", "en", label.en, limit))
    return label
