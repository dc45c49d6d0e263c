"""A stop or a closure at the advised place stands wherever somebody may follow the advice: before it is recorded, on
the page of the decision, and on the sheet that goes along."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from api import create_app
from routing import service
from routing.directory_here import newest_directory
from routing.service import World, close_world, open_world
from routing.settings import Settings
from tests.desk import places
from tests.desk.conftest import csrf_in, words_of
from tests.desk.decided import asker_of, decided
from tests.desk.test_case import SCRIPT, STEMI
from tests.people import account, signed_in

CALL = "Bel de plek voordat u de patiënt stuurt."
STOP, CLOSED = {"kind": "stop", "value": True}, {"kind": "open", "value": False}


@pytest.fixture
def quiet(tmp_path: Path) -> Iterator[World]:
    """A world of its own in which no place reported anything."""
    world = open_world(Settings(database_url=f"sqlite:///{tmp_path}/wegwijs.sqlite3"))
    service.upgrade(world)
    account(world)
    yield world
    close_world(world)


def said_by_all(world: World, report: dict[str, object], minutes_ago: int) -> None:
    """Let every emergency department report this, so that one that does is advised."""
    observed = (world.clock() - timedelta(minutes=minutes_ago)).isoformat()
    for facility in newest_directory(world).by_id.values():
        if facility.capabilities.get("seh"):
            places.report(world, facility.id, {**report, "unit": "seh", "observed_at": observed})


def where_it_may_be_followed(world: World) -> dict[str, str]:
    """The preview, the page of a decision up to where it can be followed, and the sheet: what each says."""
    client: FlaskClient = create_app(world=world).test_client()
    signed_in(client)
    address = client.get("/desk/cases/new").location
    filled = {**STEMI, "csrf": csrf_in(client.get(address).text)}
    preview = client.post(address, data=filled, headers=SCRIPT).text
    about = decided(world, asker_of(world))
    page = client.get(f"/desk/decisions/{about}").text
    sheet = client.get(f"/desk/decisions/{about}/handover").text
    return {
        "preview": words_of(preview),
        "page": words_of(page[: page.index('class="accept"')]),
        "sheet": words_of(sheet),
    }


def test_where_nothing_was_reported_nobody_is_told_to_call(quiet: World) -> None:
    assert not any(CALL in said for said in where_it_may_be_followed(quiet).values())


@pytest.mark.parametrize(
    ("report", "minutes_ago", "says"),
    [
        (STOP, 20, ("ontzien, niet gesloten", "20 min geleden")),
        (STOP, 100, ("ontzien, niet gesloten", "100 min geleden; verouderd")),
        (CLOSED, 600, ("meldt zich gesloten", "10 uur geleden; verouderd")),
    ],
    ids=["a-stop", "a-stop-of-a-while-ago", "a-closure-of-a-while-ago"],
)
def test_a_stop_or_closure_at_the_advised_place_stands_wherever_the_advice_may_be_followed(
    quiet: World, report: dict[str, object], minutes_ago: int, says: tuple[str, ...]
) -> None:
    said_by_all(quiet, report, minutes_ago)
    for where, said in where_it_may_be_followed(quiet).items():
        assert CALL in said, where
        assert [each for each in says if each not in said] == [], where
