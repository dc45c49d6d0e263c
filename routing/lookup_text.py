"""Writes what is known of a name of a ruleset as text for somebody at a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from routing.rules.reading import amount, outline
from routing.rules.ruleset import Ruleset
from routing.vocabulary import Language

WIDTH = 88
CASES_MOST = 12
"""So many worked cases are named; how many more there are is said."""

_WORDS: Mapping[str, tuple[str, str]] = {
    "rule": ("REGEL", "RULE"),
    "condition": ("AANDOENING", "CONDITION"),
    "complaint": ("KLACHT", "COMPLAINT"),
    "score": ("SCORE", "SCORE"),
    "derived": ("BEREKEND GETAL", "COMPUTED NUMBER"),
    "parameter": ("GRENS", "THRESHOLD"),
    "norm": ("NORM", "NORM"),
    "fact": ("GEGEVEN", "FACT"),
    "when": ("ALS", "WHEN"),
    "then": ("DAN", "THEN"),
    "why": ("WAAROM", "WHY"),
    "source": ("BRON", "SOURCE"),
    "review": ("BEOORDELING", "REVIEW"),
    "pending": ("nog door geen arts aanvaard", "not yet accepted by a clinician"),
    "accepted": ("aanvaard door {} op {}", "accepted by {} on {}"),
    "read": ("gelezen", "read"),
    "partly": ("deels gelezen", "partly read"),
    "not": ("niet gelezen", "not read"),
    "numbers": ("GETALLEN", "NUMBERS"),
    "minutes": ("{} minuten", "{} minutes"),
    "legal_status": ("juridisch: {}", "legal status: {}"),
    "value": ("WAARDE", "VALUE"),
    "range": ("{} tot {}", "{} to {}"),
    "question": ("VRAAG", "QUESTION"),
    "values": ("WAARDEN", "VALUES"),
    "names": ("ANDERE NAMEN", "OTHER NAMES"),
    "codes": ("CODES", "CODES"),
    "rules": ("REGELS DIE HET GEBRUIKEN", "RULES THAT USE IT"),
    "used_by": ("BEREKEND ERUIT", "COMPUTED FROM IT"),
    "items": ("ONDERDELEN", "ITEMS"),
    "counts_if": ("telt als: {}", "counts if: {}"),
    "not_for": ("NIET VOOR", "NOT FOR"),
    "time_critical": ("landelijk tijdkritisch: {}", "nationally time-critical: {}"),
    "recognised_by": ("HERKEND DOOR", "RECOGNISED BY"),
    "builds_on_it": ("REGELS DIE EROP BOUWEN", "RULES THAT BUILD ON IT"),
    "sends": ("WAT ER DAN GEBEURT", "WHAT FOLLOWS"),
    "not_where_it_is": ("REGELS VOOR WIE HET NIET HEEFT", "RULES FOR WHO DOES NOT HAVE IT"),
    "worked_cases": ("WERKVOORBEELDEN", "WORKED CASES"),
    "worked_cases_without_it": ("WERKVOORBEELDEN ZONDER", "WORKED CASES WITHOUT IT"),
    "none": ("geen", "none"),
    "more": ("en nog {}", "and {} more"),
}

Line = tuple[int, str]
Say = Callable[..., str]


def lookup_text(entries: Sequence[Mapping[str, Any]], ruleset: Ruleset, language: Language) -> str:
    """What was looked up as lines of at most 88 characters."""

    def say(word: str, *values: Any) -> str:
        return _WORDS[word][("nl", "en").index(language)].format(*values)

    pages = [_page(entry, ruleset, language, say) for entry in entries]
    return "\n\n".join("\n".join(page) for page in pages) + "\n"


def _page(entry: Mapping[str, Any], ruleset: Ruleset, language: Language, say: Say) -> Iterator[str]:
    place = f" ({entry['file']}:{entry['line']})" if "file" in entry else ""
    yield f"{say(entry['kind'])}  {entry['id']}{place}"
    label = entry.get("label") or entry.get("text")
    if label:
        yield from _wrapped(1, label[language])
    for title, lines in _parts(entry, ruleset, language, say):
        shown = list(lines)
        if shown:
            yield from ("", say(title))
            for depth, text in shown:
                yield from _wrapped(depth + 1, text)


def _parts(
    entry: Mapping[str, Any], ruleset: Ruleset, language: Language, say: Say
) -> Iterator[tuple[str, Iterable[Line]]]:
    """The parts of an entry in the order in which a reader wants them; what an entry does not have is left out."""
    if entry["kind"] == "rule":
        when = outline(ruleset.by_id[entry["id"]].when, ruleset, language)
        yield "when", [(depth, f"- {text}") for depth, text in when]
        yield "then", [(0, f"- {text[language]}") for text in entry["then_text"]]
    if entry.get("time_critical"):
        yield "value", [(0, say("time_critical", entry["time_critical"]))]
    if entry["kind"] in ("parameter", "norm", "derived", "score"):
        yield "value", [(0, text) for text in _values(entry, language, say)]
    if entry["kind"] == "fact":
        yield "question", [(0, entry["question"][language])]
        yield "value", [(0, text) for text in _values(entry, language, say)]
        yield "values", [(0, f"- {key}: {label[language]}") for key, label in entry["values"].items()]
    yield "items", [(0, f"- {_item(item, language, say)}") for item in entry.get("items", ())]
    yield "not_for", [(0, entry["not_for"][language])] if entry.get("not_for") else []
    names = [*entry.get("aliases", ()), *entry.get("synonyms", {}).get(language, ())]
    yield "names", [(0, ", ".join(names))] if names else []
    yield "codes", [(0, f"{system}: {code}") for system, code in entry.get("codes", {}).items()]
    yield "why", [(0, entry["why"])] if "why" in entry else []
    yield "source", [(0, _source(entry["reference"], say))] if "reference" in entry else []
    yield "review", [(0, _review(entry["review"], say))] if "review" in entry else []
    yield "numbers", _numbers(entry, language, say)
    for part in ("recognised_by", "builds_on_it", "sends", "not_where_it_is"):
        if part in entry:
            yield part, _summaries(entry[part], language, say)
    yield "rules", _short(entry.get("rules", ()), language)
    yield "used_by", [(0, ", ".join(entry["used_by"]))] if entry.get("used_by") else []
    for part in ("worked_cases", "worked_cases_without_it"):
        if part in entry:
            yield part, _cases(entry[part], language, say)


def _values(entry: Mapping[str, Any], language: Language, say: Say) -> Iterator[str]:
    shown = partial(amount, unit=entry.get("unit"), language=language)
    if "minutes" in entry:
        yield f"{say('minutes', entry['minutes'])}, {entry['clock_start']} > {entry['clock_end']}"
        yield say("legal_status", entry["legal_status"])
    elif "value" in entry:
        yield shown(entry["value"])
    if entry.get("range"):
        yield say("range", f"{entry['range'][0]:g}", shown(entry["range"][1]))
    elif "type" in entry:
        yield str(entry["type"])
    if "formula" in entry:
        yield str(entry["formula"])


def _item(item: Mapping[str, Any], language: Language, say: Say) -> str:
    if "values" in item:
        points = ", ".join(f"{key}: {points}" for key, points in item["values"].items())
    else:
        points = ", ".join(_band(band) for band in item["bands"])
    about = f" ({say('counts_if', item['counts_if'][language])})" if item["counts_if"] else ""
    return f"{item['fact']}: {points}{about}"


def _band(band: Mapping[str, Any]) -> str:
    limit = next((f"{sign} {band[key]:g}" for key, sign in (("upto", "<="), ("below", "<")) if key in band), "...")
    return f"{limit}: {band['points']}"


def _source(reference: Mapping[str, Any], say: Say) -> str:
    about = [reference["title"], reference["section"], say(reference["read"])]
    return f"{', '.join(part for part in about if part)}. {reference['href']}"


def _review(review: Any, say: Say) -> str:
    return say("pending") if review == "pending" else say("accepted", review["by"], review["on"])


def _numbers(entry: Mapping[str, Any], language: Language, say: Say) -> Iterator[Line]:
    for number in entry.get("parameters", ()):
        yield 0, f"- {number['label'][language]}: {amount(number['value'], number['unit'], language)} ({number['id']})"
    for norm in entry.get("norms", ()):
        yield 0, f"- {norm['label'][language]}: {say('minutes', norm['minutes'])} ({norm['id']})"


def _summaries(rules: Sequence[Mapping[str, Any]], language: Language, say: Say) -> Iterator[Line]:
    for rule in rules:
        yield 0, f"- {rule['id']} ({rule['file']}:{rule['line']}): {rule['text'][language]}"
        yield 1, f"{say('when')}: {rule.get('besides', rule['when_text'])[language]}"
        yield 1, f"{say('then')}: {'; '.join(text[language] for text in rule['then_text'])}"
        yield 1, f"{_source(rule['reference'], say)} {_review(rule['review'], say).capitalize()}."


def _short(rules: Sequence[Mapping[str, Any]], language: Language) -> Iterator[Line]:
    for rule in rules:
        follows = "; ".join(text[language] for text in rule["then_text"])
        yield 0, f"- {rule['id']} ({rule['file']}:{rule['line']}): {rule['text'][language]} ({follows})"


def _cases(cases: Sequence[Mapping[str, Any]], language: Language, say: Say) -> Iterator[Line]:
    for case in cases[:CASES_MOST]:
        yield 0, f"- {case['name'][language]} ({case['file']}:{case['line']})"
    if len(cases) > CASES_MOST:
        yield 0, say("more", len(cases) - CASES_MOST)
    if not cases:
        yield 0, say("none")


def _wrapped(depth: int, text: str) -> Iterator[str]:
    indent = "  " * depth
    following = indent + ("  " if text.startswith("- ") else "")
    yield from textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=following, break_on_hyphens=False, break_long_words=False
    )
