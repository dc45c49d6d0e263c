"""People sign in: sessions that every process knows, guessing that gets slower, and accounts that end at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import argon2
import pytest
import sqlalchemy as sa

from routing import access_log, api_keys, attempts, passwords, service, sessions, users
from routing.errors import BadInput, NotFound, SignInRefused, StoreUnavailable, TooManyAttempts
from routing.service import World
from routing.store import database
from routing.store.people import SESSIONS, SIGN_IN_ATTEMPTS, USERS
from routing.store.tables import LOG_ENTRIES
from tests.people import ANOTHER, PASSWORD, VISITOR, account
from tests.service.conftest import AUDITOR, STEMI, Clock, Open

ADDRESS = "192.0.2.7"


def enter(
    world: World, name: str = "zcc-017", password: str = PASSWORD, address: str | None = ADDRESS
) -> sessions.Begun:
    return sessions.sign_in(world, name, password, VISITOR, address)


def fails(
    world: World, name: str = "zcc-017", password: str = "not the password", address: str | None = ADDRESS
) -> int:
    """0 if it was looked at and refused, else after how many seconds it may be tried again."""
    try:
        enter(world, name, password, address)
    except SignInRefused:
        return 0
    except TooManyAttempts as error:
        return error.seconds
    raise AssertionError("somebody was let in")


def noted(world: World, event: str) -> list[dict[str, Any]]:
    """These events in the log of accesses, the oldest first."""
    return list(reversed(access_log.accesses(world, AUDITOR, event=event, limit=200)["accesses"]))


def rows(world: World, table: sa.Table) -> list[Any]:
    with database.reading(world.engine) as connection:
        return list(connection.execute(sa.select(table)))


# -- sessions ---------------------------------------------------------------------------------------------------------


def test_a_session_is_known_to_every_process_and_ends_everywhere_at_once(world: World, open_world: Open) -> None:
    account(world, organisation="ZCC Midden")
    other = open_world()
    begun = enter(world)
    found = sessions.session_of(other, begun.text)
    assert found is not None
    asker = sessions.asker_of(found)
    assert (asker.user, asker.roles, asker.organisation) == ("zcc-017", {"triagist"}, "ZCC Midden")
    sessions.sign_out(other, asker)
    assert sessions.session_of(world, begun.text) is None


def test_only_the_hash_of_a_session_is_kept(world: World) -> None:
    account(world)
    begun = enter(world)
    assert len(begun.text) == 43
    kept = [str(value) for table in (SESSIONS, USERS, SIGN_IN_ATTEMPTS) for row in rows(world, table) for value in row]
    assert begun.session.id_sha256 in kept
    for secret in (begun.text, PASSWORD, sessions.csrf_of(begun.text), ADDRESS):
        assert not [value for value in kept if secret in value]
    assert sessions.session_of(world, begun.session.id_sha256) is None, "who reads the database can do nothing with it"


def test_every_sign_in_is_another_session(world: World) -> None:
    account(world)
    assert enter(world).text != enter(world).text


def test_a_session_idles_out_and_ends_at_the_latest_after_its_hours(world: World, clock: Clock) -> None:
    account(world)
    left, kept = enter(world), enter(world)
    for _ in range(17):
        clock.forward(minutes=28)
        assert (sessions.session_of(world, kept.text) is not None) == (clock.now < kept.session.ends_at)
    assert clock.now - kept.session.began_at < timedelta(hours=8)
    clock.forward(minutes=4)
    assert sessions.session_of(world, kept.text) is None, "also one that was used all the time"
    assert sessions.session_of(world, left.text) is None


def test_to_look_at_a_session_does_not_make_it_last(world: World, clock: Clock) -> None:
    account(world)
    begun = enter(world)
    for _ in range(3):
        clock.forward(minutes=9)
        assert sessions.session_of(world, begun.text, used=False) is not None
    clock.forward(minutes=3)
    assert sessions.session_of(world, begun.text) is None


def test_that_a_session_is_used_is_written_once_a_minute(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    account(world)
    begun = enter(world)
    written: list[object] = []
    real = sessions._note_seen
    monkeypatch.setattr(sessions, "_note_seen", lambda *given: (written.append(given), real(*given)))
    for _ in range(12):
        clock.forward(seconds=10)
        sessions.session_of(world, begun.text)
    assert len(written) == 2


def test_a_session_goes_on_where_it_cannot_be_noted(
    world: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    account(world)
    begun = enter(world)
    clock.forward(minutes=2)

    def lost(*_: object) -> None:
        raise StoreUnavailable("gone")

    monkeypatch.setattr(sessions.store, "note_seen", lost)
    assert sessions.session_of(world, begun.text) is not None


def test_sessions_and_tries_that_are_over_are_forgotten(world: World, clock: Clock) -> None:
    account(world)
    enter(world)
    fails(world)
    fails(world, "nobody", address="192.0.2.9")
    clock.forward(hours=25)
    enter(world)
    assert len(rows(world, SESSIONS)) == 1
    assert all(row.failures == 0 for row in rows(world, SIGN_IN_ATTEMPTS))


def test_what_is_decided_under_a_session_names_the_client_and_not_the_person(world: World) -> None:
    account(world)
    asker = sessions.asker_of(enter(world).session)
    made = service.decide(world, STEMI, asker)
    (event,) = noted(world, "create")
    assert event["user"] == {
        "key": asker.key_id,
        "organisation": None,
        "roles": ["triagist"],
        "user": "zcc-017",
        "responsible": None,
    }
    assert b"zcc-017" not in service.record_of(world, made["id"], AUDITOR, "read")
    (people,) = [each for each in api_keys.all_keys(world) if each["issuer"] == sessions.LOCAL]
    assert (people["id"], people["label"]) == (asker.key_id, sessions.LABEL)
    assert people["last_used_at"] is not None


def test_an_operator_can_shut_out_all_who_sign_in_with_a_password(world: World) -> None:
    account(world)
    begun = enter(world)
    api_keys.revoke_key(world, str(begun.session.key_id))
    assert sessions.session_of(world, begun.text) is None
    assert fails(world, password=PASSWORD) == 0


# -- accounts ---------------------------------------------------------------------------------------------------------


def test_who_is_disabled_is_out_at_once_and_stays_out(world: World, open_world: Open) -> None:
    account(world)
    other, begun = open_world(), enter(world)
    told = users.disable(other, "zcc-017")
    assert told["state"] == "disabled"
    assert sessions.session_of(world, begun.text) is None
    assert fails(world, password=PASSWORD) == 0
    assert users.enable(world, "zcc-017")["state"] == "active"
    assert sessions.session_of(world, begun.text) is None, "what was ended does not come back"
    enter(world)


def test_changed_roles_count_at_once_under_open_sessions(world: World, open_world: Open) -> None:
    account(world)
    begun = enter(world)
    users.set_rights(open_world(), "zcc-017", frozenset({"facility"}), frozenset({"umc-utrecht"}), "UMC")
    found = sessions.session_of(world, begun.text)
    assert found is not None
    assert (found.roles, found.facilities, found.organisation) == ({"facility"}, {"umc-utrecht"}, "UMC")
    users.set_rights(world, "zcc-017", frozenset({"auditor"}))
    found = sessions.session_of(world, begun.text)
    assert found is not None
    assert (found.roles, found.facilities, found.organisation) == ({"auditor"}, None, "UMC")


def test_a_code_sets_a_password_once_and_for_a_day(world: World, clock: Clock) -> None:
    told, code = users.add_user(world, "zcc-018", frozenset({"auditor"}))
    assert told["state"] == "waits_for_password"
    with pytest.raises(SignInRefused):
        enter(world, "zcc-018", code)
    sessions.set_password(world, "ZCC-018 ", code.lower(), PASSWORD, VISITOR, None)
    assert users.user(world, "zcc-018")["state"] == "active"
    with pytest.raises(SignInRefused):
        sessions.set_password(world, "zcc-018", code, ANOTHER, VISITOR, None)
    _, code = users.new_code_for(world, "zcc-018")
    clock.forward(hours=24)
    assert users.user(world, "zcc-018")["state"] == "code_expired"
    with pytest.raises(SignInRefused):
        sessions.set_password(world, "zcc-018", code, ANOTHER, VISITOR, None)


def test_another_password_ends_all_sessions_and_begins_one(world: World) -> None:
    account(world)
    before = [enter(world).text for _ in range(2)]
    begun = sessions.set_password(world, "zcc-017", PASSWORD, ANOTHER, VISITOR, None)
    assert [sessions.session_of(world, text) for text in before] == [None, None]
    assert sessions.session_of(world, begun.text) is not None
    assert fails(world, password=PASSWORD) == 0
    enter(world, password=ANOTHER)


def test_a_reset_takes_the_password_away_at_once(world: World) -> None:
    account(world)
    begun = enter(world)
    _, code = users.new_code_for(world, "zcc-017")
    assert sessions.session_of(world, begun.text) is None
    assert fails(world, password=PASSWORD) == 0
    sessions.set_password(world, "zcc-017", code, ANOTHER, VISITOR, None)


def test_a_password_that_was_kept_at_another_cost_is_kept_anew_when_its_owner_comes(world: World) -> None:
    account(world)
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(PASSWORD)
    with database.writing(world.engine) as connection:
        connection.execute(USERS.update().values(password=weak))
    assert fails(world) == 0
    assert rows(world, USERS)[0].password == weak, "only who knows it lets it be kept anew"
    enter(world)
    (kept,) = rows(world, USERS)
    assert not passwords.is_dated(kept.password)
    enter(world)


@pytest.mark.parametrize(
    "name", ["", "ab", "Jan", "jan jansen", "jan@x.nl", "-ab", "x" * 65, "111222333", "1112.223-33", "s." + "0" * 32]
)
def test_a_name_that_may_be_somebody_or_a_bsn_is_refused_and_not_repeated(name: str, world: World) -> None:
    with pytest.raises(BadInput) as raised:
        users.add_user(world, name, frozenset({"triagist"}))
    (fault,) = raised.value.faults
    assert (fault.field, fault.value) == ("user", None)
    with pytest.raises(NotFound):
        users.user(world, name)


def test_an_account_needs_what_a_key_needs(world: World) -> None:
    users.add_user(world, "zcc-019", frozenset({"triagist"}))
    for roles, facilities, organisation, field in (
        (frozenset[str](), None, None, "role"),
        (frozenset({"king"}), None, None, "role"),
        (frozenset({"facility"}), None, None, "facility"),
        (frozenset({"facility"}), frozenset({"nowhere"}), None, "facility"),
        (frozenset({"triagist"}), frozenset({"umc-utrecht"}), None, "facility"),
        (frozenset({"triagist"}), None, "two\nlines", "organisation"),
    ):
        for change in (users.add_user, users.set_rights):
            with pytest.raises(BadInput) as raised:
                change(world, "zcc-019", roles, facilities, organisation)
            assert raised.value.faults[0].field == field
    with pytest.raises(BadInput, match="there already"):
        users.add_user(world, "zcc-019", frozenset({"triagist"}))
    assert [each["user"] for each in users.all_users(world)] == ["zcc-019"]


# -- guessing ---------------------------------------------------------------------------------------------------------


def test_tries_that_fail_must_wait_longer_each_time_and_never_for_ever(world: World, clock: Clock) -> None:
    account(world)
    assert [fails(world) for _ in range(5)] == [0] * 5
    waits = []
    for _ in range(12):
        waits.append(wait := fails(world))
        assert fails(world, password=PASSWORD) == wait, "it is not even looked at"
        clock.forward(seconds=wait)
        assert fails(world) == 0
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    clock.forward(seconds=300)
    enter(world)
    assert [fails(world) for _ in range(5)] == [0] * 5, "who got in begins anew"


def test_what_failed_is_forgotten_after_a_day(world: World, clock: Clock) -> None:
    account(world)
    for _ in range(5):
        fails(world)
    clock.forward(hours=24)
    assert [fails(world) for _ in range(5)] == [0] * 5


def test_other_names_are_not_slowed_down(world: World) -> None:
    account(world)
    account(world, "zcc-018")
    while fails(world) == 0:
        pass
    enter(world, "zcc-018")


def test_who_guesses_at_many_names_from_one_address_must_wait_and_others_need_not(world: World, clock: Clock) -> None:
    account(world)
    assert [fails(world, f"zcc-{number:03}") for number in range(100, 150)] == [0] * 50
    assert fails(world, "zcc-200") == 1
    assert fails(world, password=PASSWORD) == 1
    enter(world, address="192.0.2.8")
    enter(world, address=None)
    clock.forward(seconds=1)
    enter(world)
    assert fails(world, "zcc-201") == 1, "to sign in takes away nothing of what others did from there"


def test_an_address_of_ipv6_is_counted_by_its_network() -> None:
    assert attempts._network("2001:db8:1:2::1") == attempts._network("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert attempts._network("2001:db8:1:3::1") != attempts._network("2001:db8:1:2::1")
    assert attempts._network("::ffff:192.0.2.7") == attempts._network("192.0.2.7") == ADDRESS
    assert attempts._network("<script>") == "unknown"


def test_it_is_counted_for_all_processes_together_and_before_it_is_looked_at(world: World, open_world: Open) -> None:
    """Twelve at once, from two processes: five are looked at, as if they had come one by one."""
    account(world)
    worlds = [world, open_world()]
    for each in worlds:
        object.__setattr__(each, "signing_in", threading.Semaphore(12))
    waits: list[int] = []
    threads = [
        threading.Thread(target=lambda here=worlds[number % 2]: waits.append(fails(here))) for number in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(waits) == [0] * 5 + [1] * 7


def test_a_reset_and_enabling_let_somebody_in_without_waiting(world: World) -> None:
    account(world)
    while fails(world) == 0:
        pass
    users.enable(world, "zcc-017")
    enter(world)
    while fails(world) == 0:
        pass
    _, code = users.new_code_for(world, "zcc-017")
    sessions.set_password(world, "zcc-017", code, ANOTHER, VISITOR, None)


def test_a_code_cannot_be_guessed_any_faster(world: World) -> None:
    users.add_user(world, "zcc-018", frozenset({"triagist"}))
    for _ in range(5):
        with pytest.raises(SignInRefused):
            sessions.set_password(world, "zcc-018", "0" * 20, PASSWORD, VISITOR, None)
    with pytest.raises(TooManyAttempts):
        sessions.set_password(world, "zcc-018", "0" * 20, PASSWORD, VISITOR, None)


def test_a_password_that_is_none_is_said_before_anything_is_counted(world: World) -> None:
    account(world)
    for _ in range(9):
        with pytest.raises(BadInput):
            sessions.set_password(world, "zcc-017", PASSWORD, "too short", VISITOR, None)
    enter(world)


@pytest.mark.parametrize("name", ["a\0b", "", "jan jansen", "\U0001f691", "x" * 200, "' OR 1=1 --"])
def test_what_cannot_be_a_name_is_refused_like_one_that_nobody_has(name: str, world: World) -> None:
    assert [fails(world, name) for _ in range(6)] == [0] * 5 + [1]


Unknown = Callable[[World], None]


def never_there(_world: World) -> None:
    """Nobody has this name."""


def there(world: World) -> None:
    account(world)


def without_password(world: World) -> None:
    users.add_user(world, "zcc-017", frozenset({"triagist"}))


def disabled(world: World) -> None:
    account(world)
    users.disable(world, "zcc-017")


@pytest.mark.parametrize("make", [never_there, there, without_password, disabled])
def test_nobody_learns_which_names_there_are(make: Unknown, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same words, one password looked at, the same writes: also where there is none."""
    make(world)
    looked: list[str] = []
    wrote: list[str] = []
    verify = argon2.PasswordHasher.verify
    monkeypatch.setattr(
        argon2.PasswordHasher, "verify", lambda self, kept, given: (looked.append(kept), verify(self, kept, given))[1]
    )
    sa.event.listen(world.engine, "before_cursor_execute", lambda _c, _u, text, *_: wrote.append(text.split()[0]))
    before = len(looked)
    with pytest.raises(SignInRefused, match="is not right, or this account may not"):
        enter(world, password="not the password")
    assert len(looked) - before == 1
    assert argon2.extract_parameters(looked[-1]) == argon2.extract_parameters(passwords.NOBODY)
    assert wrote.count("UPDATE") == 2, "two counters"
    assert len(noted(world, "sign_in")) == (1 if make is never_there or make is without_password else 2)


# -- what is noted ----------------------------------------------------------------------------------------------------


def test_signing_in_and_out_and_what_was_refused_is_noted(world: World) -> None:
    account(world, organisation="ZCC")
    begun = enter(world)
    sessions.sign_out(world, sessions.asker_of(begun.session))
    fails(world)
    fails(world, "jan jansen 111222333")
    (_, came, wrong, unknown), (_, left) = noted(world, "sign_in"), noted(world, "sign_out")
    who = {"key": str(begun.session.key_id), "organisation": "ZCC", "roles": ["triagist"]}
    assert came["user"] == {**who, "user": "zcc-017", "responsible": None}
    assert (came["outcome"], came["action"], came["purpose"]) == ("ok", "E", "care")
    assert came["source"] == {"system": "api", "call": "POST /v1/session", "request_id": "r-1"}
    assert (left["outcome"], left["user"]["user"]) == ("ok", "zcc-017")
    assert (wrong["outcome"], wrong["user"]["user"]) == ("refused", "zcc-017")
    assert (unknown["outcome"], unknown["user"]["user"], unknown["user"]["roles"]) == ("refused", None, [])
    with database.reading(world.engine) as connection:
        entries = b" ".join(connection.scalars(sa.select(LOG_ENTRIES.c.entry)))
    assert b"jansen" not in entries
    assert b"111222333" not in entries


def test_nobody_is_let_in_who_is_not_noted(world: World) -> None:
    account(world)
    with database.writing(world.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE access_subjects RENAME TO elsewhere")
    with pytest.raises(StoreUnavailable):
        enter(world)
    assert [row for row in rows(world, SESSIONS) if row.ended_at is None] == []
