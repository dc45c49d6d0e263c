"""Whatever shows or changes what is kept about a patient is in the log of accesses, or it does not happen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from routing import access_log, capsules, erasure, outcomes, service
from routing.errors import BadInput, BadRecord, Erased, NotFound, StoreUnavailable
from routing.rights import Asker
from routing.service import World
from routing.store import database
from routing.store.tables import ACCESS_SUBJECTS, LOG_ENTRIES, RECORDS
from routing.webhooks.shown import pre_alerts_of
from tests.service.conftest import AUDITOR, STEMI, Clock

REFERENCE = "ZCC-2026-000123"
CASE = {**STEMI, "reference": REFERENCE}
ACCEPTED = {"outcome": "accepted", "by": "triagist"}

UseCase = Callable[[World, str, Asker], Any]

SHOWING: dict[str, UseCase] = {
    "create": lambda world, _id, asker: service.decide(world, CASE, asker),
    "read": lambda world, made, asker: service.decision(world, made, asker),
    "search": lambda world, _id, asker: service.search(world, asker),
    "replay": lambda world, made, asker: service.replay(world, made, asker),
    "correct": lambda world, made, asker: outcomes.record_outcome(world, made, ACCEPTED, asker),
    "read outcomes": lambda world, made, asker: outcomes.outcomes_of(world, made, asker),
    "read pre-alerts": lambda world, made, asker: pre_alerts_of(world, made, asker),
    "export": lambda world, made, asker: capsules.capsule_of(world, made, asker),
    "erase": lambda world, made, asker: erasure.erase(world, [made], "patient_request", asker),
    "read_access_log": lambda world, _id, asker: access_log.accesses(world, asker),
    "read_access_log of the patient": lambda world, _id, asker: access_log.patient_view(world, asker, REFERENCE),
    "export_access_log": lambda world, _id, asker: access_log.export(world, asker),
}
"""Every use case that shows or changes something about patients, by the event that is noted (and more words)."""


def events(world: World) -> list[dict[str, Any]]:
    """All accesses, the oldest first, without those of looking here."""
    found = access_log.accesses(world, AUDITOR, limit=200)["accesses"]
    return [access for access in reversed(found) if access["user"]["key"] is not None]


@pytest.fixture
def made(world: World, asker: Asker) -> str:
    found: str = service.decide(world, CASE, asker)["id"]
    return found


@pytest.mark.parametrize("name", SHOWING)
def test_what_shows_or_changes_is_logged(name: str, world: World, asker: Asker, made: str, clock: Clock) -> None:
    clock.forward(minutes=1)
    SHOWING[name](world, made, asker)
    noted = [access for access in events(world) if access["at"] == clock.now.isoformat()]
    assert [access["event"] for access in noted] == [name.partition(" ")[0]]
    (access,) = noted
    assert (access["outcome"], access["user"]["key"]) == ("ok", asker.key_id)
    patient = access_log.patient_of(world, REFERENCE)
    assert name in ("read_access_log", "export_access_log") or access["subjects"][0]["patient"] == patient
    if name in ("read", "search", "replay", "correct", "read outcomes", "read pre-alerts", "export", "erase"):
        assert access["subjects"] == [{"patient": patient, "decision": made}]


@pytest.mark.parametrize("name", SHOWING)
def test_nothing_is_shown_that_is_not_logged(name: str, world: World, asker: Asker, made: str) -> None:
    def count() -> int:
        with database.reading(world.engine) as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(LOG_ENTRIES)) or 0

    before = count()
    with database.writing(world.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE access_subjects RENAME TO elsewhere")
    with pytest.raises(StoreUnavailable):
        SHOWING[name](world, made, asker)
    assert count() == before, "nothing was changed either"
    with database.writing(world.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO access_subjects")
    SHOWING[name](world, made, asker)
    assert count() > before


def test_a_preview_shows_nothing_that_is_kept_and_is_not_logged(world: World) -> None:
    service.preview(world, CASE)
    assert events(world) == []


def test_a_search_that_found_nothing_is_logged(world: World, asker: Asker, made: str, clock: Clock) -> None:
    found = service.search(
        world, asker, urgency="U5", condition="jan_jansen", facility="jan-jansen", since=clock.now, until=clock.now
    )
    assert found["decisions"] == []
    access = events(world)[-1]
    assert (access["event"], access["found"], access["subjects"]) == ("search", 0, [])
    now = clock.now.isoformat()
    assert access["criteria"] == {"urgency": "U5", "condition": None, "facility": None, "since": now, "until": now}
    coded = {"condition": "stemi", "facility": "umc-utrecht", "ruleset": "sha256:" + 64 * "0", "outcome": "accepted"}
    service.search(world, asker, **coded)
    assert events(world)[-1]["criteria"] == coded


@pytest.mark.parametrize("name", ["read", "replay", "read outcomes", "read pre-alerts"])
def test_looking_for_what_is_not_there_is_logged_as_failed(name: str, world: World, asker: Asker) -> None:
    asked = str(uuid4())
    with pytest.raises(NotFound):
        SHOWING[name](world, asked, asker)
    (access,) = events(world)
    assert (access["event"], access["outcome"]) == (name.partition(" ")[0], "failed")
    assert access["subjects"] == [{"patient": None, "decision": asked}]


def test_looking_at_what_is_damaged_is_logged_as_failed(world: World, asker: Asker, made: str) -> None:
    with database.writing(world.engine) as connection:
        connection.execute(RECORDS.update().where(RECORDS.c.id == UUID(made)).values(sealed=b"damaged"))
    with pytest.raises(BadRecord):
        service.decision(world, made, asker)
    access = events(world)[-1]
    assert (access["event"], access["outcome"]) == ("read", "failed")
    assert access["subjects"][0]["decision"] == made


def test_a_case_that_is_refused_leaves_nothing_in_the_log(world: World, asker: Asker) -> None:
    with pytest.raises(BadInput):
        service.decide(world, {**CASE, "patient": {"age_years": "Jan"}}, asker)
    assert events(world) == []


def test_a_patient_sees_who_looked(world: World, asker: Asker, made: str) -> None:
    service.decide(world, {**STEMI, "reference": "ANOTHER"}, asker)
    service.search(world, asker)
    service.decision(world, made, asker)
    view = access_log.patient_view(world, AUDITOR, REFERENCE)
    assert [access["event"] for access in view["accesses"]] == ["read", "search", "create"]
    assert {decision for access in view["accesses"] for decision in access["decisions"]} == {made}
    assert access_log.patient_view(world, AUDITOR, "ANOTHER")["accesses"][-1]["event"] == "create"


MARKED = {
    "reference": "MARK-REFERENCE-7",
    "channel": "ambulance",
    "patient": {"age_years": 93, "sex": "female"},
    "location": {"lat": 52.123456, "lon": 5.123456, "postcode": "3584CX"},
    "complaint": "chest_pain",
    "observations": {"heart_rate": 187, "temperature": 41.3, "ecg_st_elevation": True},
    "transport": "ambulance",
    "known_at": ["umc-utrecht"],
    "note": "MARK-NOTE Jan Jansen 111222333",
}
MARKS = ("MARK", "Jansen", "111222333", "52.12", "5.12", "3584", "187", "41.3", "chest_pain", "ecg", "stemi", "female")


def test_the_access_log_holds_no_patient_data(world: World, asker: Asker) -> None:
    made = service.decide(world, MARKED, asker)["id"]
    became = {
        "outcome": "overridden",
        "by": "doctor",
        "reason": "patient_choice",
        "comment": "MARK-COMMENT Jansen",
        "destination": "meander-amersfoort",
    }
    outcomes.record_outcome(world, made, became, asker)
    service.decision(world, made, asker)
    service.replay(world, made, asker)
    outcomes.outcomes_of(world, made, asker)
    capsules.capsule_of(world, made, asker)
    service.search(world, asker, condition="mark_jansen", facility="mark-jansen")
    access_log.accesses(world, asker, user="MARK-Jansen")
    access_log.accesses(world, asker, reference="MARK-REFERENCE-7")
    access_log.patient_view(world, asker, "MARK-REFERENCE-7")
    list(access_log.export(world, asker, reference="MARK-REFERENCE-7"))
    access_log.refused(world, asker, "read", "MARK Jansen 111222333")
    with database.reading(world.engine) as connection:
        entries = connection.execute(sa.select(LOG_ENTRIES).where(LOG_ENTRIES.c.log == "access")).all()
        subjects = connection.execute(sa.select(ACCESS_SUBJECTS)).all()
    assert len(entries) == 12
    assert len(subjects) >= len(entries)
    # ids and pseudonyms are random digits in which a short mark may stand by chance
    kept = [
        (entry.log, entry.kind, *(text for text in entry.entry.decode().split('"') if not _random(text)))
        for entry in entries
    ]
    for row in [*kept, *((row.user_id,) for row in subjects)]:
        assert not [mark for mark in MARKS if mark in str(row)], row
    assert {len(row.patient) for row in subjects if row.patient is not None} == {32}


def _random(text: str) -> bool:
    return len(text) >= 32 and set(text) <= set("0123456789abcdef-")


def test_what_was_erased_can_still_be_told(world: World, asker: Asker, made: str) -> None:
    erasure.erase(world, [made], "patient_request", asker)
    with pytest.raises(Erased):
        service.decision(world, made, asker)
    view = access_log.patient_view(world, AUDITOR, REFERENCE)
    assert [access["event"] for access in view["accesses"]] == ["erase", "create"]
    assert [access["outcome"] for access in access_log.accesses(world, AUDITOR, decision=made)["accesses"]] == [
        "failed",
        "ok",
        "ok",
    ]
