"""A decision becomes a worked case: the rules answer the same, and nothing of the patient is left in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from routing import case_writing, outcomes, service
from routing.case_writing import MOMENTS, Written, added_to, triage_of, wanted_case_of, worked_case_of
from routing.errors import BadData, BadInput
from routing.log.canonical import plain
from routing.packaged import Desk, packaged_directory
from routing.rights import Asker
from routing.rules_here import evaluators_of, in_force
from routing.service import World
from routing.settings import read_settings
from routing.store import database, records
from routing.worked_cases import read_worked_cases
from routing.worked_cases import run as run_case
from routing.yamlfile import parse
from tests.service.conftest import AUDITOR, STEMI, Clock, Run

SECRETS: dict[str, Any] = {
    **STEMI,
    "reference": "ZCC-2026-000123",
    "note": "mevrouw Jansen",
    "called_at": "2026-11-18T13:41:17+01:00",
    "assessed_at": "2026-11-18T13:52:48+01:00",
    "patient": {"age_years": 71, "sex": "female"},
    "location": {"lat": 52.07123, "lon": 5.10987, "postcode": "3523AB"},
    "known_at": ["st-antonius-nieuwegein"],
    "region": "kennemerland",
    "observations": {**STEMI["observations"], "temperature": 38.7, "onset_at": "2026-11-18T10:07:31+01:00"},
}
"""A case in which everything that can point to a patient is said."""

ELSEWHERE = {"outcome": "overridden", "by": "doctor", "reason": "other", "comment": "Jansen is known there"}


@pytest.fixture
def desk(world: World) -> Desk:
    rules = in_force(world, world.clock())
    return Desk(world.words, evaluators_of(world, rules), packaged_directory(world.words))


def record(world: World, asker: Asker, case: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = plain(service.record_of(world, service.decide(world, case, asker)["id"], AUDITOR, "read"))
    return found


def case_in(written: Written) -> dict[str, Any]:
    found: dict[str, Any] = parse(f"cases:\n{written.text}", "case").value["cases"][0]
    return found


def run_from(written: Written, desk: Desk, folder: Path) -> list[str]:
    """What comes out otherwise when the text is read as a case file of a ruleset."""
    (folder / "cases").mkdir(exist_ok=True)
    (folder / "cases" / "from-the-log.yaml").write_text(added_to(None, written.text), "utf-8")
    (case,) = read_worked_cases(folder, desk)
    return [mismatch.what for mismatch in run_case(case, desk).mismatches]


def test_a_worked_case_holds_no_patient_data(world: World, asker: Asker, desk: Desk, tmp_path: Path) -> None:
    made = record(world, asker, SECRETS)
    written = worked_case_of(made, desk)
    told = written.text + "\n".join(written.changes)
    for secret in (
        "ZCC", "Jansen", "13:41", "13:52", "10:07", ":17", ":48", ":31", "71", "52.07", "5.10", "3523", "antonius",
        "kennemerland", made["id"], made["id"][:8],
    ):  # fmt: skip
        assert secret not in told, secret
    case = case_in(written)
    assert set(case["given"]) <= {
        "patient", "location", "channel", "called_at", "assessed_at", "complaint", "transport", "observations",
    }  # fmt: skip
    assert set(case["given"]["location"]) == {"postcode"}
    assert len(case["given"]["location"]["postcode"]) == 4
    assert case["at"] in {moment.isoformat() for moment in MOMENTS}
    # what the rules asked is still there, and they answer the same
    assert case["given"]["observations"]["ecg_st_elevation"] is True
    assert case["expect"]["urgency"] == made["result"]["urgency"]["level"]
    assert case["expect"]["conditions"]["stemi"] == "suspected"
    assert case["expect"]["needs"]["pci"] == "required"
    assert case["expect"]["recommended"] == {"capability": "pci"}
    assert written.mismatches == ()
    assert run_from(written, desk, tmp_path) == []


CASES: tuple[dict[str, Any], ...] = (
    {
        "patient": {"age_months": 2},
        "location": {"postcode": "9712"},
        "observations": {"fever": True, "temperature": 38.2},
    },
    {"patient": {"age_years": 1.5}, "location": {"postcode": "9712"}, "observations": {"fever": True}},
    {"patient": {"age_years": 15, "sex": "female"}, "location": {"postcode": "1791"}, "complaint": "abdominal_pain"},
    {"patient": {"age_years": 97}, "location": {"postcode": "4381"}, "observations": {"head_injury": True}},
    {
        "patient": {"age_years": 81, "sex": "male"},
        "location": {"lat": 50.85, "lon": 5.69},
        "observations": {"facial_droop": True, "last_known_well_at": "2026-11-18T09:31:00+01:00"},
    },
)


def test_the_same_rules_fire_in_what_is_left(world: World, asker: Asker, desk: Desk, clock: Clock) -> None:
    for hours, body in zip((0, 7, 14, 70, 90), CASES, strict=True):  # also in the evening, at night and in a weekend
        clock.forward(hours=hours)
        made = record(world, asker, body)
        written = worked_case_of(made, desk)
        given, at = case_in(written)["given"], case_in(written)["at"]
        (moment,) = [moment for moment in MOMENTS if moment.isoformat() == at]
        fired = {rule.id for rule in triage_of(given, moment, desk).evaluation.fired}
        assert fired == set(made["evaluators"]["fired"])
        assert written.mismatches == (), body
        assert given["location"] != body["location"] or "postcode" in body["location"]


def test_what_the_answer_hangs_on_is_kept_and_said(
    world: World, asker: Asker, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case_writing, "_ages", lambda _patient: iter([("age_years", 5, "4 to 6")]))
    written = worked_case_of(record(world, asker, SECRETS), desk)
    assert case_in(written)["given"]["patient"]["age_years"] == 71
    assert "age: KEPT" in written.text, "whoever reads the file must know"


def test_what_was_decided_instead_is_a_case_that_fails_now(
    world: World, asker: Asker, desk: Desk, tmp_path: Path
) -> None:
    made = record(world, asker, CASES[2])
    body = {**ELSEWHERE, "urgency": "U1", "destination": "umc-utrecht"}
    decided = outcomes.record_outcome(world, made["id"], body, asker)
    written = wanted_case_of(made, decided, desk)
    assert "FAILS NOW" in written.text
    assert "Jansen" not in written.text
    assert case_in(written)["expect"]["urgency"] == "U1"
    assert "urgency" in run_from(written, desk, tmp_path)
    same = {**decided, "urgency": None, "destination": made["result"]["recommendation"]["facility"]["id"]}
    for outcome in (None, {**decided, "outcome": "accepted"}, same):
        with pytest.raises(BadInput):
            wanted_case_of(made, outcome, desk)


def test_a_case_is_added_to_a_file_that_can_still_be_read(world: World, asker: Asker, desk: Desk) -> None:
    written = worked_case_of(record(world, asker, CASES[1]), desk)
    one = added_to(None, written.text)
    assert len(parse(added_to(one, written.text), "cases").value["cases"]) == 2
    assert added_to("\n", written.text) == one
    for broken in ("cases: []\n", "other:\n  a: 1\n", "cases:\n- {", "cases:\n  - {a: 1}\nmore:\n"):
        with pytest.raises(BadData):
            added_to(broken, written.text)


# -- on the command line


def test_the_command_writes_a_case_and_refuses_what_was_erased(run: Run, tmp_path: Path) -> None:
    assert run("db", "upgrade")[0] == 0
    world = service.open_world(read_settings())
    asker = service.authenticate(world, service.create_key(world, "t", frozenset({"triagist"})))
    assert asker is not None
    case = {key: value for key, value in STEMI.items() if key != "called_at"}
    kept, gone = (service.decide(world, {**case, "reference": "ZCC-1"}, asker)["id"] for _ in range(2))
    with database.writing(world.engine) as connection:
        records.destroy(connection, [UUID(gone)])
    service.close_world(world)
    code, out, err = run("rules", "case", kept, "--name", "Een infarct", "--name-en", "A heart attack")
    assert code == 0
    assert parse(out, "out").value["cases"][0]["name"] == {"nl": "Een infarct", "en": "A heart attack"}
    assert "the case passes" in err
    assert "reference: left out" in err
    code, out, err = run("rules", "case", kept, "--json", "--write", "cases.yaml")
    assert (code, json.loads(out)["passes"]) == (0, True)
    assert "ZCC-1" not in (tmp_path / "cases.yaml").read_text()
    assert run("rules", "case", kept, "--expect-outcome")[2].count("nobody decided otherwise") == 1
    for unknown, message in ((gone, "was erased"), ("x", "no decision")):
        code, out, err = run("rules", "case", unknown)
        assert (code, out) == (2, "")
        assert message in err
