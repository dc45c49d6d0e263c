"""JSON is read strictly, and what is wrong is named."""

from __future__ import annotations

import pytest

from routing.errors import Fault
from routing.strictjson import NotJson, parse


def refused(data: bytes) -> Fault:
    with pytest.raises(NotJson) as caught:
        parse(data)
    return caught.value.faults[0]


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_not_a_number_is_named_with_its_field(word: str) -> None:
    fault = refused(f'{{"patient": {{"age_years": 67}}, "observations": {{"heart_rate": {word}}}}}'.encode())
    assert (fault.field, fault.code, fault.value) == ("observations.heart_rate", "not_a_number", word)
    assert refused(f'{{"known_at": ["a", {word}]}}'.encode()).field == "known_at.1"


def test_the_words_as_text_are_no_numbers_and_no_fault() -> None:
    assert parse(b'{"reference": "NaN"}') == {"reference": "NaN"}


@pytest.mark.parametrize("data", [b"", b" \n"])
def test_nothing_is_said_to_be_nothing(data: bytes) -> None:
    assert refused(data).code == "empty_body"


def test_a_broken_document_is_refused_at_its_place() -> None:
    assert refused(b'{"patient": }').message.startswith("line 1, column 13")
    assert refused(b'{"a": NaN, "b": }').code == "not_json"


def test_a_key_that_stands_twice_is_named() -> None:
    fault = refused(b'{"patient": {"age_years": 1, "age_years": 2}}')
    assert (fault.field, fault.code) == ("age_years", "duplicate_key")
