"""What a person at a terminal meets: answers on standard output, messages beside it, exit codes that mean something."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from routing import cli, service, serving, users
from routing.errors import BadInput, StoreUnavailable
from routing.rights import ROLES
from routing.serving import First
from routing.settings import Settings, read_settings
from routing.store import database
from routing.store.people import USERS
from tests.service.conftest import SORE_THROAT, STEMI, Run

LABELLED = {"id": "a", "set": "x", "case": STEMI, "expect": {"urgency": ["U0", "U1"], "conditions": ["stemi"]}}


def commands(parser: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Every command of the parser, with the parser of that command."""
    below = [action for action in parser._actions if hasattr(action, "choices") and isinstance(action.choices, dict)]
    if not below:
        return {path: parser}
    return {
        key: made
        for action in below
        for name, child in action.choices.items()
        for key, made in commands(child, (*path, name)).items()
    }


COMMANDS = commands(cli.parser())


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_help_teaches_with_an_example(path: tuple[str, ...], run: Run) -> None:
    code, out, _ = run(*path, "--help")
    assert code == 0
    example = out.partition("Example:")[2]
    assert " ".join(("wegwijs", *path)) in example


def test_version_and_bad_usage(run: Run) -> None:
    assert re.fullmatch(r"wegwijs \d+\.\d+\.\d+\S*\n", run("--version")[1])
    for arguments in (
        [],
        ["nothing"],
        ["rules"],
        ["decide"],
        ["decide", "x", "--lang", "nl"],
        ["serve", "--port", "x"],
    ):
        code, out, err = run(*arguments)
        assert (code, out) == (2, "")
        assert "usage" in err


# -- decide


def test_decide_says_what_where_and_why_in_dutch(run: Run) -> None:
    code, out, err = run("decide", "-", "--at", "2026-11-18T14:00:00+01:00", stdin=STEMI)
    assert (code, err) == (0, "")
    for part in ("URGENTIE  U1", "STEMI", "NODIG", "dotter", "ADVIES", " min (", "aankomst", "VRAAG NOG", "LET OP"):
        assert part in out
    assert max(map(len, out.splitlines())) <= 88


def test_decide_in_english_for_somebody_who_needs_no_place(run: Run) -> None:
    code, out, _ = run("decide", "-", "--at", "2026-11-18T14:00:00+01:00", "--language", "en", stdin=SORE_THROAT)
    assert code == 0
    assert "no place in the directory" in out
    assert "NEARER" not in out


def test_decide_prints_one_json_document(run: Run, tmp_path: Path) -> None:
    (tmp_path / "case.json").write_text(json.dumps(STEMI))
    code, out, err = run("decide", "case.json", "--json", "--at", "2026-11-18T14:00:00+01:00")
    assert (code, err) == (0, "")
    decision = json.loads(out)
    assert decision["id"] is None
    assert decision["urgency"]["level"] == "U1"
    assert decision["decided_at"] == "2026-11-18T13:00:00+00:00"


def test_decide_needs_no_database(run: Run, tmp_path: Path) -> None:
    assert run("decide", "-", stdin={**STEMI, "called_at": None})[0] == 0
    assert not (tmp_path / "data").exists()


def test_decide_names_each_fault_on_its_own_line(run: Run) -> None:
    bad = {"patient": {"age_years": 167}, "location": {"lat": 52.1}, "observations": {"hr": "fast", "hart": 1}}
    code, out, err = run("decide", "-", stdin=bad)
    assert (code, out) == (2, "")
    lines = err.splitlines()
    assert len(lines) == 4
    assert any("patient.age_years" in line and "167" in line and "0 to 120" in line for line in lines)
    assert any("observations.hr" in line and "fast" in line for line in lines)


@pytest.mark.parametrize(
    ("stdin", "message"),
    [
        (b"", "empty"),
        (b'{"patient": }', "line 1, column 13"),
        (b"[]", "object"),
        (b"\xff", "not UTF-8"),
        (b'{"patient": {"age_years": 1, "age_years": 2}}', "stands twice"),
        (b'{"patient": {"age_years": NaN}}', "patient.age_years"),
        (b'{"patient": {"age_years": 1}, "note": "' + b"x" * 300_000 + b'"}', "at most 262,144"),
    ],
)
def test_decide_refuses_what_is_no_case(run: Run, stdin: bytes, message: str) -> None:
    code, out, err = run("decide", "-", stdin=stdin)
    assert (code, out) == (2, "")
    assert message in err


def test_decide_refuses_other_bad_input(run: Run) -> None:
    for arguments in (["nofile.json"], ["."], ["-", "--at", "yesterday"], ["-", "--at", "2026-11-18T14:00:00"]):
        code, out, err = run("decide", *arguments, stdin=STEMI)
        assert (code, out) == (2, "")
        assert arguments[-1] in err
    code, _, err = run("decide", "-", "--at", "1990-01-01T00:00:00Z", stdin=SORE_THROAT)
    assert code == 2
    assert "acute-nl" in err
    assert run("decide", "-", "--ruleset", "nowhere", stdin=STEMI)[0] == 2


# -- rules


def test_the_packaged_rules_are_right(run: Run) -> None:
    code, out, _ = run("rules", "check", "--json")
    found = json.loads(out)
    assert (code, found["errors"]) == (0, 0)
    assert found["rules"] >= found["pending"] > 0


def test_rules_test_shows_what_was_expected_and_seen(run: Run, ruleset: Path) -> None:
    (ruleset / "cases").mkdir(exist_ok=True)
    for path in (ruleset / "cases").glob("*"):
        path.unlink()
    case = {
        "name": {"nl": "Keelpijn", "en": "Sore throat"},
        "at": "2026-11-18T14:00:00+01:00",
        "given": SORE_THROAT,
        "expect": {"urgency": "U0", "conditions": {"stemi": "suspected"}, "recommended": {"kind": "hospital_seh"}},
    }
    right = {**case, "expect": {"absent_conditions": ["stemi"], "absent_needs": ["pci"], "dispatch": {"mmt": False}}}
    (ruleset / "cases" / "mine.yaml").write_text(json.dumps({"cases": [case, right]}))
    code, out, _ = run("rules", "test", str(ruleset))
    assert code == 1
    assert re.search(r"warning: \w+/[a-z-]+\.yaml:\d+: rule `stemi-on-ecg`: no worked case fires it", out)
    assert "cases/mine.yaml:1: Keelpijn" in out
    assert re.search(r"urgency: expected U0, seen U[345]", out)
    assert "expected stemi: suspected, seen none" in out
    assert "2 worked cases, 1 failed" in out
    code, out, _ = run("rules", "test", str(ruleset), "--json")
    found = json.loads(out)
    assert (code, found["cases"], found["failed"], len(found["failures"])) == (1, 2, 1, 3)
    assert run("rules", "check", str(ruleset))[0] == 0


def test_rules_check_finds_names_that_do_not_exist(run: Run, ruleset: Path) -> None:
    (ruleset / "cases").mkdir(exist_ok=True)
    expect = {"does_not_fire": ["no-such-rule"], "urgency": "U7", "recommended": {"facility": "nowhere"}}
    case = {"name": {"nl": "a", "en": "a"}, "at": "today", "given": {}, "expect": expect}
    (ruleset / "cases" / "mine.yaml").write_text(json.dumps({"cases": [case]}))
    (ruleset / "cases" / "other.yaml").write_text("cases: [{name: x}]")
    code, out, _ = run("rules", "check", str(ruleset))
    assert code == 1
    for part in ("no rule `no-such-rule`", "no urgency `U7`", "no facility `nowhere`", "with offset", "other.yaml:1"):
        assert part in out


def test_rules_check_says_where_a_rule_is_wrong(run: Run, ruleset: Path) -> None:
    path = next((ruleset / "urgency").glob("*.yaml"))
    path.write_text(path.read_text().replace("    then:", "    then_:", 1))
    code, out, _ = run("rules", "check", str(ruleset))
    assert code == 1
    assert re.search(rf"error: urgency/{path.name}:\d+: ", out)
    for command in ("check", "test"):
        last = run("rules", command, str(ruleset))[1].splitlines()[-1]
        assert last == "2 errors: the rules could not be read, so nothing of them was counted or run"
    assert run("rules", "check", "nowhere")[0] == 2


# -- evaluate


def test_evaluate_counts_and_writes_predictions(run: Run, tmp_path: Path) -> None:
    row = {
        "id": "b", "set": "y", "age": 24, "sex": "F", "vitals": {"hr": 80}, "complaint": "no_such_complaint",
        "findings": {"sore_throat": True, "unheard_of": 1}, "expected_urgency_band": [1, 2], "strict_target": 2,
        "expected_time_critical": ["CVA"],
    }  # fmt: skip
    (tmp_path / "cases.jsonl").write_text(json.dumps(LABELLED) + "\n\n" + json.dumps(row) + "\n")
    code, out, err = run("evaluate", "cases.jsonl", "--json", "--predictions", "predictions.jsonl")
    assert code == 0
    assert "2 of 2 cases" in err
    found = json.loads(out)
    assert list(found["sets"]) == ["x", "y"]
    assert found["sets"]["x"]["in_band"] == found["sets"]["x"]["time_critical_found"] == 1
    assert found["sets"]["y"]["under"] == found["sets"]["y"]["time_critical_expected"] == 1
    assert found["pooled"]["n"] == 2
    assert found["pooled"]["unmapped_keys"] == {"unheard_of": 1, "complaint:no_such_complaint": 1}
    assert found["baselines"]["constant_u3"]["sets"]["y"]["under"] == 1
    lines = [json.loads(line) for line in (tmp_path / "predictions.jsonl").read_text().splitlines()]
    assert lines[0] == {"id": "a", "urgency": 1, "time_critical": ["STEMI"]}
    assert lines[1]["id"] == "b"
    code, out, _ = run("evaluate", "cases.jsonl")
    assert code == 0
    assert "news2_alone" in out
    assert "unheard_of (1)" in out


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "no labelled case"),
        ("{", "line 1"),
        ("[]", "line 1"),
        (json.dumps({**LABELLED, "extra": 1}), "extra"),
        (json.dumps({**LABELLED, "at": "2026-11-18"}), "offset"),
        (json.dumps({**LABELLED, "id": 7}), "id"),
        (json.dumps({**LABELLED, "expect": {"urgency": [3, 1]}}), "expect.urgency"),
        (json.dumps({**LABELLED, "expect": {"urgency": [1, 1], "conditions": ["x"]}}), "expect.conditions"),
        (json.dumps({**LABELLED, "case": {}}), "patient.age_years"),
    ],
)
def test_evaluate_names_the_line_that_is_wrong(run: Run, line: str, message: str) -> None:
    code, out, err = run("evaluate", "-", "--json", stdin=line.encode())
    assert (code, out) == (2, "")
    assert message in err


# -- places, keys, database


def test_facilities_can_be_looked_up(run: Run) -> None:
    code, out, _ = run("facilities", "list", "--capability", "pci", "--near", "52.09,5.12", "--limit", "2")
    assert code == 0
    assert len(out.splitlines()) == 2
    code, out, _ = run("facilities", "list", "--json", "--kind", "hospital_seh")
    places = json.loads(out)["facilities"]
    assert {place["kind"] for place in places} == {"hospital_seh"}
    code, out, _ = run("facilities", "show", places[0]["id"], "--json")
    assert json.loads(out)["name"] == places[0]["name"]
    for arguments in (
        ["show", "nowhere"],
        ["list", "--capability", "x"],
        ["list", "--near", "here"],
        ["list", "--near", "95,5"],
        ["list", "--limit", "0"],
    ):
        code, out, err = run("facilities", *arguments)
        assert (code, out) == (2, "")
        assert err.strip()


def test_a_key_that_was_made_opens_the_door(run: Run) -> None:
    code, out, err = run("keys", "create", "--label", "desk", "--role", "triagist", "--role", "auditor")
    assert code == 0
    assert out.strip() not in err
    made = json.loads(run("keys", "create", "--label", "x", "--role", "operator", "--json")[1])
    assert made["roles"] == ["operator"]
    world = service.open_world(read_settings())
    try:
        found = service.authenticate(world, out.strip())
        assert found is not None
        assert found.roles == {"triagist", "auditor"}
        assert service.authenticate(world, made["key"]) is not None
    finally:
        service.close_world(world)


def test_the_database_can_be_upgraded_twice(run: Run) -> None:
    assert run("db", "upgrade")[0] == run("db", "upgrade")[0] == 0


def test_bad_settings_are_named_without_their_value(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEGWIJS_DATABASE_URL", "mysql://root:secret@host/x")
    monkeypatch.setenv("WEGWIJS_PORT", "many")
    monkeypatch.setenv("WEGWIJS_DATABSE_URL", "x")
    code, out, err = run("db", "upgrade")
    assert (code, out) == (2, "")
    assert "`WEGWIJS_DATABASE_URL`" in err
    assert "`WEGWIJS_PORT`" in err
    assert "`WEGWIJS_DATABSE_URL` is not a setting" in err
    assert "secret" not in err


def test_a_database_that_does_not_answer_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEGWIJS_DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:9/none")
    code, out, err = run("facilities", "list")
    assert (code, out) == (2, "")
    assert "database" in err
    assert "secret" not in err
    assert "Traceback" not in err


def test_whoever_has_seen_enough_may_stop_reading(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

        def fileno(self) -> int:
            return made.fileno()

    with Path("somewhere").open("w") as made:
        monkeypatch.setattr("sys.stdout", Closed())
        assert cli.main(["rules", "check"]) == 0


# -- serve


def test_a_first_key_and_account_are_made_once_and_shown_once(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/x.sqlite3")
    world, first = serving.prepare(settings)
    assert first.key is not None
    assert first.code is not None
    assert serving.prepare(settings)[1] == First()
    greeting = serving.greeting(settings, 8001, first)
    assert (greeting.count(first.key), greeting.count(first.code)) == (2, 1)
    assert "http://127.0.0.1:8001/v1/decisions" in greeting
    assert "http://127.0.0.1:8001/desk" in greeting
    assert [(each["user"], set(each["roles"])) for each in users.all_users(world)] == [("start", set(ROLES))]
    assert "keys create" in serving.greeting(settings, 8001, First())
    assert "[::1]:80" in serving.greeting(settings.model_copy(update={"host": "::1"}), 80, First())


def test_no_first_key_or_account_is_made_where_others_can_reach_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "check_rules", lambda _: None)  # they are read again each time, and are not the point
    here = Settings(database_url=f"sqlite:///{tmp_path}/x.sqlite3")
    elsewhere = [here.model_copy(update={"host": host}) for host in ("0.0.0.0", "::", "192.168.1.7", "a.nl", "")]
    for settings in elsewhere:
        with pytest.raises(BadInput, match="open to a network"):
            serving.prepare(settings)
    assert serving.prepare(here)[1].key is not None
    with database.writing(service.open_world(here).engine) as connection:
        connection.execute(USERS.delete())
    # somebody made a key, so it is meant; an account is for a machine of one's own all the same
    assert [serving.prepare(settings)[1] for settings in elsewhere] == [First()] * 5
    assert serving.prepare(here)[1].code is not None
    assert "no TLS" in serving.greeting(elsewhere[0], 8001, First())
    assert "no TLS" not in serving.greeting(here, 8001, First())


def test_a_bootstrap_key_is_not_shown(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/x.sqlite3", bootstrap_key="not-to-be-shown")
    _, first = serving.prepare(settings)
    assert first.key is None
    assert "not-to-be-shown" not in serving.greeting(settings, 8001, first)


def test_a_port_that_is_none_is_refused(run: Run) -> None:
    code, _, err = run("serve", "--port", "99999")
    assert code == 2
    assert "`WEGWIJS_PORT`" in err


def test_serve_with_rules_that_cannot_be_read_stops_at_once(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WEGWIJS_RULESETS", str(tmp_path))
    code, _, err = run("serve")
    assert code == 2
    assert "ruleset" in err


def test_a_database_that_cannot_be_written_stops_the_server(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(StoreUnavailable):
        serving.prepare(Settings(database_url=f"sqlite:///{tmp_path}/x/y.sqlite3"))


def test_settings_are_listed_with_where_they_come_from_and_without_secrets(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEGWIJS_BOOTSTRAP_KEY", "not-to-be-shown")
    monkeypatch.setenv("WEGWIJS_PORT", "8123")
    monkeypatch.setenv("WEGWIJS_HOST", "")
    monkeypatch.setenv("WEGWIJS_DATABASE_URL", "postgresql://me:not-to-be-shown@host:5/ww?password=not-to-be-shown")
    code, out, _ = run("settings", "--json")
    assert code == 0
    assert "not-to-be-shown" not in out
    listed = {each["variable"]: each for each in json.loads(out)["settings"]}
    assert set(listed) == {f"WEGWIJS_{name.upper()}" for name in Settings.model_fields}
    assert all(each["meaning"] for each in listed.values())
    found = {name: (each["value"], each["source"]) for name, each in listed.items()}
    assert found["WEGWIJS_PORT"] == (8123, "environment")
    assert found["WEGWIJS_HOST"] == ("127.0.0.1", "default")
    assert found["WEGWIJS_DATABASE_URL"] == ("postgresql+psycopg://me:***@host:5/ww?***", "environment")
    assert found["WEGWIJS_BOOTSTRAP_KEY"] == ("(set, not shown)", "environment")
    assert found["WEGWIJS_FEEDS"] == (None, "default")
    code, out, _ = run("settings")
    assert "WEGWIJS_PORT = 8123  [environment]" in out
    assert "not-to-be-shown" not in out
