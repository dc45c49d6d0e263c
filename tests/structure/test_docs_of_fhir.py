"""The tables of docs/reference/fhir.md are those of the code."""

from __future__ import annotations

from tests.once import read_vocabulary
from tests.structure.write_fhir_tables import PAGE, tables, written


def test_the_tables_of_fhir_are_what_the_code_does() -> None:
    found = written(PAGE.read_text("utf-8"))
    made = tables(read_vocabulary())
    assert found.keys() == made.keys()
    for name, table in made.items():
        assert found[name] == table, f"run `python -m tests.structure.write_fhir_tables` (table {name})"
