"""What of a record is left out of a capsule when something is to be withheld: that, and whatever would tell it."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import orjson

from routing.errors import bad_input, shown
from routing.log.commitments import commitment, fields_of, salts

WITHHELD: Mapping[str, tuple[str, ...]] = {
    "patient": ("case",),
    "age": ("case.patient.age_years", "case.patient.age_months"),
    "sex": ("case.patient.sex",),
    "location": ("case.location", "case.on_the_way", "case.region", "case.known_at"),
    "reference": ("case.reference",),
    "complaint": ("case.complaint",),
    "observations": ("case.observations",),
    "times": ("case.called_at", "case.first_contact_at", "case.assessed_at", "case.on_the_way"),
}
"""What can be withheld -> the fields of a record that say it. `patient` is all of the case.

The decision itself is told all the same: how urgent, which conditions, what is needed, and the place that is
recommended. Whoever knows the rules can work out of these what kind of patient it must have been."""

_TELL_OF_PLACES = (
    "travel",
    "texts",
    "result.recommendation.travel",
    "result.recommendation.arrival_at",
    "result.recommendation.norms",
    "result.recommendation.criteria",
    "result.alternatives",
    "result.ruled_out",
    "result.way",
    "result.mmt",
)
"""Fields that tell where and who the patient is, or since when: minutes to places and on clocks, which places do not
take this patient, and what would have to be otherwise."""

_TELL_OF_RULES = ("evaluators", "result.open_questions", "result.open_questions_left")
"""Fields that tell what was found, or was not asked: the rules that fired, and the questions that were left."""

_DECIDE_NOTHING = frozenset({"case.reference"})
_ONLY_WHERE = WITHHELD["location"]

_OUTCOME_TOLD = frozenset(
    {"version", "id", "decision", "recorded_at", "asker", "software", "event", "outcome", "by", "reason"}
    | {"recommended", "destination", "facility", "corrects", "told_by"}
)
"""What is told of an outcome where anything is withheld: codes and places; no comment, and no other moment."""


def withheld_paths(withhold: Iterable[str], facts: Collection[str]) -> tuple[str, ...]:
    """The fields that `withhold` names: keys of `WITHHELD`, or an observation (`observations.heart_rate`) that is one
    of the `facts` by its own id. Raises BadInput."""
    return tuple(path for name in withhold for path in _paths(name, facts))


def _paths(name: str, facts: Collection[str]) -> Iterator[str]:
    prefix, _, fact = name.partition(".")
    if name in WITHHELD:
        yield from WITHHELD[name]
    elif prefix == "observations" and fact in facts:
        yield f"case.{name}"
    else:  # also another name of a fact: what stands in the record under its id would be told
        allowed = f"{', '.join(WITHHELD)}, or observations. and the id of a fact (/v1/vocabulary)"
        raise bad_input("withhold", "unknown_value", "cannot be withheld", shown(name), allowed)


def hidden_in_decision(record: Mapping[str, Any], paths: Collection[str]) -> frozenset[str]:
    """The fields of the `record` of a decision that tell what stands at or below `paths`."""
    every = [field.path for field in fields_of(record)]
    asked = set(_at_or_below(every, paths))
    if asked <= _DECIDE_NOTHING:
        return frozenset(asked)
    by_rules = any(not _is_below(path, _ONLY_WHERE) for path in asked - _DECIDE_NOTHING)
    repeating = [*_TELL_OF_PLACES, *(_TELL_OF_RULES if by_rules else ())]
    if "reserved" in record["directory"]:  # of the places that came into question
        repeating.append("directory")
    told = _facts(record, asked)
    repeating += [
        f"reasons.{number}"
        for number, reason in enumerate(record.get("reasons", ()))
        if _tells(reason, told if by_rules else None)
    ]
    if record["version"] == 1:  # every reason stands where it was given
        repeating += [path for path in every if path.startswith("result.") and path != "result.provenance"]
    return frozenset(asked.union(_at_or_below(every, repeating)))


def hidden_in_outcome(record: Mapping[str, Any]) -> frozenset[str]:
    """The fields of the `record` of an outcome that are left out where anything is withheld of its decision."""
    return frozenset(field.path for field in fields_of(record) if field.path not in _OUTCOME_TOLD)


def _tells(reason: Mapping[str, Any], told: Collection[str] | None) -> bool:
    """Whether a reason tells more than the facts that are `told` (None: all facts are)."""
    if "/selection/" in reason["rule"]:  # about places, with minutes and ages in its words
        return True
    because = reason["because"].keys()
    return told is not None and not (because and because <= set(told))


def _facts(record: Mapping[str, Any], hidden: Collection[str]) -> set[str]:
    """The facts of the case that are told. What was worked out of facts is none of them."""
    case = record["case"]
    parts = {"case.patient.": case["patient"], "case.observations.": case.get("observations", {}), "case.": case}
    return {name for prefix, part in parts.items() for name in part if f"{prefix}{name}" not in hidden}


def _at_or_below(every: Iterable[str], paths: Collection[str]) -> Iterator[str]:
    return (path for path in every if _is_below(path, paths))


def _is_below(path: str, paths: Collection[str]) -> bool:
    return any(path == each or path.startswith(f"{each}.") for each in paths)


def told_fields(record: Mapping[str, Any], key: bytes, hidden: Collection[str] = ()) -> list[dict[str, Any]]:
    """The fields of `record`, which was sealed under `key`, as a capsule holds them. What is `hidden` comes last, in an
    order that does not tell between which others it stood."""
    fields = fields_of(record)
    told, withheld = [], []
    for field, salt in zip(fields, salts(key, len(fields)), strict=True):
        if field.path in hidden:
            withheld.append(commitment(field, salt))
        else:
            value = orjson.loads(field.value)
            told.append({"path": field.path, "salt": base64.b64encode(salt).decode(), "value": value})
    return [*told, *({"withheld": base64.b64encode(each).decode()} for each in sorted(withheld))]
