"""Which fact a code of LOINC or SNOMED CT means, and in which units its value may come: only where both are certain."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from routing.formats.fhir_places import SNOMED
from routing.vocabulary import Fact, Vocabulary

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
FACT = "urn:wegwijs:fact"
"""System of our own facts: every fact of the vocabulary has its id as a code here, also those that no other system
names."""
COMPLAINT = "urn:wegwijs:complaint"
"""System of our own complaints."""

SYSTEMS: Mapping[str, str] = {"loinc": LOINC, "snomed": SNOMED}
"""Name of a code system in the vocabulary -> its address in FHIR."""

ALSO: Mapping[str, str] = {
    f"{LOINC}|2708-6": "spo2",
    f"{LOINC}|15074-8": "glucose",
    f"{LOINC}|67775-7": "avpu",
    f"{LOINC}|3151-8": "oxygen_flow",
    f"{LOINC}|29463-7": "weight_kg",
    f"{LOINC}|2524-7": "lactate",
    f"{LOINC}|32693-4": "lactate",
    f"{LOINC}|2823-3": "potassium",
    f"{LOINC}|2951-2": "sodium",
    f"{SNOMED}|431314004": "spo2",
    f"{SNOMED}|248241002": "gcs",
}
"""Further codes that mean a fact, beside the one or two that the vocabulary names."""

UNITS: Mapping[str, Mapping[str, Decimal]] = {
    "/min": {"/min": Decimal(1)},
    "%": {"%": Decimal(1)},
    "mmHg": {"mm[Hg]": Decimal(1)},
    "°C": {"Cel": Decimal(1)},
    "1": {"1": Decimal(1), "": Decimal(1)},
    "mmol/L": {"mmol/L": Decimal(1), "umol/L": Decimal("0.001")},
    "L/min": {"L/min": Decimal(1), "mL/min": Decimal("0.001")},
    "10*9/L": {"10*9/L": Decimal(1)},
    "kg": {"kg": Decimal(1), "g": Decimal("0.001")},
    "mg": {"mg": Decimal(1), "g": Decimal(1000)},
    "mL": {"mL": Decimal(1), "L": Decimal(1000)},
    "m": {"m": Decimal(1), "cm": Decimal("0.01")},
    "cm": {"cm": Decimal(1), "mm": Decimal("0.1"), "m": Decimal(100)},
    "mm": {"mm": Decimal(1), "cm": Decimal(10)},
    "s": {"s": Decimal(1), "min": Decimal(60)},
    "min": {"min": Decimal(1), "h": Decimal(60)},
    "h": {"h": Decimal(1), "d": Decimal(24)},
    "d": {"d": Decimal(1), "wk": Decimal(7)},
    "week": {"wk": Decimal(1)},
}
"""Unit of a fact -> UCUM units that are read for it, with what their number is multiplied by. Only exact factors stand
here: glucose in mg/dL hangs on the mass of a molecule, pressure in kPa on a fraction without an end."""

YES_OR_NO: Mapping[str, bool] = {
    f"{SNOMED}|52101004": True,
    f"{SNOMED}|373066001": True,
    f"{SNOMED}|2667000": False,
    f"{SNOMED}|373067005": False,
    "http://terminology.hl7.org/CodeSystem/v2-0136|Y": True,
    "http://terminology.hl7.org/CodeSystem/v2-0136|N": False,
}
"""What answers a finding with yes or no: present, yes, absent, no."""

CHOICES: Mapping[str, tuple[str, str]] = {
    f"{SNOMED}|248234008": ("avpu", "A"),
    f"{SNOMED}|130987000": ("avpu", "C"),
    f"{SNOMED}|300202002": ("avpu", "V"),
    f"{SNOMED}|450847001": ("avpu", "P"),
    f"{SNOMED}|422768004": ("avpu", "U"),
}
"""A code that answers a choice -> the fact, and the value of it."""

_ANNOTATION = re.compile(r"\{[^{}]*\}")


def fact_codes(words: Vocabulary) -> dict[str, str]:
    """`system|code` -> the fact that may be observed under it."""
    facts = {key: fact for key, fact in words.facts.items() if fact.given == "observations"}
    named = {f"{SYSTEMS[name]}|{code}": key for key, fact in facts.items() for name, code in fact.codes.items()}
    own = {f"{FACT}|{key}": key for key in facts}
    return {**{code: key for code, key in ALSO.items() if key in facts}, **named, **own}


def codes_of(fact_id: str, words: Vocabulary) -> list[tuple[str, str]]:
    """System and code of a fact as we write it: those of the vocabulary, and our own at last."""
    named = [(SYSTEMS[name], code) for name, code in words.facts[fact_id].codes.items()]
    return [*named, (FACT, fact_id)]


def converted(value: float, ucum: str, fact: Fact) -> float | None:
    """`value` in the unit of `fact`; None where that unit cannot be reached exactly. What stands in braces is a remark
    to the unit (`{beats}/min`), as UCUM says."""
    factor = UNITS.get(fact.unit or "", {}).get(_ANNOTATION.sub("", ucum))
    if factor is None:
        return None
    return value if factor == 1 else float(Decimal(str(value)) * factor)
