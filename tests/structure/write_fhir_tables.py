"""Writes the tables of docs/reference/fhir.md anew from the code: python -m tests.structure.write_fhir_tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from api.fhir import SEARCHES
from api.fhir_outcome import ISSUES
from routing.formats.cds_cards import INDICATORS, prefetch_templates
from routing.formats.cds_case import WHY
from routing.formats.cds_request import EXTRA
from routing.formats.fhir_codes import CHOICES, UNITS, YES_OR_NO, fact_codes
from routing.formats.fhir_export import STATES
from routing.formats.fhir_guidance import PRIORITIES
from routing.formats.fhir_r4 import CAPABILITY_OF
from routing.vocabulary import Vocabulary, read_vocabulary

PAGE = Path(__file__).parents[2] / "docs/reference/fhir.md"

MARK = re.compile(r"(<!-- table ([\w-]+) -->\n)(.*?)(?=\n\n|\Z)", re.DOTALL)


def tables(words: Vocabulary) -> dict[str, str]:
    """Name -> the table of that name, as the page holds it."""
    codes = {code: fact for code, fact in sorted(fact_codes(words).items()) if not code.startswith("urn:")}
    findings = {code: fact for code, fact in codes.items() if words.facts[fact].type == "boolean"}
    measured = {code: fact for code, fact in codes.items() if code not in findings}
    return {
        "prefetch": _table("key | template", ((key, f"`{value}`") for key, value in prefetch_templates(words).items())),
        "measurements": _table(
            "code | fact | UCUM units",
            ((_code(code), f"`{fact}`", _units(fact, words)) for code, fact in measured.items()),
        ),
        "findings": _table("code | fact", ((_code(code), f"`{fact}`") for code, fact in findings.items())),
        "answers": _table(
            "code | answer", ((_code(code), "yes" if value else "no") for code, value in YES_OR_NO.items())
        ),
        "choices": _table(
            "code | fact | value", ((_code(code), f"`{fact}`", value) for code, (fact, value) in CHOICES.items())
        ),
        "units": _table("unit of the fact | UCUM unit | times", _all_units()),
        "why": _table("why | on the card", ((f"`{key}`", text) for key, text in WHY.items())),
        "extension": ", ".join(f"`{name}`" for name in EXTRA),
        "urgency": _table(
            "urgency | card | RequestGroup", ((level, INDICATORS[level], PRIORITIES[level]) for level in INDICATORS)
        ),
        "states": _table(
            "state | in words | SDOH",
            ((f"`{state}`", text.en, f"`{code}`" if code else "-") for state, (text, code) in STATES.items()),
        ),
        "services": ", ".join(f"`{unit}`" for unit in CAPABILITY_OF),
        "searches": _table("resource | parameters", ((kind, _parameters(kind)) for kind in SEARCHES)),
        "issues": _table("problem | issue", ((f"`{name}`", f"`{code}`") for name, code in ISSUES.items())),
    }


def _parameters(kind: str) -> str:
    names = (field.alias or name for name, field in SEARCHES[kind].model_fields.items())
    return ", ".join(f"`{name}`" for name in names)


def _code(name: str) -> str:
    system, _, code = name.rpartition("|")
    known: Mapping[str, str] = {"http://loinc.org": "LOINC", "http://snomed.info/sct": "SNOMED CT"}
    return f"{known.get(system, system)} {code}"


def _units(fact_id: str, words: Vocabulary) -> str:
    unit = words.facts[fact_id].unit
    return "-" if unit is None else ", ".join(f"`{ucum}`" for ucum in UNITS[unit] if ucum)


def _all_units() -> Iterable[tuple[str, ...]]:
    for unit, accepted in UNITS.items():
        for ucum, factor in accepted.items():
            yield f"`{unit}`", f"`{ucum}`" if ucum else "(a remark in braces alone)", str(factor)


def _table(head: str, rows: Iterable[tuple[str, ...]]) -> str:
    names = head.split(" | ")
    lines = [f"| {head} |", "|" + "---|" * len(names)]
    return "\n".join([*lines, *(f"| {' | '.join(part.replace('|', chr(92) + '|') for part in row)} |" for row in rows)])


def written(page: str) -> dict[str, str]:
    """Name -> the table of that name that stands in `page`."""
    return {name: text for _, name, text in MARK.findall(page)}


def main() -> None:
    made = tables(read_vocabulary())
    page = PAGE.read_text("utf-8")
    PAGE.write_text(MARK.sub(lambda found: found[1] + made[found[2]], page), "utf-8")


if __name__ == "__main__":
    main()
