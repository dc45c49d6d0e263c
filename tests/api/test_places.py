"""Places speak for themselves: each only for itself, nobody over what they have not seen, and everybody reads it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from api.place_schemas import FacilityHistory, FacilityPage, FacilityStatus, StatusChange, StatusTaken
from routing import service
from routing.facilities.directory import facility_record
from routing.places import tag_of
from routing.service import World, newest_directory
from tests.api.conftest import OWN, Clock, Send
from tests.api.test_bad_bodies import problem_of

HERE = f"/v1/facilities/{OWN}"
OTHER = "/v1/facilities/st-antonius-nieuwegein"
NEW = {"id": "new-place", "name": "New place", "kind": "huisartsenpost", "city": "Utrecht", "lat": 52.1, "lon": 5.1}


def etag(ask: Send, path: str = HERE) -> str:
    found: str = ask("GET", path).headers["ETag"]
    return found


def profile_of(ask: Send, path: str = HERE) -> dict[str, Any]:
    found: dict[str, Any] = ask("GET", path).get_json()
    return found


def stop(clock: Clock, **more: Any) -> dict[str, Any]:
    return {"unit": "seh", "kind": "stop", "value": True, "observed_at": clock.said(minutes=5), **more}


# -- whose record it is


def test_a_facility_key_touches_only_its_own_record(ask: Send, clock: Clock) -> None:
    mine, theirs = {"If-Match": etag(ask)}, {"If-Match": etag(ask, OTHER)}
    for response in (
        ask("PUT", OTHER, "facility", json=profile_of(ask, OTHER), headers=theirs),
        ask("PUT", OTHER, "facility", json=profile_of(ask, OTHER)),
        ask("PUT", "/v1/facilities/new-place", "facility", json=NEW, headers={"If-None-Match": "*"}),
        ask("POST", f"{OTHER}/status", "facility", json=stop(clock)),
    ):
        found = problem_of(response, 403, "forbidden")
        assert f"it may change `{OWN}`" in found.detail
    problem_of(ask("DELETE", HERE, "facility", headers=mine), 403, "forbidden")
    assert ask("PUT", HERE, "facility", json=profile_of(ask), headers=mine).status_code == 200
    assert ask("POST", f"{HERE}/status", "facility", json=stop(clock)).status_code == 202


def test_only_an_operator_makes_a_place(ask: Send, own_world: World, own_app: Flask) -> None:
    path = "/v1/facilities/new-place"
    assert ask("PUT", path, json=NEW, headers={"If-None-Match": "*"}).status_code == 201
    key = service.create_key(own_world, "soon gone", frozenset({"facility"}), frozenset({"new-place"}))
    assert ask("DELETE", path, headers={"If-Match": "*"}).status_code == 200
    headers = {"Authorization": f"Bearer {key}", "If-None-Match": "*"}
    response = own_app.test_client().put(path, json=NEW, headers=headers)
    assert "Only an operator can add a place" in problem_of(response, 403, "forbidden").detail


# -- nobody changes what they have not seen


def test_an_unchanged_tag_is_needed_to_change_a_profile(ask: Send) -> None:
    before, body = etag(ask), profile_of(ask)
    problem_of(ask("PUT", HERE, json=body), 428, "precondition-required")
    changed = ask("PUT", HERE, json={**body, "contacts": {"desk": "+31 30 123 4567"}}, headers={"If-Match": before})
    assert changed.status_code == 200
    after = changed.get_json()["tag"]
    assert f'"{after}"' == etag(ask) != before
    refused = ask("PUT", HERE, json=body, headers={"If-Match": before})
    problem_of(refused, 412, "precondition-failed")
    assert refused.headers["ETag"] == f'"{after}"'
    assert profile_of(ask)["contacts"] == {"desk": "+31 30 123 4567"}


@pytest.mark.parametrize(
    ("match", "status"),
    [
        ("{tag}", 200),
        ("*", 200),
        ('"x", {tag}', 200),
        ('"x" ,{tag} , "y"', 200),
        ("W/{tag}", 412),
        ('"x"', 412),
        ('W/"x", "y"', 412),
        ("x", 400),
        ("", 400),
        ('"x" "y"', 400),
        ('*, "x"', 400),
    ],
)
def test_tags_are_compared_as_the_standard_says(match: str, status: int, ask: Send) -> None:
    response = ask("PUT", HERE, json=profile_of(ask), headers={"If-Match": match.format(tag=etag(ask))})
    assert response.status_code == status


def test_what_one_has_is_not_sent_again(ask: Send) -> None:
    tag = etag(ask)
    for given in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        response = ask("GET", HERE, headers={"If-None-Match": given})
        assert (response.status_code, response.get_data(), response.headers["ETag"]) == (304, b"", tag)
    assert ask("GET", HERE, headers={"If-None-Match": '"x"'}).status_code == 200


def test_a_new_place_is_made_once_and_removed_once(ask: Send) -> None:
    path, new = "/v1/facilities/new-place", {"If-None-Match": "*"}
    problem_of(ask("PUT", path, json=NEW), 428, "precondition-required")
    problem_of(ask("PUT", path, json=NEW, headers={"If-None-Match": '"x"'}), 428, "precondition-required")
    problem_of(ask("PUT", path, json=NEW, headers={"If-Match": "*"}), 412, "precondition-failed")
    made = ask("PUT", path, json=NEW, headers=new)
    assert (made.status_code, made.headers["Location"]) == (201, path)
    assert "ETag" not in made.headers, "what is kept is not byte for byte what was sent"
    assert made.get_json()["resolved"]["hap"] is True
    again = ask("PUT", path, json=NEW, headers=new)
    problem_of(again, 412, "precondition-failed")
    tag = again.headers["ETag"]
    problem_of(ask("DELETE", path), 428, "precondition-required")
    problem_of(ask("DELETE", path, headers={"If-Match": '"x"'}), 412, "precondition-failed")
    problem_of(ask("DELETE", path, "facility", headers={"If-Match": tag}), 403, "forbidden")
    assert ask("DELETE", path, headers={"If-Match": tag}).status_code == 200
    problem_of(ask("DELETE", path, headers={"If-Match": tag}), 404, "not-found")
    problem_of(ask("GET", path), 404, "not-found")


def test_a_profile_that_cannot_be_read_changes_nothing(ask: Send) -> None:
    headers, body = {"If-Match": etag(ask)}, profile_of(ask)
    for wrong, field in (
        ({"lat": 40}, "lat"),
        ({"id": "other"}, "id"),
        ({"colour": "red"}, "colour"),
        ({"observed_at": "2030-01-01T00:00:00Z"}, "observed_at"),
        ({"source": "\n"}, "source"),
    ):
        found = problem_of(ask("PUT", HERE, json={**body, **wrong}, headers=headers), 422, "invalid-input")
        assert found.errors[0].field == field
    assert etag(ask) == headers["If-Match"]
    problem_of(ask("PUT", "/v1/facilities/events", json=NEW, headers={"If-None-Match": "*"}), 422, "invalid-input")


def test_of_two_who_change_the_same_profile_exactly_one_wins(ask: Send) -> None:
    headers, body = {"If-Match": etag(ask)}, profile_of(ask)

    def write(number: int) -> int:
        changed = {**body, "contacts": {"desk": f"+31 30 123 45{number:02}"}}
        status: int = ask("PUT", HERE, json=changed, headers=headers).status_code
        return status

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(write, range(8))) == [200] + [412] * 7


def test_the_tag_is_that_of_the_profile_and_not_of_the_status(ask: Send, clock: Clock, own_world: World) -> None:
    before = etag(ask)
    assert before == f'"{tag_of(newest_directory(own_world).by_id[OWN])}"'
    ask("POST", f"{HERE}/status", json=stop(clock))
    assert etag(ask) == before


# -- what goes on there


def test_what_is_reported_is_shown_with_its_age(ask: Send, clock: Clock) -> None:
    taken = ask("POST", f"{HERE}/status", "facility", json=stop(clock, reason="crowding"))
    assert taken.status_code == 202
    assert StatusTaken.model_validate(taken.get_json()).taken == ["seh/stop"]
    clock.forward(minutes=10)
    found = FacilityStatus.model_validate(ask("GET", f"{HERE}/status", "triagist").get_json())
    (shown,) = found.status
    assert (shown.age_minutes, shown.fresh, shown.in_force, shown.reason) == (15, True, True, "crowding")
    assert found.directory_revision == taken.get_json()["directory_revision"]


def test_a_list_of_reports_is_taken_as_a_whole_or_not_at_all(ask: Send, clock: Clock) -> None:
    both = [stop(clock), {**stop(clock), "kind": "crowding", "value": 120}]
    response = ask("POST", f"{HERE}/status", json=[*both, {**stop(clock), "unit": "kitchen"}])
    (fault,) = problem_of(response, 422, "invalid-input").errors
    assert (fault.field, fault.code) == ("2.unit", "unknown_unit")
    assert ask("GET", f"{HERE}/status").get_json()["status"] == []
    assert ask("POST", f"{HERE}/status", json=both).get_json()["taken"] == ["seh/stop", "seh/crowding"]
    assert ask("POST", f"{HERE}/status", json=both).get_json()["known"] == ["seh/stop", "seh/crowding"]
    older = {**stop(clock, observed_at=clock.said(minutes=50)), "value": False}
    assert ask("POST", f"{HERE}/status", json=older).get_json()["older"] == ["seh/stop"]


@pytest.mark.parametrize("body", [[], "stop", 5, [[]], {}, [None]])
def test_what_is_no_report_is_refused(body: Any, ask: Send) -> None:
    problem_of(ask("POST", f"{HERE}/status", json=body), 422, "invalid-input")


def test_the_past_of_a_place_can_be_read_page_by_page(ask: Send, clock: Clock) -> None:
    for minutes, value in ((30, True), (20, False), (10, True)):
        ask("POST", f"{HERE}/status", json=stop(clock, value=value, observed_at=clock.said(minutes=minutes)))
    ask("PUT", HERE, json={**profile_of(ask), "contacts": {"desk": "0301234567"}}, headers={"If-Match": "*"})
    first = FacilityHistory.model_validate(ask("GET", f"{HERE}/history?limit=3", "auditor").get_json())
    assert [change.subject for change in first.changes] == ["profile", "seh/stop", "seh/stop"]
    rest = ask("GET", f"{HERE}/history?limit=3&cursor={first.next}").get_json()
    told = [change.report.value for change in first.changes if isinstance(change, StatusChange)]
    assert [*told, *(change["report"]["value"] for change in rest["changes"])] == [True, False, True]
    assert rest["next"] is None
    problem_of(ask("GET", f"{HERE}/history?cursor=x"), 422, "invalid-input")
    problem_of(ask("GET", "/v1/facilities/nowhere/history"), 404, "not-found")


def test_places_are_found_by_what_goes_on_there(ask: Send, clock: Clock) -> None:
    ask("POST", f"{HERE}/status", json=stop(clock))
    ask("POST", f"{OTHER}/status", json={**stop(clock), "value": False})

    def ids(query: str) -> list[str]:
        page = FacilityPage.model_validate(ask("GET", f"/v1/facilities?limit=200&{query}").get_json())
        return [place.id for place in page.facilities]

    assert ids("status=stop") == ids("status=stop&unit=seh") == [OWN]
    assert ids("status=no_stop") == [OTHER.rpartition("/")[2]]
    assert ids("status=stop&unit=icu") == []
    assert OWN not in ids("status=unknown&kind=hospital_seh")
    (place,) = ask("GET", "/v1/facilities?status=stop").get_json()["facilities"]
    assert (place["status"][0]["unit"], place["profile_status"]) == ("seh", "active")
    problem_of(ask("GET", "/v1/facilities?status=maybe"), 422, "invalid-input")
    problem_of(ask("GET", "/v1/facilities?unit=kitchen"), 422, "invalid-input")


def test_the_directory_can_be_seen_as_it_was(ask: Send, clock: Clock) -> None:
    clock.forward(minutes=1)
    then = clock.now
    clock.forward(minutes=10)
    revision = ask("POST", f"{HERE}/status", json=stop(clock)).get_json()["directory_revision"]
    ask("PUT", HERE, json={**profile_of(ask), "name": "Renamed"}, headers={"If-Match": "*"})
    clock.forward(hours=8)
    nearest = "/v1/facilities?near=52.08587,5.17953&limit=1"

    def seen(query: str = "") -> tuple[str, Any]:
        (place,) = ask("GET", f"{nearest}{query}", "auditor").get_json()["facilities"]
        return place["name"], [(report["in_force"], report["age_minutes"]) for report in place["status"]]

    assert seen() == ("Renamed", [(False, 485)])
    assert seen(f"&at={then:%Y-%m-%dT%H:%M:%SZ}") == ("UMC Utrecht", [])
    assert seen("&revision=1") == ("UMC Utrecht", [])
    assert seen(f"&revision={revision}") == ("UMC Utrecht", [(True, 5)])
    problem_of(ask("GET", "/v1/facilities?revision=99"), 404, "not-found")
    problem_of(ask("GET", "/v1/facilities?at=2020-01-01T00:00:00Z"), 404, "not-found")
    problem_of(ask("GET", "/v1/facilities?at=2040-01-01T00:00:00Z"), 422, "invalid-input")
    problem_of(ask("GET", f"/v1/facilities?revision=1&at={then:%Y-%m-%dT%H:%M:%SZ}"), 422, "invalid-input")


def test_what_was_read_can_be_written_back(ask: Send, own_world: World) -> None:
    revision = newest_directory(own_world).revision
    for place in newest_directory(own_world).facilities[::40]:
        path = f"/v1/facilities/{place.id}"
        found = ask("GET", path)
        again = ask("PUT", path, json=found.get_json(), headers={"If-Match": found.headers["ETag"]})
        assert (again.status_code, again.get_json()["tag"]) == (200, found.get_json()["tag"])
        assert facility_record(newest_directory(own_world).by_id[place.id]) == facility_record(place)
    assert newest_directory(own_world).revision == revision
