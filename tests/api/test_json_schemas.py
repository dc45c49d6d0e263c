"""The JSON Schemas say of cases and of the files of rules what the readers say of them: what is right and what not."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from flask.testing import FlaskClient

from api.json_schemas import CONDITIONS, MEDIA_TYPE, SCHEMAS_OF_FILES, WORDS, schema_named
from routing.case import parse_case
from routing.errors import BadData, BadInput
from routing.vocabulary import parse_as, read_vocabulary
from routing.yamlfile import YamlFile, read
from tests.api.conftest import STEMI

ROOT = Path(__file__).parents[2]
RULESETS = ROOT / "rulesets"
HOW_TO = (ROOT / "docs/how-to/complete-rules-in-an-editor.md").read_text("utf-8")
REFERENCE = (ROOT / "docs/reference/openapi.md").read_text("utf-8")
WORDS_HERE = read_vocabulary()
NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)

OF_FILES = {name: of for name, of in SCHEMAS_OF_FILES.items() if of.files}


def files_of(name: str) -> list[Path]:
    return [path for pattern in OF_FILES[name].files for path in sorted(RULESETS.glob(pattern))]


@cache
def content(path: Path) -> Any:
    return read(path).value


@cache
def validator(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema_named(name, WORDS_HERE), validate_formats=True)


def faults(name: str, value: Any) -> list[str]:
    found = validator(name).iter_errors(value)
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message[:200]}" for error in found]


@pytest.mark.parametrize("name", SCHEMAS_OF_FILES)
def test_every_schema_is_one(name: str) -> None:
    jsonschema_rs.meta.validate(schema_named(name, WORDS_HERE))


@pytest.mark.parametrize("name", OF_FILES)
def test_every_packaged_file_fits_its_schema(name: str) -> None:
    files = files_of(name)
    assert files, "a schema of no file"
    wrong = {path.relative_to(RULESETS).as_posix(): faults(name, content(path)) for path in files}
    assert {path: found for path, found in wrong.items() if found} == {}


def test_every_packaged_file_has_one_schema() -> None:
    known = [path for name in OF_FILES for path in files_of(name)]
    assert len(known) == len(set(known))
    others = {path for path in RULESETS.rglob("*.yaml") if path.parent.name != "norms"}  # which are no rules
    assert set(known) == others


def mutants(value: Any) -> Iterator[Any]:
    """`value` with one thing missing, strange, or of another type, at every place of each kind in it."""
    seen: set[str] = set()
    for path, inner in places(value):
        kind = re.sub(r"/[0-9]+(/|$)", "/#/", "/".join(map(str, path)))
        if kind in seen:
            continue
        seen.add(kind)
        if isinstance(inner, dict):
            yield changed(value, path, {**inner, "strange_member": 1})
            for key in inner:
                yield changed(value, path, {other: kept for other, kept in inner.items() if other != key})
        for other in (None, 12.5, -3, "x y", ["x"], {"x": 1}):
            yield changed(value, path, other)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    yield path, value
    members = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, member in members:
        yield from places(member, (*path, key))


def changed(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    made = copy.copy(value)
    made[path[0]] = changed(value[path[0]], path[1:], other)
    return made


MUTANTS_MOST = 300

TOGETHER = ("belong", "needs `", "a choice needs", "runs from", "what is approved names")
"""Words of the faults that are about two members together, which stand in no schema."""


@pytest.mark.parametrize("name", [name for name in OF_FILES if name != "vocabulary"])
def test_what_the_reader_refuses_the_schema_refuses(name: str) -> None:
    of = OF_FILES[name]
    assert of.model is not None
    refused, missed = 0, []
    for path in files_of(name)[-1:]:
        for number, mutant in enumerate(mutants(content(path))):
            if number > MUTANTS_MOST:
                break
            try:
                parse_as(of.model, YamlFile(name, mutant, {}))
            except BadData as error:
                refused += 1
                if validator(name).is_valid(mutant) and not any(words in str(error) for words in TOGETHER):
                    missed.append(str(error))
    assert refused > 20
    assert missed == []


def test_the_vocabulary_is_held_against_its_reader() -> None:
    whole = content(RULESETS / "vocabulary.yaml")
    few = {
        part: dict(list(entries.items())[:2]) if isinstance(entries, dict) else entries
        for part, entries in whole.items()
    }
    of = OF_FILES["vocabulary"]
    assert of.model is not None
    for mutant in mutants(few):
        try:
            parse_as(of.model, YamlFile("vocabulary", mutant, {}))
        except BadData as error:
            if not any(words in str(error) for words in TOGETHER):
                assert not validator("vocabulary").is_valid(mutant), str(error)


SHAPE = {"wrong_type", "unknown_field", "unknown_value", "out_of_range", "unknown_fact", "wrong_place"}
"""Codes of faults of one member alone; a schema knows nothing of the clock, of places and of two members together."""


def test_a_case_that_is_refused_for_its_shape_is_refused_by_the_schema() -> None:
    case = {
        **STEMI,
        "observations": {**STEMI["observations"], "avpu": "A", "temp_c": 37.4, "onset_at": "2026-11-23T13:00:00+00:00"},
        "known_at": ["umc-utrecht"],
        "region": "utrecht",
        "called_at": "2026-11-23T13:30:00+00:00",
        "reference": "ZCC-1",
    }
    assert faults("case", case) == []
    refused = 0
    for mutant in mutants(case):
        try:
            parse_case(mutant, WORDS_HERE, NOW)
        except BadInput as error:
            if SHAPE & {fault.code for fault in error.faults}:
                refused += 1
                assert not validator("case").is_valid(mutant), error.faults
    assert refused > 100
    missing = [
        {"patient": {}, "location": {"postcode": "3584"}},
        {"patient": {"age_years": 5}, "location": {"lat": 52}},
    ]
    assert not any(validator("case").is_valid(mutant) for mutant in missing)


def test_the_words_and_conditions_that_are_named_exist() -> None:
    entries = {entry for name in OF_FILES for entry in schema_named(name, WORDS_HERE).get("$defs", {})}
    assert {entry for entry, _ in (*WORDS, *CONDITIONS)} <= entries


def test_a_schema_is_served_to_everybody_and_printed(client: FlaskClient, tmp_path: Path) -> None:
    listed = client.get("/v1/schemas").get_json()["schemas"]
    assert list(listed) == list(SCHEMAS_OF_FILES)
    response = client.get(listed["rules"])
    assert (response.status_code, response.content_type) == (200, MEDIA_TYPE)
    assert client.get(listed["rules"], headers={"If-None-Match": response.headers["ETag"]}).status_code == 304
    assert client.get("/v1/schemas/none").status_code == 404
    command = [str(Path(sys.executable).with_name("wegwijs")), "schema", "rules"]
    printed = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, check=True)
    assert json.loads(printed.stdout) == response.get_json(force=True)
    unknown = subprocess.run([*command[:-1], "rule"], env={}, capture_output=True, text=True, check=False)
    assert unknown.returncode == 2
    assert "worked-cases" in unknown.stderr


def test_the_page_for_editors_names_every_schema_with_its_files() -> None:
    for name, of in OF_FILES.items():
        assert re.search(rf"\bfor name in [^;]*\b{name}\b", HOW_TO), name
        for pattern in of.files:
            assert f'"rulesets/{pattern}"' in HOW_TO
    assert all(f"`{name}`" in REFERENCE for name in SCHEMAS_OF_FILES)
