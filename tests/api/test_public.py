"""Everybody may see how busy places are, where the operator wants that, and caches take the load."""

from __future__ import annotations

import dataclasses

import pytest
from flask import Flask

from api import create_app
from api.place_schemas import PublicCapacity
from routing.service import World
from tests.api.conftest import OWN, Clock, Send
from tests.api.test_bad_bodies import problem_of

PATH = "/v1/public/capacity"


def test_without_a_key_everybody_sees_how_busy_places_are(own_app: Flask, ask: Send, clock: Clock) -> None:
    body = {"unit": "seh", "kind": "waiting_minutes", "value": 95, "observed_at": clock.said(minutes=3)}
    ask("POST", f"/v1/facilities/{OWN}/status", json=body)
    response = own_app.test_client().get(PATH)
    assert response.status_code == 200
    found = {place.id: place for place in PublicCapacity.model_validate(response.get_json()).facilities}
    assert (found[OWN].waiting_minutes, found[OWN].age_minutes) == (95, 3)
    assert response.headers["Cache-Control"] == "public, max-age=60"
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_within_a_minute_nothing_is_sent_twice(own_app: Flask, clock: Clock) -> None:
    client = own_app.test_client()
    tag = client.get(PATH).headers["ETag"]
    clock.forward(seconds=59)
    assert client.get(PATH, headers={"If-None-Match": tag}).status_code == 304
    clock.forward(seconds=1)
    assert client.get(PATH, headers={"If-None-Match": tag}).status_code == 200


def test_nothing_is_published_unless_the_operator_says_so(own_world: World) -> None:
    settings = own_world.settings.model_copy(update={"public_capacity": False})
    client = create_app(world=dataclasses.replace(own_world, settings=settings)).test_client()
    assert "WEGWIJS_PUBLIC_CAPACITY" in problem_of(client.get(PATH), 404, "not-found").detail
    assert type(settings).model_fields["public_capacity"].default is False


@pytest.mark.parametrize("query", ["?key=1", "?facility=umc-utrecht"])
def test_stray_parameters_are_refused_here_too(query: str, own_app: Flask) -> None:
    problem_of(own_app.test_client().get(PATH + query), 422, "invalid-input")
