"""The promises about the log of accesses: who looked is known, for at least five years, and patients can be told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from routing import access_log
from routing.access_log import note
from routing.errors import BadInput, BadRecord, StoreUnavailable
from routing.log.access import SUBJECTS_MOST, Subject
from routing.log_check import check_log
from routing.rights import Asker
from routing.sequencer import sequence_all
from routing.service import World
from routing.store import accesses as store
from routing.store import database
from routing.store.tables import ACCESS_SUBJECTS, LOG_ENTRIES
from tests.service.conftest import Clock, Run

PATIENT, OTHER = "a" * 32, "b" * 32
AUDITOR = Asker("", "command line", frozenset({"auditor"}), user="u-9", source="wegwijs access list")
NURSE = Asker(
    "00000000-0000-0000-0000-000000000001",
    "desk 3",
    frozenset({"triagist"}),
    organisation="Meldkamer Utrecht",
    user="u-77",
    responsible="dr-3",
    source="GET /v1/decisions/{decision_id}",
    request_id="r-1",
)


def noted(world: World, event: str = "read", asker: Asker = NURSE, **rest: Any) -> None:
    with database.writing(world.engine) as connection:
        note(connection, asker, event, world.clock(), **rest)


def all_of(world: World, **filters: Any) -> list[dict[str, Any]]:
    """Every access that fits, page by page, the newest first; without those of looking."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = access_log.accesses(world, AUDITOR, cursor=cursor, limit=3, **filters)
        found += [access for access in page["accesses"] if access["event"] != "read_access_log"]
        cursor = page["next"]
        if cursor is None:
            return found


def sequence(world: World) -> None:
    """Give every entry its position in the tree, in the order of time."""
    with database.writing(world.engine) as connection:
        ids = connection.scalars(sa.select(LOG_ENTRIES.c.id).order_by(LOG_ENTRIES.c.logged_at, LOG_ENTRIES.c.id)).all()
        for position, entry_id in enumerate(ids):
            connection.execute(LOG_ENTRIES.update().where(LOG_ENTRIES.c.id == entry_id).values(position=position))


def entries(world: World) -> Sequence[Any]:
    with database.reading(world.engine) as connection:
        return connection.execute(sa.select(LOG_ENTRIES).order_by(LOG_ENTRIES.c.logged_at, LOG_ENTRIES.c.id)).all()


# -- noting


def test_an_access_is_kept_with_who_when_what_and_from_where(world: World, clock: Clock) -> None:
    decision = uuid4()
    noted(world, subjects=(Subject(PATIENT, decision),))
    (access,) = all_of(world)
    assert access["at"] == clock.now.isoformat()
    assert (access["event"], access["action"], access["outcome"], access["purpose"]) == ("read", "R", "ok", "care")
    assert access["subjects"] == [{"patient": PATIENT, "decision": str(decision)}]
    assert access["user"] == {
        "key": NURSE.key_id,
        "organisation": "Meldkamer Utrecht",
        "roles": ["triagist"],
        "user": "u-77",
        "responsible": "dr-3",
    }
    assert access["source"] == {"system": "api", "call": "GET /v1/decisions/{decision_id}", "request_id": "r-1"}


def test_what_is_not_committed_was_not_noted_and_what_cannot_be_noted_does_not_happen(world: World) -> None:
    with pytest.raises(RuntimeError), database.writing(world.engine) as connection:
        note(connection, NURSE, "read", world.clock())
        raise RuntimeError
    assert entries(world) == []
    with database.writing(world.engine) as connection:
        connection.exec_driver_sql("DROP TABLE access_subjects")
    with pytest.raises(StoreUnavailable):
        noted(world)
    assert entries(world) == []
    for look in (access_log.accesses, access_log.export):
        with pytest.raises(StoreUnavailable):
            look(world, AUDITOR)


def test_an_access_to_very_many_is_several_events(world: World) -> None:
    many = [Subject(PATIENT, uuid4()) for _ in range(2 * SUBJECTS_MOST + 1)]
    noted(world, "export", subjects=many, found=len(many))
    found = all_of(world)
    assert [len(access["subjects"]) for access in reversed(found)] == [SUBJECTS_MOST, SUBJECTS_MOST, 1]
    assert {subject["decision"] for access in found for subject in access["subjects"]} == {
        str(subject.decision) for subject in many
    }


def test_the_id_of_a_request_that_may_be_a_bsn_is_not_kept(world: World) -> None:
    for given, kept in (("111222333", None), ("111222334", "111222334")):
        noted(world, asker=Asker(**{**vars_of(NURSE), "request_id": given}))
        assert all_of(world)[0]["source"]["request_id"] == kept


def vars_of(asker: Asker) -> dict[str, Any]:
    return {name: getattr(asker, name) for name in Asker.__dataclass_fields__}


# -- looking


def test_accesses_are_found_by_patient_decision_user_key_event_and_time(world: World, clock: Clock) -> None:
    first, second = uuid4(), uuid4()
    began = clock.now
    noted(world, "create", subjects=(Subject(PATIENT, first),))
    clock.forward(hours=1)
    noted(world, "read", Asker(str(UUID(int=7)), "x", frozenset(), user="u-1"), subjects=(Subject(OTHER, second),))
    clock.forward(hours=1)
    noted(world, "search", subjects=(Subject(PATIENT, first), Subject(OTHER, second), Subject(OTHER, None)), found=3)
    noted(world, "search", found=0, criteria={"urgency": "U1", "facility": None})

    def events(**filters: Any) -> list[str]:
        return [access["event"] for access in all_of(world, **filters)]

    assert events() == ["search", "search", "read", "create"]
    assert events(patient=PATIENT) == ["search", "create"]
    assert events(patient=OTHER) == ["search", "read"]
    assert events(decision=str(first)) == ["search", "create"]
    assert events(user="u-1") == ["read"]
    assert events(key=NURSE.key_id, event="search") == ["search", "search"]
    assert events(event="erase") == []
    assert events(since=began + timedelta(hours=1), until=began + timedelta(hours=2)) == ["read"]
    assert events(patient=PATIENT, event="create", until=began + timedelta(minutes=1)) == ["create"]


def test_a_search_that_found_nothing_is_in_the_log(world: World) -> None:
    noted(world, "search", found=0, criteria={"urgency": "U1", "facility": None})
    (access,) = all_of(world)
    assert (access["found"], access["subjects"]) == (0, [])
    assert access["criteria"] == {"urgency": "U1", "facility": None}


def test_pages_do_not_repeat_or_skip_while_the_log_grows(world: World, clock: Clock) -> None:
    decisions = [uuid4() for _ in range(10)]
    for number, decision in enumerate(decisions):
        noted(world, subjects=(Subject(PATIENT, decision), Subject(OTHER, decision)))
        clock.forward(seconds=number % 2)  # some at the very same moment
    cursor, seen = None, []
    while True:
        page = access_log.accesses(world, AUDITOR, cursor=cursor, limit=3, event="read")
        seen += [access["id"] for access in page["accesses"]]
        noted(world)
        if (cursor := page["next"]) is None:
            break
    assert len(seen) == len(set(seen)) == 10


def test_reading_the_access_log_is_logged(world: World, clock: Clock) -> None:
    noted(world, subjects=(Subject(PATIENT, None),))
    clock.forward(seconds=1)
    first = access_log.accesses(world, AUDITOR, patient=PATIENT, since=clock.now - timedelta(days=1))
    assert [access["event"] for access in first["accesses"]] == ["read"]
    clock.forward(seconds=1)
    second = access_log.accesses(world, AUDITOR, patient=PATIENT)
    looked, read = second["accesses"]
    assert (looked["event"], read["event"]) == ("read_access_log", "read")
    assert looked["user"]["user"] == "u-9"
    assert looked["source"] == {"system": "command line", "call": "wegwijs access list", "request_id": None}
    assert looked["subjects"] == [{"patient": PATIENT, "decision": None}]
    assert looked["found"] == 1
    assert looked["criteria"] == {"patient": None, "since": (clock.now - timedelta(days=1, seconds=1)).isoformat()}
    nothing = access_log.accesses(world, AUDITOR, patient=OTHER)
    assert nothing["accesses"] == []
    assert access_log.accesses(world, AUDITOR, patient=OTHER)["accesses"][0]["found"] == 0


@pytest.mark.parametrize(
    ("filters", "field"),
    [
        ({"patient": "Jan Jansen"}, "patient"),
        ({"patient": PATIENT, "reference": "ZCC-1"}, "reference"),
        ({"decision": "none"}, "decision"),
        ({"key": "none"}, "key"),
        ({"event": "peek"}, "event"),
        ({"cursor": "x"}, "cursor"),
    ],
)
def test_what_cannot_be_searched_by_is_refused_and_not_repeated(filters: Any, field: str, world: World) -> None:
    with pytest.raises(BadInput) as caught:
        access_log.accesses(world, AUDITOR, **filters)
    (fault,) = caught.value.faults
    assert fault.field == field
    assert "Jansen" not in str(fault)


def test_a_damaged_entry_is_said_to_be_damaged(world: World) -> None:
    noted(world)
    with database.writing(world.engine) as connection:
        connection.execute(LOG_ENTRIES.update().values(entry=b'{"version":1}'))
    with pytest.raises(BadRecord):
        access_log.accesses(world, AUDITOR)


def test_who_was_refused_is_in_the_log_with_what_it_would_have_been_about(world: World) -> None:
    asked = uuid4()
    access_log.refused(world, NURSE, "read_access_log")
    access_log.refused(world, NURSE, "read", str(asked))
    access_log.refused(world, NURSE, "read", "no id at all: Jan Jansen")
    found = all_of(world, event="read")
    assert [access["outcome"] for access in found] == ["refused", "refused"]
    assert [access["subjects"] for access in reversed(found)] == [[{"patient": None, "decision": str(asked)}], []]
    assert "Jansen" not in json.dumps(found)


# -- telling the patient


def test_a_patient_sees_who_looked_and_nothing_of_others(world: World, clock: Clock) -> None:
    patient = access_log.patient_of(world, "ZCC-2026-000123")
    mine, theirs = uuid4(), uuid4()
    noted(world, "create", subjects=(Subject(patient, mine),))
    clock.forward(hours=1)
    noted(world, "search", subjects=(Subject(patient, mine), Subject(OTHER, theirs)), found=2)
    noted(world, "read", subjects=(Subject(OTHER, theirs),))
    clock.forward(hours=1)
    view = access_log.patient_view(world, AUDITOR, "ZCC-2026-000123")
    assert [access["event"] for access in view["accesses"]] == ["search", "create"]
    search, create = view["accesses"]
    assert create == {
        "at": "2026-11-18T13:00:00+00:00",
        "event": "create",
        "outcome": "ok",
        "what": {"nl": "Advies gevraagd en vastgelegd", "en": "Asked for advice, which was recorded"},
        "why": {"nl": "voor uw zorg", "en": "for your care"},
        "organisation": "Meldkamer Utrecht",
        "roles": ["triagist"],
        "user": "u-77",
        "responsible": "dr-3",
        "decisions": [str(mine)],
    }
    assert search["decisions"] == [str(mine)]
    assert not any(other in json.dumps(view) for other in (OTHER, str(theirs)))
    again = access_log.patient_view(world, AUDITOR, "ZCC-2026-000123", limit=1)
    assert again["accesses"][0]["event"] == "read_access_log"
    assert again["accesses"][0]["why"]["en"] == "because you asked for it"
    assert again["next"] is not None
    assert access_log.patient_view(world, AUDITOR, "ZCC-2026-000124")["accesses"] == []


# -- exporting


def exported(world: World, **filters: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in access_log.export(world, AUDITOR, **filters)]


def test_everything_is_exported_once_in_the_order_of_time(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "BATCH", 4)
    for number in range(11):
        noted(world, subjects=(Subject(PATIENT, uuid4()), Subject(PATIENT, uuid4())))
        clock.forward(seconds=number % 3)
    found = exported(world)
    assert len(found) == len({event["id"] for event in found}) == 11
    assert [event["recorded"] for event in found] == sorted(event["recorded"] for event in found)
    assert {event["resourceType"] for event in found} == {"AuditEvent"}
    clock.forward(seconds=1)
    assert [event["subtype"][0]["code"] for event in exported(world)][-1] == "export_access_log"
    assert len(exported(world, patient=PATIENT)) == 11
    assert exported(world, patient=OTHER) == []


def test_an_export_is_logged_before_its_first_line(world: World, clock: Clock) -> None:
    noted(world)
    noted(world)
    clock.forward(seconds=1)
    lines = access_log.export(world, AUDITOR)
    (access,) = all_of(world, event="export_access_log")
    assert access["found"] == 2
    assert access["criteria"] == {"until": clock.now.isoformat()}
    assert len(list(lines)) == 2


# -- forgetting


def test_no_access_is_forgotten_before_five_years(world: World, clock: Clock) -> None:
    noted(world)
    sequence(world)
    clock.now = datetime(2031, 11, 18, 12, 59, 59, tzinfo=UTC)  # one second short of five years
    with pytest.raises(BadInput, match="5 years"):
        access_log.prune(world, AUDITOR, clock.now - timedelta(days=4 * 365), dry_run=False)
    found = access_log.prune(world, AUDITOR, clock.now.replace(year=2026), dry_run=False)
    assert found["entries"] == 0
    assert [entry.kind for entry in entries(world)] == ["read", "prune_access_log"]
    clock.forward(seconds=2)
    assert access_log.prune(world, AUDITOR, clock.now.replace(year=2026), dry_run=False)["entries"] == 1
    assert [entry.kind for entry in entries(world)] == ["prune_access_log", "prune_access_log"]


def test_pruning_first_shows_what_would_go_and_is_logged_when_it_does(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_log, "REMOVED_AT_ONCE", 2)
    began = clock.now
    for _ in range(5):
        noted(world, subjects=(Subject(PATIENT, uuid4()), Subject(OTHER, uuid4())))
        clock.forward(days=1)
    clock.forward(days=6 * 366)
    noted(world, "create")
    sequence(world)
    noted(world, "erase")  # not in the tree yet
    before = began + timedelta(days=4)
    shown = access_log.prune(world, AUDITOR, before)
    assert shown == {
        "before": before.isoformat(),
        "dry_run": True,
        "entries": 4,
        "first_at": began.isoformat(),
        "last_at": (began + timedelta(days=3)).isoformat(),
    }
    assert len(entries(world)) == 7
    assert access_log.prune(world, AUDITOR, before, dry_run=False) == {**shown, "dry_run": False}
    assert sorted(entry.kind for entry in entries(world)) == ["create", "erase", "prune_access_log", "read"]
    pruned = next(json.loads(entry.entry) for entry in entries(world) if entry.kind == "prune_access_log")
    assert (pruned["found"], pruned["purpose"]) == (4, "records")
    assert pruned["criteria"] == {"before": before.isoformat(), "below": "4"}
    with database.reading(world.engine) as connection:
        left = connection.scalars(sa.select(ACCESS_SUBJECTS.c.entry_id).distinct()).all()
    assert {*left} == {entry.id for entry in entries(world)}
    positions = [entry.position for entry in entries(world) if entry.position is not None]
    assert positions == [4, 5], "what is left keeps its place in the tree"


def test_what_is_left_is_still_the_log_that_was_signed(world: World, clock: Clock) -> None:
    for number in range(700):
        noted(world, subjects=(Subject(PATIENT, None),))
        if number in (99, 400, 650):
            sequence_all(world)
            clock.forward(days=400)
    sequence_all(world)
    clock.forward(days=5 * 366)
    assert check_log(world, "access").wire()["verdict"] == "verified"
    access_log.prune(world, AUDITOR, clock.now - timedelta(days=5 * 366 + 500), dry_run=False)
    sequence_all(world)
    found = check_log(world, "access").wire()
    assert (found["verdict"], found["entries"]) == ("verified", 300), found
    with database.writing(world.engine) as connection:
        first = sa.select(sa.func.min(LOG_ENTRIES.c.position)).scalar_subquery()
        connection.execute(LOG_ENTRIES.delete().where(LOG_ENTRIES.c.position == first))
    assert "402 entries are gone" in " ".join(check_log(world, "access").wire()["problems"])


def test_other_logs_are_never_pruned(world: World, clock: Clock) -> None:
    with database.writing(world.engine) as connection:
        values = {"id": uuid4(), "log": "decisions", "kind": "decision", "logged_at": clock.now, "entry": b"{}"}
        connection.execute(LOG_ENTRIES.insert(), {**values, "position": 0})
    clock.forward(days=10 * 366)
    access_log.prune(world, AUDITOR, clock.now.replace(year=2030), dry_run=False)
    assert "decision" in [entry.kind for entry in entries(world)]


@pytest.mark.parametrize(("now", "youngest"), [("2032-02-29", "2027-02-28"), ("2031-11-18", "2026-11-18")])
def test_five_years_are_counted_on_the_calendar(now: str, youngest: str, world: World, clock: Clock) -> None:
    clock.now = datetime.fromisoformat(now).replace(tzinfo=UTC)
    limit = datetime.fromisoformat(youngest).replace(tzinfo=UTC)
    access_log.prune(world, AUDITOR, limit)
    with pytest.raises(BadInput):
        access_log.prune(world, AUDITOR, limit + timedelta(microseconds=1))


# -- on the command line


def test_a_patient_is_told_at_the_command_line(run: Run) -> None:
    code, out, _ = run("access", "patient", "--reference", "ZCC-2026-000123", "--user", "fg-1")
    assert (code, out) == (0, "Er is niets vastgelegd onder dit nummer.\n")
    code, out, _ = run("access", "patient", "--reference", "ZCC-2026-000123", "--language", "en", "--user", "fg-1")
    assert code == 0
    assert "Who saw or changed your data" in out
    assert "Looked at who saw your data, because you asked for it" in out
    assert "organisation not known, auditor, by fg-1" in out
    code, out, _ = run("access", "patient", "--reference", "ZCC-2026-000123", "--json", "--user", "fg-1")
    assert [access["user"] for access in json.loads(out)["accesses"]] == ["fg-1", "fg-1"]


def test_the_number_of_a_case_need_not_stand_in_the_history_of_a_shell(run: Run, tmp_path: Any) -> None:
    (tmp_path / "number").write_text("ZCC-2026-000123\n")
    for place, stdin in (("number", None), ("-", b"ZCC-2026-000123")):
        code, _, _ = run("access", "patient", "--reference-file", place, "--user", "fg-1", stdin=stdin)
        assert code == 0
    code, out, _ = run("access", "list", "--reference-file", "number", "--json", "--user", "fg-1")
    assert [access["found"] for access in json.loads(out)["accesses"]] == [1, 0]
    assert run("access", "patient", "--user", "fg-1")[0] == 2


def test_the_log_is_listed_and_exported_at_the_command_line(run: Run, tmp_path: Any) -> None:
    assert run("access", "list", "--user", "fg-1")[:2] == (0, "no access fits\n")
    code, out, _ = run("access", "list", "--limit", "1", "--user", "fg-2")
    assert code == 0
    assert "read_access_log" in out
    assert "fg-1, 0 found" in out
    code, out, _ = run("access", "list", "--json", "--of-user", "fg-2")
    assert [access["found"] for access in json.loads(out)["accesses"]] == [1]
    code, out, err = run("access", "export", "--output", "out.ndjson", "--user", "fg-1")
    assert (code, out) == (0, "")
    assert "3 accesses" in err
    lines = (tmp_path / "out.ndjson").read_text().splitlines()
    assert (tmp_path / "out.ndjson").stat().st_mode & 0o077 == 0, "for nobody else to read"
    assert [json.loads(line)["resourceType"] for line in lines] == ["AuditEvent"] * 3
    assert run("access", "export", "--output", "out.ndjson")[0] == 2, "no file is overwritten"


def test_pruning_asks_twice_at_the_command_line(run: Run) -> None:
    code, out, _ = run("access", "prune", "--before", "2021-01-01T00:00:00Z")
    assert (code, out) == (0, "0 accesses are older\n")
    code, out, _ = run("access", "prune", "--before", "2021-01-01T00:00:00Z", "--yes", "--json")
    assert code == 0
    assert json.loads(out) == {
        "before": "2021-01-01T00:00:00+00:00",
        "dry_run": False,
        "entries": 0,
        "first_at": None,
        "last_at": None,
    }
    code, out, err = run("access", "prune", "--before", "2026-01-01T00:00:00Z", "--yes")
    assert (code, out) == (2, "")
    assert "5 years" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["access", "list", "--user", "Jan Jansen"], "--user"),
        (["access", "list", "--user", "111222333"], "BSN"),
        (["access", "list", "--since", "yesterday"], "--since"),
        (["access", "list", "--limit", "0"], "--limit"),
        (["access", "list", "--decision", "x"], "decision"),
        (["access", "prune", "--before", "2021-01-01"], "--before"),
    ],
)
def test_what_the_commands_cannot_read_is_refused(arguments: list[str], said: str, run: Run) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert "Jansen" not in err
