"""Data files are changed line by line: what was not meant stays to the letter, and what cannot be done is refused."""

from __future__ import annotations

import pytest

from routing.errors import BadData
from routing.yaml_edit import with_value, without_entries
from routing.yamlfile import parse

TEXT = """\
# what this is
name: first  # and why
rules:
  - id: one
    why: >-
      a text
      # that is not a remark

  # about the second
  - id: two
    when: {all: [a, b]}

  - id: three
# the end
last: true
"""


def test_a_value_is_replaced_and_its_remark_stays() -> None:
    assert with_value(TEXT, "x", ("name",), "second") == TEXT.replace("name: first ", "name: second ")


def test_an_entry_goes_with_the_remark_above_it() -> None:
    text = without_entries(TEXT, "x", [("rules", 1)])
    assert text == TEXT.replace("  # about the second\n  - id: two\n    when: {all: [a, b]}\n\n", "")
    assert [rule["id"] for rule in parse(text, "x").value["rules"]] == ["one", "three"]


def test_the_first_and_the_last_entry_go_and_leave_what_is_around_them() -> None:
    text = without_entries(TEXT, "x", [("rules", 0), ("rules", 2)])
    assert [rule["id"] for rule in parse(text, "x").value["rules"]] == ["two"]
    for remark in ("# what this is", "# and why", "# about the second", "# the end"):
        assert remark in text


@pytest.mark.parametrize("location", [("rules", 7), ("nothing",)])
def test_what_is_not_there_is_refused(location: tuple[str | int, ...]) -> None:
    with pytest.raises(BadData, match="there is no"):
        without_entries(TEXT, "x", [location])


def test_an_entry_that_shares_its_line_is_refused() -> None:
    with pytest.raises(BadData, match="by hand"):
        without_entries("rules: [{id: one}, {id: two}]\n", "x", [("rules", 0)])
