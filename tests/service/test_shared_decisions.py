"""Where organisations are kept apart, nobody sees, continues or changes what another one decided, or learns of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from routing import access_log, outcomes, service, shared_decisions
from routing.case_file import decision_file, timeline
from routing.erasure import erase
from routing.errors import BadInput, NotAllowed, NotFound
from routing.fhir_face import guidance
from routing.inspection import inspected, rules_judged
from routing.rights import Asker, organisations_seen
from routing.service import World, close_world, open_world
from routing.settings import Settings, read_settings
from routing.store import database, decision_search
from routing.store.migrations.versions import step_0015_organisations
from routing.store.tables import DECISIONS
from routing.webhooks.shown import pre_alerts_of
from tests.desk.decided import ADVISED, CASE, asker_of, decided
from tests.service.conftest import AUDITOR, SORE_THROAT, Clock
from tests.service.test_log import _upgrade_to

MIDDEN, RAV, ZUID = "ZCC Midden", "RAV Utrecht", "HAP Zuid"
SHARED = (frozenset({MIDDEN, RAV}), frozenset({RAV, "ZCC Noord"}))
NOT_THERE = "01a20243-0ea7-74bb-b786-680850fd5d6a"
OPERATOR = Asker("", "operator", frozenset({"operator"}))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    url = f"sqlite:///{tmp_path_factory.mktemp('apart')}/wegwijs.sqlite3"
    opened = open_world(Settings(database_url=url, decisions_shared=SHARED))
    service.upgrade(opened)
    yield opened
    close_world(opened)


@pytest.fixture(scope="module")
def midden(world: World) -> Asker:
    return asker_of(world, MIDDEN)


@pytest.fixture(scope="module")
def rav(world: World) -> Asker:
    return asker_of(world, RAV)


@pytest.fixture(scope="module")
def zuid(world: World) -> Asker:
    return asker_of(world, ZUID)


@pytest.fixture(scope="module")
def about(world: World, midden: Asker) -> str:
    return decided(world, midden)


READS: dict[str, Callable[[World, str, Asker], Any]] = {
    "decision": service.decision,
    "record": lambda world, about, asker: service.record_of(world, about, asker, "read"),
    "replay": service.replay,
    "file": decision_file,
    "timeline": timeline,
    "outcomes": outcomes.outcomes_of,
    "pre-alerts": pre_alerts_of,
    "fhir": guidance,
    "inspection": inspected,
    "rules": lambda world, about, asker: rules_judged(world, about, asker, "stemi", 5),
}


@pytest.mark.parametrize("read", READS)
def test_what_another_organisation_decided_is_as_if_it_were_not_there(
    read: str, world: World, about: str, midden: Asker, rav: Asker, zuid: Asker
) -> None:
    for who in (midden, rav, AUDITOR):
        READS[read](world, about, who)
    with pytest.raises(NotFound) as refused:
        READS[read](world, about, zuid)
    with pytest.raises(NotFound) as missing:
        READS[read](world, NOT_THERE, zuid)
    assert str(refused.value).replace(about, NOT_THERE) == str(missing.value)


def test_who_tries_is_noted(world: World, midden: Asker, zuid: Asker) -> None:
    about = decided(world, midden)
    with pytest.raises(NotFound):
        service.decision(world, about, zuid)
    newest = access_log.accesses(world, AUDITOR, decision=about)["accesses"][0]
    assert (newest["user"]["organisation"], newest["event"], newest["outcome"]) == (ZUID, "read", "failed")


def test_what_another_organisation_decided_is_not_continued(world: World, about: str, rav: Asker, zuid: Asker) -> None:
    body = {**CASE, "supersedes": about}
    for ask in (service.decide, service.preview):
        with pytest.raises(BadInput) as refused:
            ask(world, body, zuid)
        assert [(each.field, each.code) for each in refused.value.faults] == [("supersedes", "unknown_decision")]
        assert ask(world, body, rav)["supersedes"] == about


def test_who_tries_to_continue_it_is_noted(world: World, midden: Asker, zuid: Asker) -> None:
    about = decided(world, midden)
    with pytest.raises(BadInput):
        service.decide(world, {**CASE, "supersedes": about}, zuid)
    newest = access_log.accesses(world, AUDITOR, decision=about)["accesses"][0]
    assert (newest["user"]["organisation"], newest["outcome"]) == (ZUID, "refused")
    assert newest["subjects"][0]["patient"] is not None


def test_a_refused_look_at_a_timeline_is_in_what_the_patient_may_know(world: World, midden: Asker, zuid: Asker) -> None:
    reference = "ZCC-2026-timeline"
    about = decided(world, midden, reference=reference)
    with pytest.raises(NotFound):
        timeline(world, about, zuid)
    newest = access_log.patient_view(world, AUDITOR, reference)["accesses"][0]
    assert (newest["organisation"], newest["outcome"]) == (ZUID, "failed")


def test_a_key_to_ask_again_is_another_one_for_another_organisation(world: World, midden: Asker) -> None:
    """Tokens of one client may be for several organisations."""
    client = replace(midden, organisation="HAP Noord")
    said = {"outcome": "overridden", "by": "nurse", "reason": "context", "comment": "secret", "destination": None}
    first = service.decide(world, CASE, midden, "again-1")
    outcomes.record_outcome(world, first["id"], said, midden, "again-2")
    assert outcomes.record_outcome(world, first["id"], said, midden, "again-2")["comment"] == "secret"
    with pytest.raises(NotFound):
        outcomes.record_outcome(world, first["id"], said, client, "again-2")
    second = service.decide(world, CASE, client, "again-1")
    assert second["id"] != first["id"]
    assert service.decide(world, CASE, midden, "again-1")["id"] == first["id"]


def test_that_another_organisation_decided_anew_is_said_and_nothing_else_of_it(
    world: World, midden: Asker, rav: Asker
) -> None:
    noord = asker_of(world, "ZCC Noord")
    first = decided(world, rav)
    second = decided(world, noord, supersedes=first)
    third = decided(world, midden, supersedes=first)
    seen = decision_file(world, first, midden)
    assert ([each["id"] for each in seen["superseded_by"]], seen["superseded_elsewhere"]) == ([third], True)
    seen = decision_file(world, first, rav)
    assert ([each["id"] for each in seen["superseded_by"]], seen["superseded_elsewhere"]) == ([third, second], False)
    on = decided(world, rav, supersedes=second)
    (step,) = (each for each in timeline(world, on, midden) if each["id"] == on)
    assert step["supersedes"] is None
    assert second not in str(timeline(world, on, midden))


def test_nothing_of_others_is_opened_before_it_is_refused(
    world: World, about: str, zuid: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How long it takes, or that it is damaged, would tell that it is there."""

    def opened(*_: Any) -> bytes:
        raise AssertionError("a record of others was opened")

    monkeypatch.setattr(outcomes, "record_of", opened)
    monkeypatch.setattr(shared_decisions, "record_of", opened)
    for read in READS.values():
        with pytest.raises(NotFound):
            read(world, about, zuid)
    with pytest.raises(NotFound):
        outcomes.record_outcome(world, about, {"outcome": "accepted", "by": "nurse"}, zuid)


def test_what_another_organisation_decided_is_not_changed(world: World, midden: Asker, zuid: Asker) -> None:
    about = decided(world, midden)
    body = {"outcome": "accepted", "by": "nurse"}
    with pytest.raises(NotFound):
        outcomes.record_outcome(world, about, body, zuid)
    assert outcomes.outcomes_of(world, about, AUDITOR)["outcomes"] == []
    outcomes.record_outcome(world, about, body, midden)
    assert len(outcomes.outcomes_of(world, about, AUDITOR)["outcomes"]) == 1


def test_a_hospital_that_triages_too_answers_for_who_is_sent_to_it_and_does_no_more(
    world: World, midden: Asker
) -> None:
    about = decided(world, midden)
    roles, places = frozenset({"triagist", "facility"}), frozenset({ADVISED})
    text = service.create_key(world, "hospital", roles, places, organisation="UMC")
    hospital = service.authenticate(world, text)
    assert hospital is not None
    with pytest.raises(NotAllowed):
        outcomes.record_outcome(world, about, {"outcome": "accepted", "by": "nurse"}, hospital)
    arrival = {"event": "arrived", "at": world.clock().isoformat()}
    outcomes.record_outcome(world, about, {**arrival, "facility": ADVISED}, hospital)
    (arrived,) = outcomes.outcomes_of(world, about, midden)["outcomes"]
    assert (arrived["event"], arrived["told_by"]) == ("arrived", "place")
    elsewhere = service.authenticate(
        world, service.create_key(world, "elsewhere", roles, frozenset({"umcg"}), organisation="UMCG")
    )
    assert elsewhere is not None
    with pytest.raises(NotFound):
        outcomes.record_outcome(world, about, {**arrival, "facility": "umcg"}, elsewhere)


def test_that_a_decision_of_others_was_erased_is_not_told_either(world: World, midden: Asker, zuid: Asker) -> None:
    about = decided(world, midden)
    erase(world, [about], "test_data", OPERATOR)
    for read in (service.decision, decision_file, outcomes.outcomes_of, pre_alerts_of, timeline):
        with pytest.raises(NotFound):
            read(world, about, zuid)
    with pytest.raises(NotFound):
        outcomes.record_outcome(world, about, {"outcome": "accepted", "by": "nurse"}, zuid)


def test_who_shares_with_two_sees_both_and_these_do_not_see_each_other(world: World, midden: Asker, rav: Asker) -> None:
    noord = asker_of(world, "ZCC Noord")
    first = decided(world, noord)
    second = decided(world, rav, supersedes=first)
    assert [step["id"] for step in timeline(world, second, rav)] == [first, second]
    assert [step["id"] for step in timeline(world, second, midden)] == [second]
    with pytest.raises(NotFound):
        timeline(world, first, midden)


def test_a_search_shows_each_decision_that_one_may_see_once_and_no_other(
    world: World, midden: Asker, zuid: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decision_search, "READ_AT_ONCE", 7)
    own: list[str] = []
    for number in range(30):
        who = zuid if number % 10 == 4 else midden
        found = decided(world, who, SORE_THROAT if number % 3 else None)
        own += [found] if who is zuid else []

    def all_of(asker: Asker, **asked: Any) -> list[str]:
        found, cursor = [], None
        while True:
            page = service.search(world, asker, cursor=cursor, limit=2, **asked)
            found += [each["id"] for each in page["decisions"]]
            cursor = page["next"]
            if cursor is None:
                return found
            if asker is zuid:  # how far was looked is a decision that one may see
                assert str(decision_search.position(cursor)[1]) in own

    assert all_of(zuid) == own[::-1]
    assert all_of(zuid, channel="ambulance") + all_of(zuid, urgency="U5", outcome="none") == [
        each for each in all_of(zuid) if each in {*all_of(AUDITOR, channel="ambulance")}
    ] + [each for each in all_of(zuid) if each in {*all_of(AUDITOR, urgency="U5")}]
    assert not {*own} & {*all_of(midden)}
    everything = all_of(AUDITOR)
    assert {*own} < {*everything}
    rav, noord = asker_of(world, RAV), asker_of(world, "ZCC Noord")
    decided(world, noord)
    theirs = all_of(rav)  # of three organisations, each with a list of its own
    assert len(theirs) > len(all_of(noord)) > 0
    assert theirs == [each for each in all_of(AUDITOR) if each in {*theirs}]
    assert {*theirs} == {*all_of(midden)} | {*all_of(noord)}
    assert all_of(rav, urgency="U1") == [each for each in all_of(AUDITOR, urgency="U1") if each in {*theirs}]


def test_without_the_setting_all_who_may_read_decisions_share_them(tmp_path: Any) -> None:
    opened = open_world(Settings(database_url=f"sqlite:///{tmp_path}/wegwijs.sqlite3"))
    service.upgrade(opened)
    about, other = decided(opened, asker_of(opened, MIDDEN)), asker_of(opened, ZUID)
    for read in READS.values():
        read(opened, about, other)
    assert [each["id"] for each in service.search(opened, other)["decisions"]] == [about]
    close_world(opened)


def test_decisions_of_before_belong_to_who_asked_for_them(database_url: str, clock: Clock, tmp_path: Any) -> None:
    """The column is filled from the log; what the log does not say is for auditors alone."""
    settings = Settings(database_url=database_url, keys=tmp_path / "keys", decisions_shared=())
    before = open_world(settings, clock)
    service.upgrade(before)
    askers = [asker_of(before, each) for each in (MIDDEN, None)]
    ids = [decided(before, asker) for asker in askers]
    unknown = decided(before, askers[0])
    with database.writing(before.engine) as connection:
        connection.exec_driver_sql("DROP INDEX ix_decisions_organisation_decided_at_id")
        connection.exec_driver_sql("ALTER TABLE decisions DROP COLUMN organisation")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0014'")
        old = b'{"kind":"decision","asker":{"key":"k","roles":["triagist"]}}'
        values = {"entry": old, "id": UUID(unknown) if connection.dialect.name == "postgresql" else UUID(unknown).hex}
        connection.execute(sa.text("UPDATE log_entries SET entry = :entry WHERE id = :id"), values)
    _upgrade_to(before, "0015")
    with database.reading(before.engine) as connection:
        query = sa.select(DECISIONS.c.id, DECISIONS.c.organisation)
        found = {str(row.id): row.organisation for row in connection.execute(query)}
    assert found == {ids[0]: MIDDEN, ids[1]: "", unknown: None}
    for asker, own, others in ((askers[0], ids[0], ids[1]), (askers[1], ids[1], ids[0])):
        assert [each["id"] for each in service.search(before, asker)["decisions"]] == [own]
        for about in (others, unknown):
            with pytest.raises(NotFound):
                service.decision(before, about, asker)
    close_world(before)


@pytest.mark.parametrize(
    "entry",
    [
        "no JSON", "[" * 200_000, "[]", '{"asker": null}', '{"asker": {"organisation": 5}}',
        '{"asker": {"organisation": {"a": 1}}}', r'{"asker": {"organisation": "\ud800"}}',
        r'{"asker": {"organisation": "a\u0000b"}}',
    ],
)  # fmt: skip
def test_of_a_damaged_entry_no_organisation_is_known(entry: str) -> None:
    assert step_0015_organisations._asked_for(entry.encode()) is None


NAMES = st.sampled_from([MIDDEN, RAV, ZUID, "A", "B"])
GROUPS = st.lists(st.frozensets(NAMES, min_size=1), max_size=4)
ROLES_OF_A_DESK = st.frozensets(st.sampled_from(["triagist", "ambulance", "facility"]), min_size=1)


@given(NAMES, NAMES, GROUPS, ROLES_OF_A_DESK)
def test_seeing_each_other_is_mutual_and_everybody_sees_the_own(
    one: str, other: str, shared: list[frozenset[str]], roles: frozenset[str]
) -> None:
    def seen(name: str) -> frozenset[str]:
        found = organisations_seen(Asker("k", "k", roles, organisation=name), shared)
        assert found is not None
        return found

    assert one in seen(one)
    assert (one in seen(other)) == (other in seen(one))
    assert (other in seen(one)) == (one == other or any({one, other} <= group for group in shared))


@given(GROUPS)
def test_who_names_no_organisation_sees_those_of_nobody_else(shared: list[frozenset[str]]) -> None:
    assert organisations_seen(Asker("k", "k", frozenset({"triagist"})), shared) == {""}
    assert organisations_seen(Asker("k", "k", frozenset({"triagist", "auditor"})), shared) is None
    assert organisations_seen(Asker("k", "k", frozenset({"triagist"})), None) is None


def test_the_groups_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEGWIJS_DECISIONS_SHARED", '[["ZCC Midden", " RAV Utrecht"], ["HAP Zuid"]]')
    assert read_settings().decisions_shared == (frozenset({MIDDEN, RAV}), frozenset({ZUID}))
    monkeypatch.setenv("WEGWIJS_DECISIONS_SHARED", "[]")
    assert read_settings().decisions_shared == ()
    monkeypatch.delenv("WEGWIJS_DECISIONS_SHARED")
    assert read_settings().decisions_shared is None


NO_GROUPS = (
    "ZCC Midden", "[", '["A", "B"]', '[["A", 1]]', "[[]]", '[[" "]]', "{}", "null", "1", "[" * 5000,
    r'[["\ud800"]]', r'[["A\nB"]]',
)  # fmt: skip


@pytest.mark.parametrize("given", NO_GROUPS)
def test_groups_that_are_none_are_refused_with_what_is_allowed(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEGWIJS_DECISIONS_SHARED", given)
    with pytest.raises(BadInput) as refused:
        read_settings()
    (fault,) = refused.value.faults
    assert (fault.field, fault.code) == ("WEGWIJS_DECISIONS_SHARED", "bad_setting")
    assert '[["ZCC Midden", "RAV Utrecht"], ["HAP Zuid"]]' in fault.message
