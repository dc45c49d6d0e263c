"""One sheet of paper for who takes the patient over: SBAR, and MIST after an accident, of what Wegwijs knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.auth import world
from api.desk.answer_words import Lines, call_lines, case_groups, warnings
from api.desk.evidence import label, value_of
from api.desk.vital_signs import MEASURED

MECHANISM = frozenset(
    {
        "fall", "fall_height_m", "ejected", "entrapped", "prolonged_crush", "high_speed_crash", "vehicle_death",
        "vehicle_intrusion", "pedestrian_or_cyclist_struck", "rider_separated", "child_unrestrained",
        "on_floor_over_1h", "strangulation", "gunshot_wound", "stab_wound", "penetrating_injury",
        "electrical_injury", "electrical_high_voltage", "high_pressure_injection", "snake_bite", "bite",
        "human_bite", "fist_on_teeth", "burn_chemical", "inhalation_injury", "assault", "sexual_assault",
        "non_accidental_injury",
    }
)  # fmt: skip
"""Facts that say what happened, and not what is broken."""

BACKGROUND = ("history", "pregnancy")
SIGNS = (
    "airway", "breathing", "circulation", "disability", "exposure", "heart", "brain", "trauma", "abdomen", "infection",
    "mental", "other",
)  # fmt: skip
OF_AN_ACCIDENT = "trauma"

SAID_ALREADY = "/selection/pending_rules"
"""Ends the rule of a warning that the head of the sheet gives: no doctor accepted these rules."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is on the sheet beside the decision: who the patient is as far as known, the call, what was there before,
    what was measured, what was found by group, what was said not to be there; and of an accident what happened and
    what is hurt. `warnings` are those of the patient, then those of the choice of the place."""

    patient: Lines
    call: Lines
    background: Lines
    vitals: Lines
    findings: list[tuple[str, Lines]]
    absent: list[str]
    accident: bool
    mechanism: Lines
    injuries: Lines
    warnings: list[Mapping[str, Any]]


def sheet(found: Mapping[str, Any]) -> Sheet:
    """The sheet of a decision with all that belongs to it (see `routing.case_file.decision_file`)."""
    case = found["case"]
    observed: Mapping[str, Any] = case.get("observations", {})
    groups = {group: lines for group, _, lines in case_groups(case)}
    there = {name: value for name, value in observed.items() if value is not False}
    accident = observed.get(OF_AN_ACCIDENT) is True or _is_major_trauma(found["decision"])
    hurt = {name: value for name, value in there.items() if _group(name) == OF_AN_ACCIDENT} if accident else {}
    named = {group: name for group, name, _ in case_groups(case)}
    shown_elsewhere = {*hurt, *MEASURED}
    return Sheet(
        patient=groups.get("patient", []),
        call=[*call_lines(case), *_lines({name: value for name, value in there.items() if _group(name) == "case"})],
        background=_lines({name: value for name, value in there.items() if _group(name) in BACKGROUND}),
        vitals=_lines({name: there[name] for name in MEASURED if name in there}),
        findings=[
            (named[group], lines) for group in SIGNS if (lines := _lines(_of_group(there, group, shown_elsewhere)))
        ],
        absent=[label(name) for name, value in observed.items() if value is False],
        accident=accident,
        mechanism=_lines({name: value for name, value in hurt.items() if name in MECHANISM}),
        injuries=_lines({name: value for name, value in hurt.items() if name not in {*MECHANISM, OF_AN_ACCIDENT}}),
        warnings=[each for each in warnings(found["decision"]) if not each["rule"].endswith(SAID_ALREADY)],
    )


def _is_major_trauma(decision: Mapping[str, Any]) -> bool:
    return any(each["time_critical"] == "MULTITRAUMA" for each in decision["conditions"])


def _group(name: str) -> str:
    facts = world().words.facts
    return facts[name].group if name in facts else "other"


def _of_group(there: Mapping[str, Any], group: str, elsewhere: set[str]) -> dict[str, Any]:
    return {name: value for name, value in there.items() if _group(name) == group and name not in elsewhere}


def _lines(facts: Mapping[str, Any]) -> Lines:
    return [(label(name), value_of(name, value)) for name, value in facts.items()]
