"""Data files: what stays text, what is refused, and that every refusal names file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.errors import BadData
from routing.yamlfile import parse, read


def refused(text: str) -> str:
    with pytest.raises(BadData) as caught:
        parse(text, "rules.yaml")
    (finding,) = caught.value.findings
    assert finding.file == "rules.yaml"
    return str(finding)


@pytest.mark.parametrize(
    "word", ["no", "yes", "on", "off", "No", "NO", "True", "TRUE", "Null", "2026-01-01", "12:30", "1:30:00",
             "2026-01-01T00:00:00Z", "0x1F", "0o17", "007", "1_000", "1e5", ".5", "5.", ".inf", ".nan", "=", "U1"]
)  # fmt: skip
def test_what_other_readers_turn_into_something_else_stays_text(word: str) -> None:
    assert parse(f"value: {word}\n", "f").value == {"value": word}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True), ("false", False), ("null", None), ("~", None), ("", None), ("12", 12), ("-3", -3), ("+4", 4),
        ("0", 0), ("38.5", 38.5), ("-0.5", -0.5), ("'12'", "12"), ('"true"', "true"), ("''", ""),
        ("[1, no]", [1, "no"]),
    ],
)  # fmt: skip
def test_numbers_and_three_words_are_read_as_what_they_are(written: str, value: Any) -> None:
    found = parse(f"value: {written}\n", "f").value["value"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("style", ["|", ">"])
def test_a_block_of_text_is_text_even_when_it_says_true(style: str) -> None:
    assert parse(f"value: {style}\n  true\n", "f").value == {"value": "true\n"}


def test_keys_are_always_text() -> None:
    assert parse("{1: a, true: b, no: c}", "f").value == {"1": "a", "true": "b", "no": "c"}


def test_a_key_that_stands_twice_is_refused_with_both_lines() -> None:
    found = refused("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n")
    assert found.startswith("rules.yaml:5: ")
    assert "`c`" in found
    assert "line 3" in found


def test_the_same_key_with_and_without_quotes_is_the_same_key() -> None:
    assert "second time" in refused('"1": a\n1: b\n')


@pytest.mark.parametrize("text", ["a: 1\nb: &here 2\n", "a: 1\nb: &here {c: 1}\n", "a: 1\nb: &here [1]\n"])
def test_an_anchor_is_refused_with_its_line(text: str) -> None:
    found = refused(text)
    assert found.startswith("rules.yaml:2: ")
    assert "write it out" in found


def test_an_ampersand_or_asterisk_within_words_is_no_anchor() -> None:
    assert parse("a: R&D *important*\n", "f").value == {"a": "R&D *important*"}


@pytest.mark.parametrize(
    "tagged",
    ["!secret x", "!secret {b: 1}", "!secret [1]", "!!str 5", "!!binary aGk=", "!!set {x}", "!!python/none ''"],
)
def test_a_tag_is_refused_with_its_line(tagged: str) -> None:
    found = refused(f"a: 1\nb: {tagged}\n")
    assert found.startswith("rules.yaml:2: ")
    assert "tag" in found


def test_a_merge_is_refused() -> None:
    assert refused("a: 1\n<<: {b: 2}\n").startswith("rules.yaml:2: ")


def test_a_key_that_is_a_list_is_refused() -> None:
    assert "a key must be a word" in refused("? [a]\n: 1\n")


@pytest.mark.parametrize(
    "text", ["a: 'open\n", "a:\n\tb: 1\n", "a: [1\n", "a: 1\n---\nb: 2\n", "a: \x00\n", "a: b: c\n"]
)
def test_what_is_not_yaml_is_refused(text: str) -> None:
    assert "is not valid YAML" in refused(text)


def test_what_is_not_yaml_is_refused_with_the_line_on_which_it_stops_being_yaml() -> None:
    assert refused("a: 1\nb:\n\tc: 1\n").startswith("rules.yaml:3: ")


def test_a_number_too_long_to_be_meant_is_refused_with_its_line() -> None:
    assert refused("a: 1\nb: " + "1" * 5000).startswith("rules.yaml:2: ")
    assert refused("a: 1\nb: " + "1" * 400 + ".0").startswith("rules.yaml:2: ")


@pytest.mark.parametrize("text", ["", "\n\n", "# only a remark\n"])
def test_an_empty_file_holds_nothing(text: str) -> None:
    assert parse(text, "f").value is None


def test_a_file_that_is_not_utf8_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"label: pati\xebnt\n")
    with pytest.raises(BadData, match=r"^x\.yaml: is not UTF-8 text \(byte 11\)$"):
        read(tmp_path / "x.yaml")


def test_a_file_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"^x\.yaml: cannot be read"):
        read(tmp_path / "x.yaml")


def test_a_byte_order_mark_is_not_part_of_the_first_key(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read(tmp_path / "x.yaml").value == {"a": 1}


def test_every_place_knows_its_line_and_what_is_missing_that_of_its_surroundings() -> None:
    file = parse("a: 1\nb:\n  - c: 2\n\n  - d: 3\n", "f")
    assert file.line(("a",)) == 1
    assert file.line(("b", 0)) == 3
    assert file.line(("b", 1, "d")) == 5
    assert file.line(("b", 1, "d", "deeper")) == 5
    assert file.line(("nowhere",)) == 1
    assert str(file.finding(("b", 1, "d"), "is wrong", "some-rule")) == "f:5: rule `some-rule`: is wrong"


@given(st.text(alphabet="ab:-[]{}&*!<#|>'\"? \n\t1.0é%@`,~", max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused_by_name(text: str) -> None:
    try:
        parse(text, "f")
    except BadData as error:
        assert all(finding.file == "f" for finding in error.findings)
