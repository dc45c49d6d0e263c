"""A decision on the map: what is drawn stands in the text as well, rings follow the roads, and nothing leaks."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from pydantic import ValidationError

from api import create_app
from routing.access_log import accesses
from routing.geography import places_at
from routing.rights import Asker
from routing.service import World
from routing.settings import Settings
from routing.travel import skeleton
from tests.desk.conftest import Person, words_of
from tests.desk.places import OPERATOR, STEMI, decided, hurting_place

People = Callable[[str], Person]
AUDITOR = Asker("", "auditor", frozenset({"auditor"}))


@pytest.fixture(scope="module")
def decision(world: World) -> dict[str, Any]:
    return decided(world)


def layers_in(page: str) -> dict[str, Any]:
    """What the script of `page` is to draw."""
    found = re.search(r"data-map='([^']*)'", page)
    assert found is not None
    layers: dict[str, Any] = json.loads(html.unescape(found[1]))
    return layers


def test_everything_on_the_map_is_in_the_text_too(triagist: Person, decision: dict[str, Any]) -> None:
    page = triagist.get(f"/desk/decisions/{decision['id']}/map").text
    layers = layers_in(page)
    candidates = [decision["recommendation"], *decision["alternatives"]]
    assert [mark["number"] for mark in layers["candidates"]] == [each["rank"] for each in candidates]
    for mark in (*layers["candidates"], *layers["ruled_out"]):
        assert f'data-place="{mark["id"]}"' in page
        assert f'href="/desk/places/{mark["id"]}"' in page
    assert "midden van het opgegeven postcodegebied" in words_of(page)
    assert "Ringen zijn schattingen" in words_of(page)
    assert page.count("<noscript") == 0  # without a script nothing is missing that would have to be said


def test_a_ring_goes_no_further_than_one_comes_in_that_time(triagist: Person, decision: dict[str, Any]) -> None:
    layers = layers_in(triagist.get(f"/desk/decisions/{decision['id']}/map").text)
    assert [ring["label"] for ring in layers["rings"]] == ["15 min", "30 min", "45 min"]
    here = (layers["patient"]["lat"], layers["patient"]["lon"])
    for ring in layers["rings"]:
        limit = int(ring["label"].split()[0])
        points = [(lat, lon) for lat, lon in ring["outline"] if (lat, lon) != here]
        assert len(points) > 20
        times = skeleton.minutes(here, places_at(points), datetime(2026, 11, 26, 13, tzinfo=UTC))
        assert max(travel.minutes for travel in times) <= limit + 1


def test_places_stand_where_they_stood_when_it_was_decided(world: World, triagist: Person) -> None:
    from routing import places

    made = decided(world)
    first = made["recommendation"]["facility"]["id"]
    known = places.facility(world, first)
    moved = {key: value for key, value in known.items() if key not in ("resolved", "tag")}
    places.put_facility(world, first, {**moved, "lat": 53.0}, OPERATOR, lambda _: True)
    try:
        mark = layers_in(triagist.get(f"/desk/decisions/{made['id']}/map").text)["candidates"][0]
        assert (mark["id"], mark["lat"]) == (first, known["lat"])
    finally:
        places.put_facility(world, first, moved, OPERATOR, lambda _: True)


def test_a_look_at_the_map_is_noted_once(world: World, triagist: Person) -> None:
    made = decided(world)
    triagist.get(f"/desk/decisions/{made['id']}/map")
    found = accesses(world, AUDITOR, decision=made["id"], event="read")["accesses"]
    assert len(found) == 1
    assert found[0]["source"]["call"] == "GET /desk/decisions/{decision_id}/map"


def test_who_may_not_read_decisions_sees_no_map_and_that_is_noted(
    world: World, person: People, decision: dict[str, Any]
) -> None:
    response = person("operator").get(f"/desk/decisions/{decision['id']}/map")
    assert response.status_code == 403
    assert "UMC" not in response.text
    found = accesses(world, AUDITOR, decision=decision["id"], event="read")["accesses"]
    assert found[0]["outcome"] == "refused"


@pytest.mark.parametrize("wrong", ["none", "01a2260d-0000-7000-8000-000000000000", "..%2F..%2Fetc"])
def test_a_decision_that_is_not_there_has_no_map(wrong: str, triagist: Person) -> None:
    assert triagist.get(f"/desk/decisions/{wrong}/map").status_code == 404


def test_care_that_is_no_place_is_said_to_be_not_on_the_map(world: World, triagist: Person) -> None:
    made = decided(
        world, channel="huisarts", complaint="sore_throat", observations={"sore_throat": True}, transport=None
    )
    page = triagist.get(f"/desk/decisions/{made['id']}/map").text
    placed = {mark["id"] for mark in layers_in(page)["candidates"]}
    nowhere = [each for each in (made["recommendation"], *made["alternatives"]) if each["facility"]["id"] is None]
    assert None not in placed
    assert page.count("niet op de kaart") == len(nowhere)


def test_a_name_that_would_do_harm_is_only_shown(world: World, triagist: Person) -> None:
    hurting_place(world)
    made = decided(world)
    page = triagist.get(f"/desk/decisions/{made['id']}/map").text
    assert "&lt;img src=x" in page
    assert "<img src=x" not in page
    assert "<script>document" not in page
    assert any("<img" in mark["label"] for part in ("candidates", "ruled_out") for mark in layers_in(page)[part])


def test_nothing_of_the_patient_stands_in_an_address_or_a_title(triagist: Person, decision: dict[str, Any]) -> None:
    page = triagist.get(f"/desk/decisions/{decision['id']}/map").text
    assert STEMI["reference"] not in page
    assert "<title>Kaart · Wegwijs</title>" in page


# -- tiles


TILES = "https://tiles.example.nl/{z}/{x}/{y}.png"


def with_tiles(world: World, **settings: str) -> Flask:
    return create_app(world=replace(world, settings=world.settings.model_copy(update=settings)))


def test_without_tiles_nothing_is_asked_elsewhere(triagist: Person, decision: dict[str, Any]) -> None:
    response = triagist.get(f"/desk/decisions/{decision['id']}/map")
    assert "img-src 'self' data:;" in response.headers["Content-Security-Policy"]
    assert "data-tiles" not in response.text


def test_tiles_come_from_the_one_origin_that_the_operator_set(world: World) -> None:
    client = with_tiles(world, map_tiles=TILES, map_tiles_attribution="© <b>Iemand").test_client()
    policy = client.get("/desk/sign-in").headers["Content-Security-Policy"]
    assert "img-src 'self' https://tiles.example.nl data:;" in policy
    assert policy.count("https:") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        "ftp://tiles.example.nl/{z}/{x}/{y}.png",
        "https://tiles.example.nl/{z}/{x}.png",
        "https://tiles.example.nl/{s}/{z}/{x}/{y}.png",
        "https://{s}.example.nl/{z}/{x}/{y}.png",
        "https://a.nl; script-src *;/{z}/{x}/{y}",
        "https://user:password@tiles.example.nl/{z}/{x}/{y}.png",
        "https://tiles.example.nl/{z}/{x}/{y}/{.png",
    ],
)
def test_an_address_of_tiles_that_could_mean_something_else_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError):
        Settings(map_tiles=wrong)


def test_the_outline_is_small_and_of_the_whole_country(visitor: Person) -> None:
    response = visitor.get("/desk/static/geo/outline.json")
    assert len(response.data) < 250_000
    parts = [feature["properties"]["part"] for feature in json.loads(response.data)["features"]]
    assert parts.count("here") == 1
    assert {"near", "here", "water", "town"} == set(parts)
