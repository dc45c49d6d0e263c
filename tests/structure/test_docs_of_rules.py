"""What is written about rules, records, safety and the shape of the house is true: it is held against the code."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import types
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import orjson
import pytest
import rfc8785
from pydantic import BaseModel

from routing import vocabulary, worked_cases
from routing.case import case_record, parse_case
from routing.decision import decide
from routing.errors import BadData
from routing.log.canonical import canonical, digest, is_canonical
from routing.log.record import make_record
from routing.norms import NormVariant
from routing.packaged import Desk, directory_document, packaged_directory
from routing.rules.building import ruleset_from_source
from routing.rules.checks import formula_problem
from routing.rules.condition import (
    CLAUSES_MOST,
    All,
    AnyOf,
    Names,
    Not,
    Op,
    Test,
    read_condition,
)
from routing.rules.condition import tests as comparisons
from routing.rules.reference import meaning
from routing.rules.ruleset import Ruleset
from routing.rules.selection import ORDERS, TEXTS
from routing.rules.shapes import (
    DerivedFile,
    Head,
    OverlayFile,
    ParametersFile,
    ReferenceEntry,
    ScoreFile,
    SelectionFile,
    TopicFile,
)
from routing.vocabulary import GROUPS, URGENCIES, Vocabulary, digest_of, vocabulary_from_source
from routing.yamlfile import parse
from tests.once import build_evaluators, read_ruleset, read_vocabulary

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
FORMAT, RECORD, SAFETY, ARCHITECTURE = (
    (DOCS / name).read_text("utf-8")
    for name in ("reference/rule-format.md", "reference/decision-record.md", "safety.md", "architecture.md")
)
PACKAGED = ROOT / "rulesets" / "acute-nl" / "1.5.0"
PAGES = sorted(
    [
        *(DOCS / "adr").glob("000[2-6]-*.md"),
        *(DOCS / "how-to").glob("*.md"),
        *(DOCS / name for name in ("architecture.md", "safety.md")),
        *(DOCS / "reference" / name for name in ("rule-format.md", "decision-record.md")),
    ]
)

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def table(page: str, mark: str) -> list[list[str]]:
    """The cells of the table below `<!-- mark -->`, without its head."""
    found = re.search(rf"^<!-- {re.escape(mark)} -->\n((?:\|.*\n)+)", page, re.MULTILINE)
    assert found, f"there is no table `{mark}`"
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in found[1].splitlines()]
    return [[cell.strip() for cell in row] for row in rows[2:]]


def code(cell: str) -> str:
    """What stands between the first backticks of a cell."""
    found = re.match(r"`([^`]+)`", cell)
    assert found, cell
    return found[1]


@cache
def words() -> Vocabulary:
    return read_vocabulary()


@cache
def rules() -> Ruleset:
    return read_ruleset(PACKAGED, words())


def names() -> Names:
    return Names(rules().subjects, rules().parameters)


# -- the house --------------------------------------------------------------------------------------------------------


def test_the_tree_names_every_module_and_no_other() -> None:
    tree = next(text for _, text in _FENCED.findall(ARCHITECTURE) if text.startswith("routing/errors.py"))
    named = [line.split()[0] for line in tree.splitlines() if line]
    assert len(named) == len(set(named))
    real = {
        name_of(path)
        for package in ("routing", "api")
        for path in (ROOT / package).rglob("*.*")
        if path.suffix in (".py", ".json")
        and path.name != "__init__.py"
        and not {"migrations", "data"} & set(path.parts)
    }
    assert set(named) == real


def test_the_layers_are_those_of_the_contract() -> None:
    written = next(text for _, text in _FENCED.findall(ARCHITECTURE) if text.startswith("api\ncli\n"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    layers = next(
        contract["layers"] for contract in project["tool"]["importlinter"]["contracts"] if contract["type"] == "layers"
    )
    real = [[name.removeprefix("routing.") for name in re.findall(r"[\w.]+", layer)] for layer in layers]
    assert [line.split(", ") for line in written.splitlines()] == real


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_module_function_and_file_that_is_named_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    for dotted in re.findall(r"`((?:routing|api)(?:\.\w+)+)`", text):
        resolve(dotted)
    for path in re.findall(r"`((?:routing|api|rulesets|tests)/[\w./-]*[\w/])`", text):
        assert (ROOT / path).exists() or "1.6.0" in path, path


def resolve(dotted: str) -> Any:
    """The module, function or method of this name."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        return found
    raise AssertionError(dotted)


def test_every_library_has_its_reason_and_no_other_is_named() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *(name for extra in extras.values() for name in extra)]
    asked = {re.split(r"[^A-Za-z0-9._-]", line)[0] for line in wanted} - {"wegwijs"}
    page = next((DOCS / "adr").glob("0006-*.md")).read_text("utf-8")
    first_cells = re.findall(r"^\| (`[^|]*`) \|", page, re.MULTILINE)
    assert {name for cell in first_cells for name in re.findall(r"`([^`]+)`", cell)} == asked


# -- safety -----------------------------------------------------------------------------------------------------------


def test_every_hazard_names_tests_that_exist() -> None:
    defined = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    named = set(re.findall(r"`(test_\w+)`", SAFETY))
    assert named - defined == set()
    hazards = re.findall(r"^\| (.+) \| (.+) \| (.+) \|$", SAFETY, re.MULTILINE)
    assert [row for row in hazards if "`test_" not in row[2] and row[0] != "hazard"] == []
    assert len(hazards) > 30


# -- the format of rules ----------------------------------------------------------------------------------------------

SHAPES: Mapping[str, type[BaseModel]] = {
    shape.__name__: shape
    for shape in (
        ReferenceEntry, Head, ParametersFile, DerivedFile, ScoreFile, TopicFile, SelectionFile, OverlayFile,
        NormVariant,
        worked_cases.WorkedCasesFile, vocabulary.VocabularyFile,
    )
}  # fmt: skip


def keys_of(shape: type[BaseModel], before: str = "") -> Iterator[str]:
    """Every key that a file of this shape may hold: `rules[].then.urgency`, `norms.*.minutes`."""
    for name, field in shape.model_fields.items():
        yield from _keys(field.annotation, f"{before}{name}")


def _keys(annotation: Any, path: str) -> Iterator[str]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from _keys(arguments[0], path)
    elif origin in (Union, types.UnionType):
        kinds = [kind for kind in arguments if kind is not type(None)]
        for kind in kinds:
            yield from _keys(kind, path)
    elif origin is dict and _is_shape(arguments[1]):
        yield from _keys(arguments[1], f"{path}.*")
    elif origin is tuple and _is_shape(arguments[0]):
        yield from _keys(arguments[0], f"{path}[]")
    elif _is_shape(annotation) and annotation is not ReferenceEntry:
        yield from keys_of(annotation, f"{path}.")
    else:
        yield path


def _is_shape(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


@pytest.mark.parametrize("name", SHAPES)
def test_every_key_of_every_file_is_described_and_no_other(name: str) -> None:
    written = [code(row[0]) for row in table(FORMAT, f"keys: {name}")]
    assert sorted(written) == sorted(set(keys_of(SHAPES[name])))


def test_every_way_to_compare_is_shown() -> None:
    shown = [code(row[0]) for row in table(FORMAT, "comparisons")]
    found = [read_condition(text, names()) for text in shown]
    assert {test.op for condition in found for test in comparisons(condition)} == set(get_args(Op))
    kinds = {rules().subjects[test.subject].kind for condition in found for test in comparisons(condition)}
    assert kinds == {subject.kind for subject in rules().subjects.values()}
    assert f"more than {CLAUSES_MOST} alternatives" in FORMAT


def test_the_truth_table_is_the_meaning() -> None:
    a, b = Test("a", "true"), Test("b", "true")
    written = {"true": True, "false": False, "unknown": None}
    rows = [[written[cell] for cell in row] for row in table(FORMAT, "truth")]
    assert len({(row[0], row[1]) for row in rows}) == 9
    for left, right, both, either, opposite in rows:
        facts = {name: value for name, value in (("a", left), ("b", right)) if value is not None}
        assert meaning(All((a, b)))(facts) is both
        assert meaning(AnyOf((a, b)))(facts) is either
        assert meaning(Not(a))(facts) is opposite


def test_every_formula_is_shown_and_can_be_read() -> None:
    shown = [parse(code(row[0]), "formula").value for row in table(FORMAT, "formulas")]
    assert [formula_problem(formula, rules().subjects) for formula in shown] == [None] * len(shown)
    allowed = str(formula_problem({}, {})).partition("one of ")[2].split(", ")
    assert sorted(kind for formula in shown for kind in formula) == sorted(allowed)


def test_every_text_and_every_order_is_described() -> None:
    written = {code(row[0]): tuple(filter(None, row[1].split(", "))) for row in table(FORMAT, "texts")}
    assert written == dict(TEXTS)
    assert {code(row[0]) for row in table(FORMAT, "order")} == set(ORDERS)


def test_the_groups_and_the_criteria_are_those_of_the_code() -> None:
    (row,) = [row for row in table(FORMAT, "keys: VocabularyFile") if code(row[0]) == "facts.*.group"]
    assert tuple(re.findall(r"`(\w+)`", row[1])) == GROUPS
    cases = {code(row[0]): row[1] for row in table(FORMAT, "keys: WorkedCasesFile")}
    named = re.findall(r"`(\w+)`", cases["cases[].expect.ruled_out.criterion"])
    assert named == list(worked_cases.CRITERIA)


# -- the examples -----------------------------------------------------------------------------------------------------


def examples() -> dict[str, Any]:
    """What follows `# example: kind` in the page of the format, read as a data file."""
    found: dict[str, Any] = {}
    for language, text in _FENCED.findall(FORMAT):
        if language == "yaml":
            kind = re.match(r"# example: (.+)\n", text)
            assert kind, text
            assert kind[1] not in found
            found[kind[1]] = parse(text, kind[1]).value
    return found


def with_examples() -> tuple[Ruleset, Any]:
    """The packaged ruleset with the rules, numbers and scores of the examples instead of its own rules."""
    shown = examples()
    source = {name: value for name, value in rules().source.items() if name.split("/")[0] not in shown_topics()}
    numbers = dict(source["parameters.yaml"])
    for part in ("parameters", "norms"):
        numbers[part] = {**numbers[part], **shown["parameters.yaml"][part]}
    source["parameters.yaml"] = numbers
    source["derived.yaml"] = {"derived": {**source["derived.yaml"]["derived"], **shown["derived.yaml"]["derived"]}}
    source["scores/example.yaml"] = shown["score"]
    source["urgency/example.yaml"] = shown["rules"]
    facts = {**words().source["facts"], **shown["facts"]}
    return ruleset_from_source(source, vocabulary_from_source({**words().source, "facts": facts})), shown


def shown_topics() -> tuple[str, ...]:
    topics: tuple[str, ...] = tuple(rules().source["ruleset.yaml"]["topics"])
    return topics


def test_the_example_of_a_head_has_the_shape_of_one() -> None:
    text = next(text for _, text in _FENCED.findall(FORMAT) if text.startswith("# example: ruleset.yaml"))
    head = vocabulary.parse_as(Head, parse(text, "ruleset.yaml"))
    assert head.default_urgency.level in URGENCIES
    assert datetime.fromisoformat(head.effective_from).tzinfo is not None


def test_the_examples_are_read_by_the_real_reader() -> None:
    made, shown = with_examples()
    assert [rule.stage for rule in made.rules] == ["triage", "care", "care"]
    assert made.by_id["example-to-pci"].accepted is not None
    assert {"example_shock_index", "example_score", "example_dose"} <= set(made.subjects)
    assert "example-75" in made.norms
    assert len(list(comparisons(read_condition(shown["condition"], names())))) > 3


def test_the_score_of_the_example_lies_where_the_page_says() -> None:
    made, _ = with_examples()
    now = datetime.fromisoformat("2026-11-18T14:00:00+01:00")
    score = build_evaluators(made).with_numbers({"respiratory_rate": 30, "age_years": 40}, now)["example_score"]
    asked = Names(made.subjects, made.parameters)
    facts = {"example_score": score}
    assert meaning(read_condition("example_score >= 3", asked))(facts) is True
    assert meaning(read_condition("example_score >= 5", asked))(facts) is None


def test_the_worked_case_of_the_example_comes_out(tmp_path: Path) -> None:
    made, _ = with_examples()
    text = next(text for _, text in _FENCED.findall(FORMAT) if text.startswith("# example: cases"))
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "example.yaml").write_text(text, "utf-8")
    desk = Desk(made.vocabulary, build_evaluators(made), packaged_directory(made.vocabulary))
    (case,) = worked_cases.read_worked_cases(tmp_path, desk)
    assert worked_cases.run(case, desk).mismatches == ()


# -- the messages -----------------------------------------------------------------------------------------------------

STEMI, HEART = "conditions/stemi-acs.yaml", "destination/heart.yaml"
MISTAKES: tuple[tuple[str, str, str], ...] = (
    (STEMI, "minutes_since_onset <= $stemi_window_minutes", "minutes_since_onset <= 12 h"),
    (STEMI, "all: [ecg_st_elevation, minutes_since_onset is", "all: [ecg_st_elevaton, minutes_since_onset is"),
    (STEMI, "{source: nhg-acs,", "{source: nhg-asc,"),
    (HEART, "within: pci-75", "within: pci-90"),
    (HEART, "capability: pci, strength: required", "capability: cathlab, strength: required"),
    (STEMI, "id: stemi-late", "id: stemi-on-ecg"),
    (STEMI, "all: [ecg_st_elevation, minutes_since_onset is unknown]", "all: [ecg_st_elevation, not condition.sepsis]"),
    (STEMI, "all: [ecg_st_elevation, minutes_since_onset is unknown]", "all: [ecg_st_elevation, urgency at least U2]"),
    (STEMI, "all: [ecg_st_elevation, minutes_since_onset is unknown]", "all: [ecg_st_elevation, not ecg_st_elevation]"),
    (STEMI, "    review: pending\n", "    reviewed: pending\n"),
    ("parameters.yaml", "  news2_prompt:", "  news2_prompt:\n    value: 5\n  news2_prompt:"),
    ("selection.yaml", "Heeft geen {capability}.", "Heeft geen {capabilty}."),
    ("cases/heart.yaml", "urgency: U1", "urgency: U9"),
)
"""File, what stands there, and the mistake: the rows of the last table of the page, in their order."""

_LINE = re.compile(r":\d+\b")


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """The findings about a copy of the rules with each of the mistakes."""
    desk = Desk(words(), build_evaluators(rules()), packaged_directory(words()))
    found = []
    for number, (name, right, wrong) in enumerate(MISTAKES):
        folder = tmp_path_factory.mktemp("rules") / str(number)
        shutil.copytree(PACKAGED, folder)
        text = (folder / name).read_text("utf-8")
        assert right in text
        (folder / name).write_text(text.replace(right, wrong, 1), "utf-8")
        with pytest.raises(BadData) as caught:
            read_ruleset(folder, words())
            worked_cases.read_worked_cases(folder, desk)
        found.append([str(finding).replace("`", "") for finding in caught.value.findings])
    return found


def test_the_messages_of_the_page_are_real(said: list[list[str]]) -> None:
    rows = re.findall(r"^\| [^|`]+ \| (`[^|]+`) \|$", FORMAT.partition("## What is checked")[2], re.MULTILINE)
    written = [re.findall(r"`([^`]+)`", row) for row in rows]
    # on which line it stands changes with the rules; that there is a line is asked of the real one
    assert all(_LINE.search(message) for messages in said for message in messages)
    assert [[_LINE.sub("", message) for message in messages] for messages in written] == [
        [_LINE.sub("", message) for message in messages] for messages in said
    ]


# -- the how-to pages -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["add-a-rule.md", "add-a-fact.md", "write-down-a-regional-agreement.md"])
def test_who_follows_the_page_sees_what_it_says(name: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "rulesets", tmp_path / "rulesets", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (tmp_path / "rulesets/acute-nl").glob("*/cases/*.yaml"):
        if path.name != "heart.yaml":  # one file of cases is enough here
            path.unlink()
    printed = ""
    for language, text in _FENCED.findall((DOCS / "how-to" / name).read_text("utf-8")):
        if language == "yaml":
            edit(tmp_path, text)
        elif language == "sh":
            printed = run(text, tmp_path)
        else:
            missing = [line for line in text.splitlines() if plain_line(line) not in printed.splitlines()]
            assert missing == [], printed


def edit(folder: Path, text: str) -> None:
    """Carry out an edit of the page, which its first line describes."""
    head, _, body = text.partition("\n")
    found = re.fullmatch(r"# (add to|change in|add below `(.+)` in) (\S+)", head)
    assert found, head
    path = folder / found[3]
    content = path.read_text("utf-8")
    if found[1] == "add to":
        content += "\n" + body
    elif found[2]:
        assert f"\n{found[2]}\n" in content
        content = content.replace(f"\n{found[2]}\n", f"\n{found[2]}\n{body}", 1)
    else:
        for line in body.splitlines():
            key = line.partition(":")[0]
            content, count = re.subn(rf"^{key}: .*$", line, content, flags=re.MULTILINE)
            assert count == 1, key
    path.write_text(content, "utf-8")


def run(command: str, folder: Path) -> str:
    """What `command` prints, with its numbers written N; as a reader in a checkout of their own would run it."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
    }
    result = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode in (0, 1), result.stderr
    return "\n".join(plain_line(line) for line in result.stdout.splitlines() if "no worked case fires" not in line)


def plain_line(line: str) -> str:
    """A line as it stands in a page: counts and line numbers of the moment left open."""
    line = re.sub(r"(?<=\.yaml):(\d+|LINE):", ":LINE:", line)
    line = re.sub(r"\b\d+ warnings", "0 warnings", line)  # the rules without the other cases
    return re.sub(r"^\d+ rules.*", lambda found: re.sub(r"\d+(?! (errors|warnings|failed))", "N", found[0]), line)


# -- the record -------------------------------------------------------------------------------------------------------


@cache
def record() -> dict[str, Any]:
    """The record of a decision about a case that says everything, as its bytes read back."""
    now = datetime.fromisoformat("2026-11-18T13:00:00+00:00")
    body = {
        "patient": {"age_years": 1.5, "sex": "male"},
        "location": {"lat": 52.0907, "lon": 5.1214, "postcode": "3584CX"},
        "observations": {"ecg_st_elevation": True, "temperature": 38.7}, "complaint": "chest_pain",
        "channel": "ambulance", "transport": "ambulance", "called_at": "2026-11-18T12:40:00Z",
        "first_contact_at": "2026-11-18T12:50:00Z", "assessed_at": "2026-11-18T12:55:00Z",
        "known_at": ["umc-utrecht"], "region": "midden-nederland", "reference": "é-1", "note": "not kept",
        "on_the_way": {"since": "2026-11-18T12:58:00Z", "heading": 90.5, "heading_to": "umc-utrecht"},
    }  # fmt: skip
    case = parse_case(body, words(), now)
    assert set(case_record(case)) == set(body) - {"note"}
    decision = decide(case, packaged_directory(words()), build_evaluators(rules()), now)
    asker = {"key": "k", "roles": ["triagist"]}
    written = canonical(make_record(decision, case, words(), id="0", now=now, asker=asker, supersedes=None))
    found: dict[str, Any] = orjson.loads(written)
    assert canonical_as_written(found) == written
    return found


def canonical_as_written(value: Any) -> bytes:
    """The canonical form as the page describes it, made without any code of Wegwijs."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize("path", re.findall(r"^<!-- record: ?(.*?) -->$", RECORD, re.MULTILINE))
def test_every_member_of_the_record_is_described_and_no_other(path: str) -> None:
    found: Any = record()
    for part in filter(None, path.split(".")):
        found = found[part.removesuffix("[]")]
        found = found[0] if part.endswith("[]") else found
    rows = table(RECORD, f"record: {path}" if path else "record:")
    assert {code(row[0]) for row in rows} == set(found)
    for row in rows:  # members of members that the row names must be there too
        for child in parts_of(found[code(row[0])]):
            assert f"`{child}`" in row[1] or described_elsewhere(code(row[0]), row[1]), (row, child)


def parts_of(value: Any) -> list[str]:
    while isinstance(value, list):
        value = value[0] if value else None
    return list(value) if isinstance(value, dict) and value.keys() != {"decimal"} else []


def described_elsewhere(member: str, text: str) -> bool:
    """Members with a table or a shape of their own, and those whose keys are free."""
    if text.startswith(("see below", "the answer", "a candidate", "further candidates", "what decided", "reasons")):
        return True
    return member in ("observations", "because", "text", "reasons", "alternatives", "warnings")


def test_a_reader_that_follows_the_page_reads_the_record() -> None:
    (line,) = [text.rstrip("\n") for kind, text in _FENCED.findall(RECORD) if kind == "canonical"]
    (written,) = [text.strip() for kind, text in _FENCED.findall(RECORD) if kind == "digest"]
    data = line.encode()
    assert is_canonical(data)
    assert "sha256:" + hashlib.sha256(data).hexdigest() == written == digest(data)
    assert canonical_as_written(json.loads(line)) == data
    value = json.loads(line, object_hook=lambda found: Decimal(found["decimal"]) if "decimal" in found else found)
    assert value["temperature"] == Decimal("38.7")


def test_the_canonical_form_is_that_of_the_standard() -> None:
    assert rfc8785.dumps(record()) == canonical_as_written(record())
    odd: Any = {"text": 'é "\\ / \b\t\n\f\r \x00\x1f \x7f €  😀', "a": [-1, 2**53 - 1, True, None, {}]}
    assert rfc8785.dumps(odd) == canonical(odd) == canonical_as_written(odd)


def test_the_digests_of_rules_words_and_places_are_made_as_the_page_says() -> None:
    for content in (dict(rules().source), dict(words().source), directory_document()):
        assert digest_of(content) == "sha256:" + hashlib.sha256(canonical_as_written(content)).hexdigest()
