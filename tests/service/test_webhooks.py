"""Places are told of patients that come: at least once, in order, signed, in time, and no more than may be."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from routing import dialling, erasure, outcomes, service
from routing.access_log import accesses
from routing.errors import BadInput, Erased, NotFound, StoreUnavailable
from routing.rights import Asker
from routing.store import database
from routing.store.tables import DECISIONS
from routing.store.webhook_tables import WEBHOOK_DELIVERIES
from routing.webhooks import sending
from routing.webhooks.health import subscriptions_status
from routing.webhooks.sending import Sender, pause_after, send_due
from routing.webhooks.shown import pre_alerts_of, send_again
from routing.world import World
from tests.patience import await_true
from tests.receiver import (
    OTHER_SECRET,
    SECRET,
    TIMEOUT_SECONDS,
    Receiver,
    Request,
    checked,
    drip,
    flood,
    hang,
    in_turn,
    receiving,
    status,
    subscription,
    write_subscriptions,
)
from tests.service.conftest import AUDITOR, SORE_THROAT, STEMI, Clock, Open

PLACE = "umc-utrecht"
OTHER = "meander-amersfoort"
ACCEPTED = {"outcome": "accepted", "by": "triagist"}
DIVERTED = {"outcome": "overridden", "by": "doctor", "reason": "clinician_order", "destination": OTHER}

Told = Callable[..., World]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOARD_SECRET", SECRET)
    monkeypatch.setenv("NEXT_SECRET", OTHER_SECRET)


@pytest.fixture
def told(world: World, open_world: Open, tmp_path: Path, receiver: Receiver) -> Told:
    """`told(**changes)`: a world in which the receiver is subscribed."""

    def make(*others: dict[str, Any], **changes: Any) -> World:
        path = write_subscriptions(tmp_path / "webhooks.yaml", [subscription(receiver, **changes), *others])
        return open_world(webhooks=path)

    return make


def sender_of(world: World) -> tuple[Sender, list[tuple[str, str]]]:
    counted: list[tuple[str, str]] = []
    return Sender(world, lambda *each: counted.append(each), lambda: 1.0), counted


def settled(sender: Sender, rounds: int = 1) -> None:
    """Send what is due, and write down what came back; so many rounds."""
    for _ in range(rounds):
        send_due(sender)
        all_back(sender)
        send_due(sender)
        all_back(sender)  # what this round handed out in the order of a decision


def all_back(sender: Sender) -> None:
    """Wait until all receivers answered that were sent to, or are given up."""
    await_true(lambda: sender.on_their_way <= sender.results.qsize(), "receivers to answer")


def all_sent(sender: Sender) -> None:
    """Send until nothing is due any more. What is recorded at one moment is told a moment apart."""
    clock = sender.world.clock
    assert isinstance(clock, Clock)
    for _ in range(50):
        clock.forward(milliseconds=1)
        settled(sender)
        if not sender.on_their_way and send_due(sender) == 0:
            return
    raise AssertionError("it never ends")


def rows(world: World) -> list[Any]:
    with database.reading(world.engine) as connection:
        return list(connection.execute(sa.select(WEBHOOK_DELIVERIES).order_by(WEBHOOK_DELIVERIES.c.number)))


def decide(world: World, asker: Asker, **changes: Any) -> str:
    found: str = service.decide(world, {**STEMI, **changes}, asker)["id"]
    return found


# -- what is told -----------------------------------------------------------------------------------------------------


def test_the_place_is_told_at_once_signed_and_in_the_form_of_cloudevents(
    told: Told, asker: Asker, receiver: Receiver, clock: Clock
) -> None:
    world = told()
    made = decide(world, asker)
    sender, counted = sender_of(world)
    all_sent(sender)
    (request,) = receiver.requests
    assert checked(request.headers, request.body, SECRET)
    assert not checked(request.headers, request.body, OTHER_SECRET)
    assert not checked(request.headers, request.body + b" ", SECRET)
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert request.headers["webhook-timestamp"] == str(int(clock.now.timestamp()))
    decision = service.decision(world, made, AUDITOR)
    event = request.event
    assert event["id"] == request.headers["webhook-id"]
    head = {key: event[key] for key in ("specversion", "source", "type", "subject", "time")}
    assert head == {
        "specversion": "1.0",
        "source": "https://wegwijs.example.nl",
        "type": "nl.wegwijs.pre-alert.recommended",
        "subject": made,
        "time": decision["decided_at"],
    }
    assert event["expirytime"] == (datetime.fromisoformat(event["time"]) + timedelta(hours=2)).isoformat()
    data = event["data"]
    assert data["place"] == {"id": PLACE, "name": "UMC Utrecht", "city": "Utrecht"}
    assert (data["urgency"], data["urgency_advised"], data["coming"]) == ("U1", "U1", True)
    assert [each["code"] for each in data["conditions"]] == [each["code"] for each in decision["conditions"]]
    stemi = next(each for each in data["conditions"] if each["code"] == "stemi")
    assert stemi["pre_alert"] == {"system": "NEMSIS 3.5 eDisposition.24", "code": "4224013"}
    travel = decision["recommendation"]["travel"]
    assert data["expected"] == {
        **{key: travel[key] for key in ("minutes", "low", "high")},
        "at": decision["recommendation"]["arrival_at"],
        "as_of": decision["decided_at"],
    }
    assert {need["capability"] for need in data["needs"]} == {need["capability"] for need in decision["needs"]}
    reasons = [reason for part in (decision["urgency"], *decision["conditions"]) for reason in part["reasons"]]
    assert data["review"] == ("pending" if any(each["review"] == "pending" for each in reasons) else "accepted")
    assert data["links"]["outcome"] == f"https://wegwijs.example.nl/v1/decisions/{made}/outcome"
    assert counted == [("board", "taken")]
    assert [row.state for row in rows(world)] == ["taken"]


def test_with_two_secrets_everything_is_signed_twice(told: Told, asker: Asker, receiver: Receiver) -> None:
    world = told(secrets=[{"variable": "BOARD_SECRET"}, {"variable": "NEXT_SECRET"}])
    decide(world, asker)
    all_sent(sender_of(world)[0])
    (request,) = receiver.requests
    assert len(request.headers["webhook-signature"].split(" ")) == 2
    assert checked(request.headers, request.body, SECRET)
    assert checked(request.headers, request.body, OTHER_SECRET)


MARKED = {
    **STEMI,
    "reference": "MARK-REFERENCE-1",
    "note": "MARK-NOTE-1",
    "patient": {"age_years": 67, "sex": "male"},
    "location": {"lat": 52.0917, "lon": 5.1234, "postcode": "3511AB"},
    "known_at": ["radboudumc"],
    "region": "midden-nederland",
    "observations": {**STEMI["observations"], "temperature": 36.7, "heart_rate": 117},
}
NEVER = (
    "MARK-REFERENCE-1",
    "MARK-NOTE-1",
    "52.0917",
    "5.1234",
    "3511",
    "radboudumc",
    "midden-nederland",
    "MARK-COMMENT",
)
CLINICAL = ("age", "67", "male", "chest_pain", "36.7", "117", "heart_rate", "ecg_st_elevation", "sex", "complaint")


def test_the_least_is_told_unless_the_subscription_says_more(
    told: Told, asker: Asker, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Marked values through every input: none of them is in a minimal event, in the database or in the log; who the
    patient is and where is in no event at all."""
    second = subscription(receiver, "clinical", data="clinical", url=receiver.url + "?clinical")
    world = told(second)
    with caplog.at_level("DEBUG"):
        made = decide(world, asker, **MARKED)
        outcomes.record_outcome(world, made, {**DIVERTED, "comment": "MARK-COMMENT"}, asker)
        receiver.behave = in_turn(status(500), status(204))
        sender, _ = sender_of(world)
        all_sent(sender)
        clock = world.clock
        assert isinstance(clock, Clock)
        clock.forward(seconds=10)
        all_sent(sender)
    minimal = [request.event for request in receiver.requests if "clinical" not in request.path]
    clinical = [request.event for request in receiver.requests if "clinical" in request.path]
    assert {event["data"]["event"] for event in minimal} == {"recommended", "cancelled", "diverted"}
    for event in (*minimal, *clinical):
        assert [value for value in NEVER if value in json.dumps(event)] == []
    for event in minimal:
        assert event["data"]["clinical"] is None
        # what tells of other words: the minutes of the way, when it was decided, ids
        said = {key: event["data"][key] for key in ("event", "place", "urgency", "needs", "review", "because")}
        assert [value for value in CLINICAL if value in json.dumps(said)] == []
        assert [each["code"] for each in event["data"]["conditions"]] != []
    for event in clinical:
        told_more = event["data"]["clinical"]
        assert (told_more["age_years"], told_more["sex"], told_more["complaint"]) == (67, "male", "chest_pain")
        assert told_more["findings"]["heart_rate"] == 117
        assert told_more["findings"]["temperature"] == 36.7
    kept = json.dumps([dict(row._mapping) for row in rows(world)], default=str)
    for value in (*NEVER, "stemi", "chest_pain", "ecg_st"):
        assert value not in kept
        assert value not in caplog.text
    for name in ("BOARD_SECRET", SECRET, receiver.url):
        assert name not in caplog.text


@pytest.mark.parametrize(("years", "code"), [(40, "4224003"), (12, None)])
def test_the_alert_of_trauma_tells_the_age_and_is_only_told_with_it(
    years: int, code: str | None, told: Told, asker: Asker, receiver: Receiver
) -> None:
    world = told(subscription(receiver, "clinical", data="clinical", url=receiver.url + "?clinical"))
    found = {"trauma": True, "penetrating_injury": "torso", "systolic_bp": 80, "gcs": 8, "ejected": True}
    decide(world, asker, patient={"age_years": years}, complaint=None, observations=found)
    all_sent(sender_of(world)[0])
    alerts = {
        "clinical" in request.path: next(
            each["pre_alert"] for each in request.event["data"]["conditions"] if each["code"] == "multitrauma"
        )
        for request in receiver.requests
    }
    assert alerts[False] is None
    assert (alerts[True] or {}).get("code") == code


def test_only_who_wants_to_know_of_this_place_event_and_urgency_is_told(
    told: Told, asker: Asker, receiver: Receiver
) -> None:
    def also(name: str, **changes: Any) -> dict[str, Any]:
        return subscription(receiver, name, **changes)

    world = told(
        also("elsewhere", places=["erasmus-mc"]),
        also("here", places=[PLACE]),
        also("region", places=None, regions=["Utrecht"]),
        also("other-region", places=None, regions=["Groningen"]),
        also("gravest", urgency_at_least="U0"),
        also("urgent", urgency_at_least="U1"),
        also("decided", events=["accepted", "cancelled"]),
    )
    decide(world, asker)
    assert {row.subscription for row in rows(world)} == {"board", "here", "region", "urgent"}
    made = service.decide(world, SORE_THROAT, asker)
    told_of_it = {row.subscription for row in rows(world) if str(row.decision_id) == made["id"]}
    assert told_of_it <= {"board", "other-region"}, "too little urgent for the others, or elsewhere"


def test_where_nobody_is_subscribed_there_is_no_row_and_nothing_is_looked_up(
    world: World, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("routing.webhooks.outbox.deliveries", None)
    made = decide(world, asker)
    decide(world, asker, supersedes=made)
    outcomes.record_outcome(world, made, ACCEPTED, asker)
    assert rows(world) == []
    assert sending.begin_sending(world, lambda *_: None)() is None


# -- what becomes of it -----------------------------------------------------------------------------------------------


def test_each_place_is_told_what_becomes_of_the_patient_in_order(told: Told, asker: Asker, receiver: Receiver) -> None:
    world = told()
    sender, _ = sender_of(world)
    made = decide(world, asker)

    def record(**body: Any) -> str:
        found: str = outcomes.record_outcome(world, made, body, asker)["id"]
        return found

    record(**ACCEPTED)
    record(**DIVERTED)
    record(event="confirmed", facility=OTHER)  # the place says so itself, and needs not be told
    gone = record(event="cancelled", by="doctor", reason="died")
    record(event="withdrawn", corrects=gone)
    record(event="refused", facility=OTHER, reason="full")
    all_sent(sender)
    seen = [(e["data"]["event"], e["data"]["place"]["id"], e["data"]["because"]) for e in receiver.taken]
    assert seen == [
        ("recommended", PLACE, None),
        ("accepted", PLACE, None),
        ("cancelled", PLACE, "diverted"),
        ("diverted", OTHER, None),
        ("cancelled", OTHER, "cancelled"),
        ("diverted", OTHER, None),
        ("cancelled", OTHER, "refused"),
    ]
    assert [event["sequence"] for event in receiver.taken] == sorted(event["sequence"] for event in receiver.taken)


def test_a_place_that_was_ruled_out_is_told_when_a_patient_comes_all_the_same(
    told: Told, asker: Asker, receiver: Receiver
) -> None:
    world = told()
    decision = service.decide(world, STEMI, asker)
    there = decision["ruled_out"][0]
    outcomes.record_outcome(world, decision["id"], {**DIVERTED, "destination": there["facility"]["id"]}, asker)
    all_sent(sender_of(world)[0])
    data = next(event["data"] for event in receiver.taken if event["data"]["event"] == "diverted")
    assert data["place"]["name"] == there["facility"]["name"]
    later = there["travel"]["minutes"] - decision["recommendation"]["travel"]["minutes"]
    here = datetime.fromisoformat(decision["recommendation"]["arrival_at"])
    assert datetime.fromisoformat(data["expected"]["at"]) == here + timedelta(minutes=later)


def test_who_arrived_is_not_taken_back_and_who_came_elsewhere_is(
    told: Told, asker: Asker, receiver: Receiver, clock: Clock
) -> None:
    world = told()
    here, elsewhere = decide(world, asker), decide(world, asker)
    clock.forward(minutes=20)
    for made, place in ((here, PLACE), (elsewhere, OTHER)):
        arrived = {"event": "arrived", "facility": place, "at": clock.now.isoformat()}
        outcomes.record_outcome(world, made, arrived, asker)
    decide(world, asker, supersedes=here)
    all_sent(sender_of(world)[0])
    of = {made: [e["data"] for e in receiver.taken if e["subject"] == made] for made in (here, elsewhere)}
    assert [data["event"] for data in of[here]] == ["recommended"]
    assert [(data["event"], data["because"]) for data in of[elsewhere]] == [
        ("recommended", None),
        ("cancelled", "arrived_elsewhere"),
    ]


def test_what_takes_the_place_of_a_decision_is_told_after_it(told: Told, asker: Asker, receiver: Receiver) -> None:
    world = told()
    first = decide(world, asker)
    second = decide(world, asker, supersedes=first)
    third = decide(world, asker, supersedes=second)
    all_sent(sender_of(world)[0])
    seen = [
        (e["data"]["event"], e["subject"], e["data"]["superseded_by"], e["data"]["supersedes"]) for e in receiver.taken
    ]
    assert seen == [
        ("recommended", first, None, None),
        ("superseded", first, second, None),
        ("recommended", second, None, first),
        ("superseded", second, third, first),
        ("recommended", third, None, second),
    ]


def test_who_was_told_is_told_the_end_of_it_however_urgent(told: Told, asker: Asker, receiver: Receiver) -> None:
    world = told(urgency_at_least="U1")
    made = decide(world, asker)
    less = {"outcome": "overridden", "by": "doctor", "reason": "clinician_order", "destination": PLACE, "urgency": "U4"}
    outcomes.record_outcome(world, made, less, asker)
    outcomes.record_outcome(world, made, {"event": "cancelled", "by": "doctor", "reason": "died"}, asker)
    all_sent(sender_of(world)[0])
    assert [(e["data"]["event"], e["data"]["urgency"], e["data"]["urgency_advised"]) for e in receiver.taken] == [
        ("recommended", "U1", "U1"),
        ("accepted", "U4", "U1"),
        ("cancelled", "U4", "U1"),
    ]


# -- what goes wrong --------------------------------------------------------------------------------------------------


def test_a_decision_that_is_rolled_back_tells_nobody(
    told: Told, asker: Asker, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = told()

    def fail(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("broken after all was inserted")

    with monkeypatch.context() as patch:
        patch.setattr(service, "note", fail)
        with pytest.raises(StoreUnavailable):
            decide(world, asker)
    assert rows(world) == []
    made = decide(world, asker)
    with monkeypatch.context() as patch:
        patch.setattr(outcomes, "note", fail)
        with pytest.raises(StoreUnavailable):
            outcomes.record_outcome(world, made, ACCEPTED, asker)
    assert [row.event for row in rows(world)] == ["recommended"]


def test_a_decision_under_a_key_of_the_client_is_told_once(told: Told, asker: Asker, receiver: Receiver) -> None:
    world = told()
    assert len({service.decide(world, STEMI, asker, "the same")["id"] for _ in range(3)}) == 1
    all_sent(sender_of(world)[0])
    assert len(receiver.requests) == 1


def test_what_fails_is_sent_again_with_the_same_id_later_and_later(
    told: Told, asker: Asker, receiver: Receiver, clock: Clock
) -> None:
    world = told()
    decide(world, asker)
    receiver.behave = in_turn(status(500), status(503), status(404), status(204))
    sender, counted = sender_of(world)
    for seconds in (2, 4, 8):
        settled(sender)
        before = len(receiver.requests)
        clock.forward(seconds=seconds - 0.1)
        settled(sender)
        assert len(receiver.requests) == before, "too early"
        clock.forward(seconds=0.1)
    all_sent(sender)
    assert len(set(receiver.ids())) == 1
    assert len({request.body for request in receiver.requests}) == 1
    assert len({request.headers["webhook-signature"] for request in receiver.requests}) == 4, "signed anew"
    assert [result for _, result in counted] == ["failed", "failed", "failed", "taken"]
    assert [row.attempts for row in rows(world)] == [4]


def test_pauses_grow_to_an_end_and_differ_by_chance() -> None:
    assert [pause_after(attempts, lambda: 1.0) for attempts in (1, 2, 3, 7, 50)] == [2, 4, 8, 120, 120]
    assert [pause_after(attempts, lambda: 0.0) for attempts in (1, 50)] == [1, 60]
    assert pause_after(1, lambda: 1.0, 30.0) == 30
    assert pause_after(50, lambda: 1.0, 30.0) == 120


@pytest.mark.parametrize("said", ["seconds", "date"])
def test_a_receiver_that_says_when_to_come_again_is_left_alone_until_then(
    said: str, told: Told, asker: Asker, receiver: Receiver, clock: Clock
) -> None:
    world = told()
    decide(world, asker)

    def busy(request: Request) -> None:
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 900))
        request.answer(429, Retry_After=date if said == "date" else "900")

    receiver.behave = in_turn(busy, status(204))
    sender, _ = sender_of(world)
    settled(sender)
    clock.forward(seconds=900 - 120)  # a date is read a while after it was written
    all_sent(sender)
    assert len(receiver.requests) == 1
    clock.forward(seconds=121)
    all_sent(sender)
    assert receiver.events() == ["recommended"]


def test_a_receiver_that_says_gone_is_stopped_and_that_is_said(
    told: Told, asker: Asker, receiver: Receiver, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    world = told()
    made = decide(world, asker)
    receiver.behave = status(410)
    sender, counted = sender_of(world)
    all_sent(sender)
    decide(world, asker)
    all_sent(sender)
    assert len(receiver.requests) == 1
    assert [row.state for row in rows(world)] == ["stopped", "stopped"]
    assert [result for _, result in counted] == ["stopped", "stopped"]
    (found,) = subscriptions_status(world)
    assert (found["stopped"], found["late"]) == (True, True)
    assert "wants nothing any more" in caplog.text
    assert service.ready(world)[0], "it keeps nobody from deciding"
    assert service.ready(world)[1]["webhooks"][0]["late"]
    assert pre_alerts_of(world, made, asker)["state"] == "not_told"

    receiver.behave = status(204)
    assert len(send_again(world, [], "board")) == 2
    all_sent(sender)
    assert [row.state for row in rows(world)] == ["taken", "taken"]
    assert not subscriptions_status(world)[0]["late"]


def test_a_receiver_that_moved_elsewhere_is_told_again(told: Told, asker: Asker, receiver: Receiver) -> None:
    world = told()
    decide(world, asker)
    receiver.behave = in_turn(status(410), status(204))
    all_sent(sender_of(world)[0])
    world = told(url=receiver.url + "/new")
    decide(world, asker)
    all_sent(sender_of(world)[0])
    assert [row.state for row in rows(world)] == ["stopped", "taken"]


def test_what_comes_too_late_is_given_up_and_whoever_looks_is_told_to_call(
    told: Told, asker: Asker, receiver: Receiver, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    world = told()
    made = decide(world, asker)
    receiver.behave = status(500)
    sender, counted = sender_of(world)
    assert pre_alerts_of(world, made, asker)["state"] == "waiting"
    for _ in range(90):
        all_sent(sender)
        clock.forward(seconds=121)
        if rows(world)[0].state != "waiting":
            break
        assert pre_alerts_of(world, made, asker)["state"] == "late"
    assert [row.state for row in rows(world)] == ["given_up"]
    assert counted[-1] == ("board", "given_up")
    assert clock.now - rows(world)[0].made_at <= timedelta(hours=2, minutes=3)
    tried = len(receiver.requests)
    clock.forward(hours=1)
    all_sent(sender)
    assert len(receiver.requests) == tried
    found = pre_alerts_of(world, made, asker)
    assert (found["state"], found["call"]) == ("not_told", True)
    assert "Bel" in found["advice"]["nl"]
    assert found["pre_alerts"][0]["error"] == "the server answered 500"
    assert "a place was not told" in caplog.text
    assert made not in caplog.text


def test_a_retry_after_beyond_the_end_is_given_up_at_once(told: Told, asker: Asker, receiver: Receiver) -> None:
    world = told()
    decide(world, asker)
    receiver.behave = status(503, Retry_After="86400")
    all_sent(sender_of(world)[0])
    assert [row.state for row in rows(world)] == ["given_up"]


def test_what_nobody_sends_any_more_is_shown_as_given_up(told: Told, asker: Asker, clock: Clock) -> None:
    world = told()
    made = decide(world, asker)
    clock.forward(hours=3)
    assert pre_alerts_of(world, made, asker)["state"] == "not_told"
    sender, counted = sender_of(world)
    all_sent(sender)
    assert counted == [("board", "given_up")]


@pytest.mark.parametrize("behave", [hang, drip])
def test_a_receiver_that_does_not_get_done_keeps_nobody_waiting(
    behave: Callable[[Request], None], told: Told, asker: Asker, receiver: Receiver
) -> None:
    with receiving() as quick:
        world = told(subscription(quick, "quick"))
        receiver.behave = behave
        sender, _ = sender_of(world)
        for _ in range(6):
            decide(world, asker)
        send_due(sender)
        await_true(lambda: sender.results.qsize() == sending.AT_ONCE, "the quick one to have its first events")
        send_due(sender)
        await_true(lambda: len(quick.taken) == 6, "the quick one to have all of them")
        assert {row.state for row in rows(world) if row.subscription == "board"} == {"waiting"}
        assert {row.error for row in rows(world)} == {None}, "and the slow one is not late yet"


@pytest.mark.parametrize("behave", [hang, drip])
def test_a_receiver_that_does_not_get_done_is_cut_off(
    behave: Callable[[Request], None], told: Told, asker: Asker, receiver: Receiver
) -> None:
    world = told(timeout_seconds=1)
    receiver.behave = behave
    decide(world, asker)
    began = time.monotonic()
    settled(sender_of(world)[0])
    assert time.monotonic() - began < 60, "it would never have answered"
    assert [row.error for row in rows(world)] == ["no answer within 1 seconds"]


def test_a_body_without_end_is_not_read(told: Told, asker: Asker, receiver: Receiver) -> None:
    world = told()
    decide(world, asker)
    receiver.behave = flood
    all_sent(sender_of(world)[0])
    assert [row.state for row in rows(world)] == ["taken"]
    assert getattr(receiver, "flooded", 0) < 8_000_000, "no more than lay on the way"


def test_a_redirect_is_not_followed(told: Told, asker: Asker, receiver: Receiver) -> None:
    with receiving() as elsewhere:
        world = told()
        decide(world, asker)
        receiver.behave = status(307, Location=elsewhere.url)
        settled(sender_of(world)[0])
        assert elsewhere.requests == []
    assert rows(world)[0].error == "the server answered 307 with a redirect, which is not followed"


def test_what_cannot_be_reached_is_said_in_words(told: Told, asker: Asker) -> None:
    world = told(url="http://127.0.0.1:9/x")
    decide(world, asker)
    settled(sender_of(world)[0])
    assert rows(world)[0].error == "nobody listens at its address"


def certificate(folder: Path, name: str) -> Path:
    """A certificate that nobody else signed, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{name}.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_over_tls_a_certificate_that_is_trusted_is_needed(
    told: Told, asker: Asker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = certificate(tmp_path, "localhost")
    with receiving(made) as secure:
        address = secure.url.replace("127.0.0.1", "localhost")
        world = told(url=address)
        decide(world, asker)
        dialling.trust.cache_clear()
        settled(sender_of(world)[0])
        assert rows(world)[0].error == "its certificate is not trusted: self-signed certificate"
        assert secure.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(made))
        dialling.trust.cache_clear()
        clock = world.clock
        assert isinstance(clock, Clock)
        clock.forward(seconds=10)
        settled(sender_of(world)[0])
        assert [row.state for row in rows(world)] == ["taken"]
        other = told(url=secure.url)  # a name that is not in the certificate
        decide(other, asker)
        settled(sender_of(other)[0])
        assert "certificate is not valid for '127.0.0.1'" in str(rows(other)[-1].error)
    dialling.trust.cache_clear()
    with receiving() as plain:
        world = told(url=plain.url.replace("http:", "https:"))
        decide(world, asker)
        settled(sender_of(world)[0])
    assert str(rows(world)[-1].error).startswith("TLS failed: ")


# -- order, repeats, and who dies -------------------------------------------------------------------------------------


def test_what_follows_waits_for_what_came_before_and_other_decisions_do_not(
    told: Told, asker: Asker, receiver: Receiver, clock: Clock
) -> None:
    world = told()
    made = decide(world, asker)
    outcomes.record_outcome(world, made, ACCEPTED, asker)
    other = decide(world, asker)

    def fail_first(request: Request) -> None:
        request.answer(500 if request.event["subject"] == made else 204)

    receiver.behave = fail_first
    sender, _ = sender_of(world)
    all_sent(sender)
    assert {request.event["data"]["event"] for request in receiver.requests if request.event["subject"] == made} == {
        "recommended"
    }
    assert [event["subject"] for event in receiver.taken] == [other]
    receiver.behave = status(204)
    clock.forward(seconds=10)
    all_sent(sender)
    assert receiver.events() == ["recommended", "recommended", "accepted"]


def test_the_most_urgent_is_told_first(told: Told, asker: Asker, receiver: Receiver, clock: Clock) -> None:
    world = told()
    arrest = {"cardiac_arrest": True}
    for observations in (*[STEMI["observations"]] * 6, arrest):
        decide(world, asker, observations=observations)
        clock.forward(seconds=0.1)
    send_due(sender_of(world)[0])
    await_true(lambda: len(receiver.requests) == sending.AT_ONCE, "as many as may be sent at once")
    assert "U0" in {request.event["data"]["urgency"] for request in receiver.requests}


def test_what_a_sender_that_died_had_sent_is_sent_again_with_the_same_id(
    told: Told, asker: Asker, receiver: Receiver, clock: Clock
) -> None:
    world = told()
    decide(world, asker)
    dead, _ = sender_of(world)
    send_due(dead)
    await_true(lambda: bool(receiver.taken), "it to be sent")
    alive, _ = sender_of(world)
    all_sent(alive)
    assert len(receiver.requests) == 1, "somebody is sending it"
    clock.forward(seconds=TIMEOUT_SECONDS + sending.MARGIN_SECONDS + 1)
    all_sent(alive)
    assert len(receiver.requests) == 2
    assert len(set(receiver.ids())) == 1
    assert [row.state for row in rows(world)] == ["taken"]


def test_two_senders_never_send_more_at_once_than_may_be(told: Told, asker: Asker, receiver: Receiver) -> None:
    world = told()
    for _ in range(10):
        decide(world, asker)
    receiver.behave = hang
    senders = [sender_of(world)[0] for _ in range(3)]
    assert [send_due(sender) for sender in senders] == [sending.AT_ONCE, 0, 0]


# -- privacy ----------------------------------------------------------------------------------------------------------


def test_what_was_erased_is_not_told_any_more(told: Told, asker: Asker, receiver: Receiver, clock: Clock) -> None:
    world = told()
    made = decide(world, asker)
    receiver.behave = status(500)
    sender, _ = sender_of(world)
    settled(sender)
    outcomes.record_outcome(world, made, ACCEPTED, asker)
    erasure.erase(world, [made], "patient_request", asker)
    clock.forward(minutes=5)
    receiver.behave = status(204)
    all_sent(sender)
    assert receiver.taken == []
    assert {(row.state, row.facility_id, row.error) for row in rows(world)} == {("erased", None, None)}
    with pytest.raises(Erased):
        pre_alerts_of(world, made, asker)


def test_what_is_erased_between_being_handed_out_and_being_read_is_not_told(
    told: Told, asker: Asker, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = told()
    made = decide(world, asker)
    sender, counted = sender_of(world)
    real = sending.event_of

    def erase_first(*given: Any) -> bytes:
        erasure.erase(world, [made], "patient_request", asker)
        return real(*given)

    monkeypatch.setattr(sending, "event_of", erase_first)
    all_sent(sender)
    assert receiver.requests == []
    assert counted == [("board", "erased")]


def test_that_data_left_is_noted_before_they_do(told: Told, asker: Asker, receiver: Receiver) -> None:
    world = told()
    made = decide(world, asker, reference="ZCC-2026-000123")
    receiver.behave = in_turn(status(500), status(204))
    sender, _ = sender_of(world)
    settled(sender)
    clock = world.clock
    assert isinstance(clock, Clock)
    clock.forward(seconds=10)
    all_sent(sender)
    found = accesses(world, AUDITOR, event="export")["accesses"]
    (access,) = found
    assert access["subjects"][0]["decision"] == made
    assert access["subjects"][0]["patient"] is not None
    assert (access["purpose"], access["source"]["system"], access["source"]["call"]) == (
        "care",
        "server",
        "pre-alert board",
    )
    assert access["user"] == {"key": None, "organisation": None, "roles": [], "user": None, "responsible": None}


def test_whoever_asks_whether_a_place_was_told_is_noted(told: Told, asker: Asker) -> None:
    world = told()
    made = decide(world, asker)
    pre_alerts_of(world, made, asker)
    (access,) = accesses(world, AUDITOR, event="read")["accesses"]
    assert access["subjects"][0]["decision"] == made
    with pytest.raises(NotFound):
        pre_alerts_of(world, "01a202e0-2f70-7455-a350-b0834be62ba3", asker)


def test_where_nobody_is_subscribed_whoever_looks_is_told_to_call(world: World, asker: Asker) -> None:
    found = pre_alerts_of(world, decide(world, asker), asker)
    assert (found["state"], found["call"], found["pre_alerts"]) == ("none", True, [])


# -- sent again -------------------------------------------------------------------------------------------------------


def test_only_what_was_given_up_lately_is_sent_again(
    told: Told, asker: Asker, receiver: Receiver, clock: Clock
) -> None:
    world = told()
    decide(world, asker)
    sender, _ = sender_of(world)
    all_sent(sender)
    (taken,) = rows(world)
    for wrong, code in (("nonsense", "unknown_delivery"), (str(taken.id), "not_given_up")):
        with pytest.raises(BadInput) as caught:
            send_again(world, [wrong], None)
        assert caught.value.faults[0].code == code
    with pytest.raises(BadInput, match="no such subscription"):
        send_again(world, [], "nobody")
    decide(world, asker)
    clock.forward(hours=3)
    all_sent(sender)
    late = rows(world)[-1]
    assert late.state == "given_up"
    clock.forward(hours=22)
    with pytest.raises(BadInput, match="would expect a patient"):
        send_again(world, [str(late.id)], None)
    assert send_again(world, [], "board") == []


def test_what_a_decision_costs_more_is_one_row_for_each_who_is_told(told: Told, asker: Asker) -> None:
    world = told()
    made = decide(world, asker)
    with database.reading(world.engine) as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(DECISIONS)) == 1
    (row,) = rows(world)
    assert (str(row.decision_id), str(row.cause_id), row.attempts, row.error) == (made, made, 0, None)
