"""What one can ask of places, what everybody may know of them, and which key speaks for which of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from routing import places, service
from routing.errors import BadInput, NotAllowed, NotFound
from routing.facilities.crowding import crowding_band
from routing.facilities.directory import national_directory_records
from routing.place_board import board, choices
from routing.place_view import open_now, past_of
from routing.public_capacity import public_capacity
from routing.rights import Asker
from routing.service import World
from tests.service.conftest import Clock

OPERATOR = Asker("", "test", frozenset({"operator"}))
UMCU = "umc-utrecht"


@pytest.fixture
def clock() -> Clock:
    """A Monday on which rules decide that read live facts."""
    made = Clock()
    made.forward(days=5)
    return made


def report(world: World, facility: str, *reports: dict[str, Any]) -> dict[str, Any]:
    seen = {"unit": "seh", "observed_at": world.clock().isoformat()}
    return places.report_status(world, facility, [{**seen, **each} for each in reports], OPERATOR)


# -- asking


def test_facilities_page_by_page(world: World) -> None:
    seen, cursor = [], None
    while True:
        page = places.facilities(world, cursor=cursor, limit=100)
        seen += [place["id"] for place in page["facilities"]]
        if (cursor := page["next"]) is None:
            break
    assert seen == sorted(set(seen))
    assert len(seen) == len(national_directory_records()["facilities"])


def test_facilities_nearest_first(world: World) -> None:
    seen, cursor = [], None
    for _ in range(3):
        page = places.facilities(world, capability="pci", near=(52.0907, 5.1214), cursor=cursor, limit=2)
        seen += page["facilities"]
        cursor = page["next"]
    distances = [place["distance_km"] for place in seen]
    assert distances == sorted(distances)
    assert all(place["resolved"]["pci"] is True for place in seen)
    one = places.facility(world, seen[0]["id"])
    shown = {**seen[0], "status": seen[0]["profile_status"], "tag": one["tag"]}
    assert {**one, "distance_km": distances[0], "profile_status": one["status"]} == shown


def test_facilities_by_region_and_kind(world: World) -> None:
    by_name, by_word = (places.facilities(world, region=name, limit=200) for name in ("Fryslân", "fryslan"))
    assert by_name == by_word
    assert {place["rav"] for place in by_name["facilities"]} == {"Fryslân"}
    assert places.facilities(world, region="nowhere")["facilities"] == []
    kinds = {place["kind"] for place in places.facilities(world, kind="hospital_seh", limit=200)["facilities"]}
    assert kinds == {"hospital_seh"}


@pytest.mark.parametrize("question", [{"capability": "x"}, {"kind": "x"}, {"cursor": "x"}])
def test_facilities_refuse_what_they_do_not_know(world: World, question: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        places.facilities(world, **question)
    with pytest.raises(NotFound):
        places.facility(world, "x")


# -- whose key it is


def test_a_facility_key_is_of_places_that_exist(world: World) -> None:
    key = service.create_key(world, "ward", frozenset({"facility", "auditor"}), frozenset({UMCU}))
    asker = service.authenticate(world, key)
    assert asker is not None
    assert asker.facilities == {UMCU}
    assert asker.speaks_for(UMCU)
    assert not asker.speaks_for("umcg")
    for change in (
        lambda: places.put_facility(world, "umcg", places.facility(world, "umcg"), asker, lambda tag: True),
        lambda: places.remove_facility(world, "umcg", asker, lambda tag: True),
        lambda: places.report_status(world, "umcg", [], asker),
    ):
        with pytest.raises(NotAllowed, match=UMCU):
            change()


@pytest.mark.parametrize(
    ("roles", "facilities", "code"),
    [
        ({"facility"}, None, "missing"),
        ({"facility", "triagist"}, None, "missing"),
        ({"facility"}, set(), "unknown_facility"),
        ({"facility"}, {UMCU, "nowhere"}, "unknown_facility"),
        ({"triagist"}, {UMCU}, "contradiction"),
        ({"facility", "operator"}, {UMCU}, "contradiction"),
    ],
)
def test_a_key_that_would_speak_for_nobody_or_for_too_many_is_not_made(
    world: World, roles: set[str], facilities: set[str] | None, code: str
) -> None:
    with pytest.raises(BadInput) as raised:
        service.create_key(world, "x", frozenset(roles), None if facilities is None else frozenset(facilities))
    assert (raised.value.faults[0].field, raised.value.faults[0].code) == ("facility", code)
    assert not service.has_keys(world)


# -- what everybody may know


def public(world: World, facility: str = UMCU) -> dict[str, Any]:
    (found,) = [place for place in public_capacity(world)["facilities"] if place["id"] == facility]
    return found


def test_the_public_learns_how_busy_it_is_and_nothing_more(world: World, clock: Clock) -> None:
    report(
        world,
        UMCU,
        {"kind": "stop", "value": True, "reason": "infection", "source": "nurse"},
        {"kind": "crowding", "value": 145},
        {"kind": "waiting_minutes", "value": 95},
        {"kind": "beds", "value": {"total": 37, "available": 3}},
        {"unit": "or", "kind": "stop", "value": True},
        {"unit": "or", "kind": "waiting_minutes", "value": 999},
    )
    clock.forward(minutes=7)
    found = public(world)
    assert found == {
        "id": UMCU,
        "name": "UMC Utrecht",
        "kind": "hospital_seh",
        "city": "Utrecht",
        "open": True,
        "waiting_minutes": 95,
        "crowding": {"nl": "ernstig overbelast", "en": "severely overcrowded"},
        "stop": True,
        "stop_text": found["stop_text"],
        "age_minutes": 7,
    }
    assert "come anyway" in found["stop_text"]["en"]
    for secret in ("37", "infection", "nurse", "999", "contacts"):
        assert secret not in str(found)


def test_numbers_that_are_old_are_unknown_to_the_public(world: World, clock: Clock) -> None:
    report(world, UMCU, {"kind": "crowding", "value": 10}, {"kind": "stop", "value": False})
    assert (public(world)["crowding"], public(world)["stop"]) == ({"nl": "rustig", "en": "not busy"}, False)
    clock.forward(days=2)
    found = public(world)
    assert [found[name] for name in ("crowding", "waiting_minutes", "stop", "stop_text", "age_minutes")] == [None] * 5


def test_a_place_that_says_it_is_closed_is_not_shown_as_open(world: World) -> None:
    report(world, UMCU, {"kind": "open", "value": False})
    assert public(world)["open"] is False
    assert public(world, "umcg")["open"] is True


@pytest.mark.parametrize(
    ("score", "words"),
    [(0, "not busy"), (20, "not busy"), (21, "busy"), (60, "busy"), (61, "extremely busy"), (100, "extremely busy"),
     (101, "overcrowded"), (140, "overcrowded"), (141, "severely overcrowded"), (180, "severely overcrowded"),
     (181, "dangerously overcrowded"), (500, "dangerously overcrowded")],
)  # fmt: skip
def test_crowding_has_the_words_of_its_band(score: int, words: str) -> None:
    assert crowding_band(score).en == words


# -- at a glance


def test_the_board_begins_with_what_is_worst(world: World, clock: Clock) -> None:
    report(world, "adrz-goes", {"kind": "crowding", "value": 190})
    clock.forward(hours=20)
    report(world, "umcg", {"kind": "crowding", "value": 30})
    report(world, "st-antonius-nieuwegein", {"kind": "waiting_minutes", "value": 300})
    report(world, UMCU, {"kind": "stop", "value": True}, {"unit": "icu", "kind": "beds", "value": {"available": 0}})
    report(world, "isala-zwolle", {"kind": "crowding", "value": 120})
    rows = board(world)["rows"]
    assert [(row["facility"], row["unit"]) for row in rows] == [
        (UMCU, "seh"),
        ("isala-zwolle", "seh"),
        ("umcg", "seh"),
        ("st-antonius-nieuwegein", "seh"),
        (UMCU, "icu"),
        ("adrz-goes", "seh"),
    ]
    assert rows[-1]["crowding"]["fresh"] is False
    assert [row["facility"] for row in board(world, unit="icu")["rows"]] == [UMCU]
    assert [row["facility"] for row in board(world, region="zeeland")["rows"]] == ["adrz-goes"]
    with pytest.raises(BadInput):
        board(world, unit="kitchen")


def test_the_board_is_chosen_by_kind_capability_and_name_whatever_the_accents(world: World) -> None:
    report(world, UMCU, {"kind": "waiting_minutes", "value": 10})
    report(world, "hap-alphen", {"unit": "hap", "kind": "waiting_minutes", "value": 20})

    def chosen(**asked: Any) -> list[str]:
        return [row["facility"] for row in board(world, **asked)["rows"]]

    assert chosen() == ["hap-alphen", UMCU]
    assert chosen(kind="huisartsenpost") == ["hap-alphen"]
    assert chosen(capability="pci") == [UMCU]
    assert chosen(name="ALPHÉN") == ["hap-alphen"]
    assert chosen(name="nowhere at all") == []
    for wrong in ({"kind": "kitchen"}, {"capability": "cooking"}):
        with pytest.raises(BadInput):
            board(world, **wrong)


def test_silent_places_are_counted_always_and_named_when_asked(world: World) -> None:
    report(world, UMCU, {"kind": "waiting_minutes", "value": 10})
    assert "silent_places" not in board(world)
    found = board(world, region="utrecht", also_silent=True)
    assert found["silent"] == len(found["silent_places"]) > 5
    assert UMCU not in {place["facility"] for place in found["silent_places"]}
    assert [place["name"] for place in found["silent_places"]] == sorted(
        place["name"] for place in found["silent_places"]
    )


def test_the_regions_to_choose_from_are_those_of_the_places(world: World) -> None:
    regions = choices(world)
    assert len(regions["rav"]) == 25
    assert "Utrecht" in regions["rav"]


def test_a_stop_says_its_expected_end_apart_from_when_it_is_taken_for_over(world: World, clock: Clock) -> None:
    report(world, UMCU, {"kind": "stop", "value": True})
    (row,) = board(world)["rows"]
    assert row["stop"]["expected_end"] is None
    assert row["stop"]["until"] > world.clock().isoformat()
    clock.forward(minutes=5)
    end = world.clock() + timedelta(minutes=30)
    report(world, UMCU, {"kind": "stop", "value": True, "expected_end": end.isoformat()})
    (row,) = board(world)["rows"]
    assert row["stop"]["expected_end"] == row["stop"]["until"] == end.isoformat()


# -- what went on


def test_the_past_of_a_place_is_its_stops_from_begin_to_end_and_its_numbers_in_order(
    world: World, clock: Clock
) -> None:
    began = world.clock()
    report(world, UMCU, {"kind": "stop", "value": True, "reason": "crowding"}, {"kind": "crowding", "value": 90})
    clock.forward(hours=1)
    report(world, UMCU, {"kind": "stop", "value": True}, {"kind": "crowding", "value": 80})
    clock.forward(hours=1)
    ended = world.clock()
    report(world, UMCU, {"kind": "stop", "value": False}, {"kind": "crowding", "value": None})
    clock.forward(hours=1)
    again = world.clock()
    report(world, UMCU, {"kind": "stop", "value": True}, {"unit": "icu", "kind": "beds", "value": {"available": 3}})
    past = past_of(world, UMCU, 1)
    assert past["stops"] == [
        {"unit": "seh", "begin": began.isoformat(), "end": ended.isoformat(), "reason": "crowding"},
        {"unit": "seh", "begin": again.isoformat(), "end": None, "reason": None},
    ]
    assert [point["value"] for point in past["crowding"]["seh"]] == [90, 80, None]
    assert [point["value"] for point in past["beds"]["icu"]] == [3]
    assert past["complete"]
    clock.forward(days=3)
    assert past_of(world, UMCU, 1)["stops"] == []
    (_, last) = past_of(world, UMCU, 7)["stops"]
    assert again.isoformat() < last["end"] < world.clock().isoformat()  # a stop that nobody ends does not last


def test_whether_a_place_is_open_is_said_by_its_hours_and_unknown_is_said_to_be_unknown(world: World) -> None:
    assert open_now(world, UMCU) == {"open": True, "changes_at": None}
    assert open_now(world, "gelre-zutphen")["open"] is None
    with pytest.raises(NotFound):
        open_now(world, "nowhere")


def test_beds_of_all_kinds_are_counted_together_unless_the_unit_was_counted(world: World) -> None:
    elv = {"unit": "elv", "kind": "beds"}

    def beds() -> Any:
        (row,) = board(world)["rows"]
        return row["beds"]["free"], row["beds"]["total"]

    report(world, UMCU, {**elv, "bed": "elv_low", "value": {"total": 10, "occupied": 9}})
    report(world, UMCU, {**elv, "bed": "elv_high", "value": {"total": 5, "available": 2}})
    assert beds() == (3, 15)
    report(world, UMCU, {**elv, "bed": "elv_palliative", "value": {"available": 1}})
    assert beds() == (4, None)
    report(world, UMCU, {**elv, "value": {"total": 20, "available": 6}})
    assert beds() == (6, 20)
