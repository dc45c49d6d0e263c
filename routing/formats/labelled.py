"""Reads cases of which somebody else said how urgent they are, so that Wegwijs can be held against that.

One JSON object a line, in one of two forms:

- `{"id", "case": <a case of the contract>, "expect": {"urgency": [lo, hi], "conditions": [code, ...]}}`, if wanted with
  `set` (name of the set that it belongs to) and `at` (the moment of deciding). The case is read strictly.
- a row of a public data set: `id`, `set`, `age` (years), `sex` (M, F), `vitals`, `complaint`, `findings`,
  `arrival_mode`, `expected_urgency_band` [lo, hi], `strict_target`, `expected_time_critical`.

An urgency is a number 0-5 (U0-U5): the lower, the more urgent.

Rows of data sets speak many languages; this is how their words become observations. Nothing else is guessed, and what
does not fit is named among the unmapped keys:

- a key is a fact if it is its id or alias; null is unknown; a vital sign goes before a finding about the same fact;
- yes/no facts: true and false as they are; the texts none, no, absent, denied, denies, negative, normal and false mean
  false; any other text, or a list with something in it, describes a finding that is present, so true; a number does
  not fit;
- numbers: only numbers within the range of the fact; choices: only their values (also as a list of one); times: only
  with an offset;
- `history: [...]`: each entry is a yes/no fact by the name `history_<entry>` or its own, and then true;
- `complaint` by id or alias, also in another order of words, with a side (`lt`, `right`, `both`) or with a short form
  before it (`d_diarrhea`), never where a word denies it; if it is also the name of a yes/no fact, that is observed too;
- `arrival_mode` ambulance, own transport or on foot; M and F.

The rows hold no place: all patients are in the centre of Utrecht, on a Wednesday afternoon. A row without an age is
taken for an adult of 50, and `age` stands among its unmapped keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from routing.case import parse_case
from routing.errors import BadInput, Fault, bad_input, shown
from routing.vocabulary import URGENCIES, Fact, Vocabulary

UTRECHT = {"lat": 52.0907, "lon": 5.1214}
WEDNESDAY_AFTERNOON = datetime.fromisoformat("2026-11-18T14:00:00+01:00")
ADULT_YEARS = 50
"""The age of a patient of whom the row does not say it."""

NOT_PRESENT = frozenset({"", "none", "no", "absent", "denied", "denies", "negative", "normal", "false"})
SEXES = {"M": "male", "F": "female", "male": "male", "female": "female"}
TRANSPORTS = {"ambulance": "ambulance", "ambulance_private": "ambulance", "private": "own", "walk_in": "walk"}
SILENT_ARRIVALS = frozenset({"unknown", "other"})
SIDES = {"l": "left", "lt": "left", "r": "right", "rt": "right", "bilateral": "both", "ant": "anterior"}
NO_OTHER_COMPLAINT = frozenset(
    ("left", "right", "both", "side", "anterior", "acute", "diffuse", "area", "with", "for", "type", "unspecified")
)
DENIALS = frozenset({"no", "not", "non", "without", "denies", "denied"})
SHORT_FORM = 3
"""So many letters at most has a word that may stand as a short form before the complaint."""

_UNFIT = object()


@dataclass(frozen=True, slots=True)
class LabelledCase:
    """A case with what was expected. `band` is the lowest and highest right urgency (0-5), `target` the one exact level
    if the source had five levels; `time_critical` are the expected national conditions; `unmapped` the keys of the row
    that no fact stands for."""

    id: str
    set: str
    body: Mapping[str, Any]
    at: datetime
    band: tuple[int, int]
    target: int | None
    time_critical: frozenset[str]
    unmapped: tuple[str, ...] = ()


def read_labelled(lines: Iterable[bytes | str], words: Vocabulary) -> Iterator[LabelledCase]:
    """The labelled cases in `lines` (empty ones are skipped). Raises BadInput that names the line."""
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _labelled(line, number, words)


def _labelled(line: bytes | str, number: int, words: Vocabulary) -> LabelledCase:
    place = f"line {number}"
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise bad_input(place, "not_json", f"is not JSON: {error.msg}", allowed="one JSON object a line") from error
    try:
        if isinstance(row, dict) and "case" in row:
            return _own_form(row, words)
        if isinstance(row, dict) and "expected_urgency_band" in row:
            return _data_set_form(row, words)
    except BadInput as error:
        faults = [Fault(f"{place}: {f.field}", f.code, f.message, f.value, f.allowed) for f in error.faults]
        raise BadInput(tuple(faults)) from error
    message = "is not a labelled case: it has neither `case` nor `expected_urgency_band`"
    raise bad_input(place, "unknown_form", message, row, "an object with `id`, `case`, `expect`")


# -- the form of the contract


def _own_form(row: Mapping[str, Any], words: Vocabulary) -> LabelledCase:
    _only(row, ("id", "set", "at", "case", "expect"), "")
    expect = row.get("expect")
    if not isinstance(expect, dict):
        raise bad_input("expect", "wrong_type", "is an object", expect, '{"urgency": [lo, hi]}')
    _only(expect, ("urgency", "conditions"), "expect.")
    codes = expect.get("conditions") or []
    for code in codes:
        if code not in words.conditions:
            raise bad_input(
                "expect.conditions", "unknown_value", "is not a condition", code, ", ".join(words.conditions)
            )
    moment = _moment(row.get("at"))
    parse_case(row["case"], words, moment)
    national = (words.conditions[code].time_critical for code in codes)
    return LabelledCase(
        id=_id(row),
        set=str(row.get("set", "cases")),
        body=row["case"],
        at=moment,
        band=_band(expect.get("urgency"), "expect.urgency"),
        target=None,
        time_critical=frozenset(code for code in national if code),
    )


def _moment(value: Any) -> datetime:
    if value is None:
        return WEDNESDAY_AFTERNOON
    with suppress(ValueError, TypeError):
        found = datetime.fromisoformat(value)
        if found.tzinfo is not None:
            return found
    raise bad_input("at", "wrong_type", "is not a time with an offset", value, "2026-11-18T14:00:00+01:00")


def _only(given: Mapping[str, Any], allowed: tuple[str, ...], where: str) -> None:
    if unknown := [key for key in given if key not in allowed]:
        field = f"{where}{shown(unknown[0])}"
        raise bad_input(field, "unknown_field", "there is no such field here", allowed=", ".join(allowed))


def _id(row: Mapping[str, Any]) -> str:
    if not isinstance(row.get("id"), str):
        raise bad_input("id", "wrong_type", "is text", row.get("id"), "a text that names the case")
    return str(row["id"])


def _band(value: Any, field: str) -> tuple[int, int]:
    if isinstance(value, list) and len(value) == 2:
        low, high = (URGENCIES.index(each) if each in URGENCIES else each for each in value)
        if _is_level(low) and _is_level(high) and low <= high:
            return low, high
    allowed = "[lo, hi], each 0-5 or U0-U5, the most urgent first"
    raise bad_input(field, "wrong_value", "is not a band of urgencies", value, allowed)


def _is_level(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(URGENCIES)


# -- rows of data sets


def _data_set_form(row: Mapping[str, Any], words: Vocabulary) -> LabelledCase:
    unmapped: list[str] = []
    observations: dict[str, Any] = {}
    for key, value in _given(row):
        _observe(key, value, words, observations, unmapped)
    body: dict[str, Any] = {"patient": _patient(row, unmapped), "location": UTRECHT, "observations": observations}
    complaint = str(row.get("complaint") or "")
    named = _named(complaint, words.complaint_names)
    if named is not None:
        body["complaint"] = named
    if not _is_fact(complaint, words, observations) and named is None and complaint:
        unmapped.append(f"complaint:{complaint}")
    arrival = row.get("arrival_mode")
    if arrival in TRANSPORTS:
        body["transport"] = TRANSPORTS[arrival]
    elif arrival and arrival not in SILENT_ARRIVALS:
        unmapped.append(f"arrival_mode:{arrival}")
    _drop_what_does_not_fit(body, words, unmapped)
    target = row.get("strict_target")
    return LabelledCase(
        id=_id(row),
        set=str(row.get("set", "cases")),
        body=body,
        at=WEDNESDAY_AFTERNOON,
        band=_band(row["expected_urgency_band"], "expected_urgency_band"),
        target=target if _is_level(target) else None,
        time_critical=frozenset(row.get("expected_time_critical") or ()),
        unmapped=tuple(unmapped),
    )


def _given(row: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for part in ("vitals", "findings"):
        for key, value in (row.get(part) or {}).items():
            if value is None:
                continue
            if key == "history" and isinstance(value, list):
                yield from ((f"history:{entry}", True) for entry in value)
            else:
                yield key, value


def _is_fact(complaint: str, words: Vocabulary, observations: dict[str, Any]) -> bool:
    """Whether a yes/no fact has this name; it then holds, unless a finding says otherwise."""
    fact_id = _named(complaint, words.fact_names)
    if fact_id is None or words.facts[fact_id].type != "boolean" or words.facts[fact_id].given != "observations":
        return False
    observations.setdefault(fact_id, True)
    return True


def _named(given: str, names: Mapping[str, str]) -> str | None:
    """What `names` calls `given`; None if nothing, or if its words in another order could mean two."""
    if given in names:
        return names[given]
    parts = [SIDES.get(part, part) for part in given.lower().split("_")]
    by_words: dict[frozenset[str], set[str]] = {}
    for name, meant in names.items():
        by_words.setdefault(frozenset(name.split("_")), set()).add(meant)
    while parts and not DENIALS.intersection(parts):
        # a side says much where it belongs to the name (weakness of one side), and little where it does not
        for wanted in (frozenset(parts), frozenset(parts) - NO_OTHER_COMPLAINT):
            if len(found := by_words.get(wanted, set())) == 1:
                return next(iter(found))
        if len(parts[0]) > SHORT_FORM:
            return None
        del parts[0]
    return None


def _patient(row: Mapping[str, Any], unmapped: list[str]) -> dict[str, Any]:
    age, sex = row.get("age"), row.get("sex")
    patient: dict[str, Any] = {"age_years": age}
    if isinstance(age, bool) or not isinstance(age, int | float):
        unmapped.append("age")
        patient = {"age_years": ADULT_YEARS}
    if sex in SEXES:
        patient["sex"] = SEXES[sex]
    elif sex is not None:
        unmapped.append(f"sex:{sex}")
    return patient


def _observe(key: str, value: Any, words: Vocabulary, observations: dict[str, Any], unmapped: list[str]) -> None:
    entry = key.removeprefix("history:")
    names = (entry,) if entry == key else (f"history_{entry}", entry)
    fact_id = next((words.fact_names[name] for name in names if name in words.fact_names), None)
    fact = words.facts[fact_id] if fact_id is not None else None
    if fact is None or fact_id is None or fact.given != "observations" or (entry != key and fact.type != "boolean"):
        unmapped.append(key)
        return
    fitting = _fitting(value, fact)
    if fitting is _UNFIT:
        unmapped.append(key)
    elif fact.type == "boolean":
        observations[fact_id] = fitting or observations.get(fact_id, False)
    else:
        observations.setdefault(fact_id, fitting)


def _fitting(value: Any, fact: Fact) -> Any:
    if fact.type == "boolean":
        return _yes_or_no(value)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if fact.type == "number":
        return value if isinstance(value, int | float) and not isinstance(value, bool) else _UNFIT
    return value if isinstance(value, str) else _UNFIT


def _yes_or_no(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.strip().lower() not in NOT_PRESENT
    return bool(value) if isinstance(value, list) else _UNFIT


def _drop_what_does_not_fit(body: dict[str, Any], words: Vocabulary, unmapped: list[str]) -> None:
    # ranges, choices and times are judged where every case is judged, so that there is one meaning of them
    try:
        parse_case(body, words, WEDNESDAY_AFTERNOON)
    except BadInput as error:
        for fault in error.faults:
            part, _, key = fault.field.partition(".")
            if part != "observations" or key not in body["observations"]:
                raise
            del body["observations"][key]
            unmapped.append(key)
