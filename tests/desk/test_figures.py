"""Figures at the desk are those of the API, in the plot, in the table and in the file."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
import sqlalchemy as sa
from flask import Flask

from api import create_app
from api.desk import figures
from routing import norm_figures, outcomes, places, service, stop_figures
from routing.rights import Asker
from routing.service import World, close_world, open_world
from routing.settings import Settings
from routing.store import database
from routing.store.tables import DECISIONS
from tests.api.conftest import STEMI
from tests.desk.audited import damaged
from tests.desk.conftest import Person, csrf_in, words_of
from tests.people import PASSWORD, account

SVG = "{http://www.w3.org/2000/svg}"
NOW = datetime(2026, 11, 18, 13, 0, tzinfo=UTC)  # a Wednesday; 14:00 here
DATES = "since=2026-11-01&until=2026-11-18"
THROAT = {"patient": {"age_years": 24}, "location": {"postcode": "9712"}, "observations": {"sore_throat": True}}
CALLED = {**STEMI, "called_at": "2026-11-18T13:40:00+01:00"}


class Clock:
    """A clock that goes on only when it is told."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def asker(world: World, *roles: str) -> Asker:
    found = service.authenticate(world, service.create_key(world, "figures", frozenset(roles)))
    assert found is not None
    return found


def arrived(place: str, at: str) -> dict[str, Any]:
    return {"event": "arrived", "facility": place, "at": at}


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Seven heart attacks, six of which arrived somewhere, two sore throats, and stops at three places."""
    folder, clock = tmp_path_factory.mktemp("figures"), Clock()
    world = open_world(Settings(database_url=f"sqlite:///{folder}/wegwijs.sqlite3"), clock)
    service.upgrade(world)
    for role in ("medical_manager", "auditor", "operator"):
        account(world, f"a-{role.replace('_', '-')}", role)
    who, operator = asker(world, "triagist"), asker(world, "operator")
    begun = NOW - timedelta(days=4, hours=3)  # a Saturday, 11:00 here
    for place, since in (("umc-utrecht", begun), ("olvg-oost", NOW), ("st-antonius-nieuwegein", NOW)):
        clock.now = since
        report = {"unit": "seh", "kind": "stop", "value": True, "observed_at": since.isoformat()}
        places.report_status(world, place, report, operator)
        clock.now = since + timedelta(minutes=20)
        again = {**report, "observed_at": clock.now.isoformat(), "since": since.isoformat()}
        places.report_status(world, place, again, operator)
    clock.now = NOW
    made = [service.decide(world, CALLED if number else STEMI, who) for number in range(7)]
    for _ in range(2):
        service.decide(world, THROAT, who)
    clock.now = NOW + timedelta(hours=3)
    for number, each in enumerate(made[:6]):
        late = "2026-11-18T15:30:00+01:00" if number == 5 else "2026-11-18T14:30:00+01:00"
        outcomes.record_outcome(world, each["id"], arrived("umc-utrecht", late), who)
    yield world
    close_world(world)


@pytest.fixture(scope="module")
def served(counted: World) -> Flask:
    return create_app(world=counted)


Enter = Callable[[str], Person]


@pytest.fixture
def enter(served: Flask) -> Enter:
    def sign_in(name: str) -> Person:
        client = served.test_client()
        assert client.post("/desk/sign-in", data={"user": name, "password": PASSWORD}).status_code == 303
        return Person(client, csrf_in(client.get("/desk").text))

    return sign_in


@pytest.fixture
def manager(enter: Enter) -> Person:
    return enter("a-medical-manager")


def of_api(served: Flask, world: World, by: str) -> list[int]:
    """What the API counts, other than nothing, from the most to the fewest."""
    key = service.create_key(world, "differential", frozenset({"medical_manager"}))
    address = f"/v1/figures?by={by}&since=2026-11-01T00:00:00%2B01:00&until=2026-11-19T00:00:00%2B01:00"
    answer = served.test_client().get(address, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200, answer.text
    return sorted((row["n"] for row in answer.json["figures"][0]["rows"]), reverse=True)


def in_file(who: Person, what: str) -> list[list[str]]:
    text = who.get(f"/desk/figures/{what}.csv?{DATES}").data.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=";"))[1:]


def in_plot(who: Person, what: str) -> list[float]:
    """The values that the bars of a plot stand for."""
    tree = ElementTree.fromstring(who.get(f"/desk/figures/{what}.svg?{DATES}").data)
    return [float(each.text or 0) for each in tree.iter(f"{SVG}desc") if each.get("class") == "value"]


@pytest.mark.parametrize("what", ["urgency", "condition", "facility", "channel"])
def test_plot_table_and_file_have_the_numbers_of_the_api(
    what: str, served: Flask, counted: World, manager: Person
) -> None:
    wanted = of_api(served, counted, what)
    assert sum(wanted) >= 9
    filed = in_file(manager, what)
    for found in ([int(n) for _, n in filed], in_plot(manager, what)):
        assert sorted((n for n in found if n), reverse=True) == wanted
    seen = words_of(manager.get(f"/desk/figures?{DATES}").text)
    for label, n in filed:
        assert f"{label} {n}" in seen


def test_days_add_up_to_all_decisions_by_the_calendar_here(manager: Person) -> None:
    days = in_file(manager, "day")
    assert (len(days), days[0][0], days[-1]) == (18, "01-11-2026", ["18-11-2026", "9"])
    assert sum(int(n) for _, n in days) == 9


def test_a_stop_counts_once_in_the_hour_in_which_it_began(counted: World, manager: Person) -> None:
    found = stop_figures.stop_hours(counted, datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 19, tzinfo=UTC))
    assert found.places == 3
    assert {hour: n for hour, n in enumerate(found.weekdays) if n} == {14: 2}
    assert {hour: n for hour, n in enumerate(found.weekend) if n} == {11: 1}
    assert in_file(manager, "stops")[14] == ["14", "2", "0"]
    assert sorted(n for n in in_plot(manager, "stops") if n) == [1, 2]


def test_too_many_reports_for_one_page_leave_the_rest_standing(
    manager: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stop_figures, "REPORTS_MOST", 5)
    seen = words_of(manager.get(f"/desk/figures?{DATES}").text)
    assert "Kies een kortere periode" in seen
    assert "Naar urgentie" in seen
    assert manager.get(f"/desk/figures/stops.svg?{DATES}").status_code == 422


def test_what_is_damaged_is_named_and_counts_nowhere_and_the_rest_is_shown(counted: World, manager: Person) -> None:
    with database.reading(counted.engine) as connection:
        first = str(connection.scalar(sa.select(DECISIONS.c.id).order_by(DECISIONS.c.decided_at)))
    pages = [f"/desk/figures/{page}?{DATES}" for page in ("norms", "overrules")]
    before = [manager.get(page) for page in pages]
    assert all("Beschadigd" not in words_of(page.text) for page in before)
    with damaged(counted, first):
        for page in pages:
            seen = manager.get(page)
            assert seen.status_code == 200
            assert "Beschadigd, en daarom nergens meegeteld: 1." in words_of(seen.text)
            assert first in seen.text
    assert [manager.get(page).status_code for page in pages] == [200, 200]


def test_norms_say_what_is_known_and_never_guess(counted: World, manager: Person) -> None:
    rows, bad = norm_figures.norms_met(
        counted, datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 19, tzinfo=UTC), 100
    )
    assert bad == []
    found = {row.id: row for row in rows}
    direct = found["pci"]
    assert (direct.decisions, direct.advised["met"], direct.arrived["within"]) == (7, 7, 6)
    assert direct.arrived["not_recorded"] is None, "one patient is too few to tell"
    norm = found["pci-75"]
    assert norm.decisions == 7
    assert norm.arrived["within"] is None, "four"
    assert norm.arrived["late"] is None, "one"
    assert norm.arrived["clock_unknown"] is None, "one case had no time of the call"
    assert norm.arrived["elsewhere"] == 0
    assert found["trauma_1"].decisions == 0
    seen = words_of(manager.get(f"/desk/figures/norms?{DATES}").text)
    assert "minder dan 5" in seen
    assert "komt de crisisdienst naar de patiënt, dan weet Wegwijs dat niet" in seen


@pytest.mark.parametrize(("path", "limit"), [("norms", "NORMS_MOST"), ("overrules", "OVERRULES_MOST")])
def test_too_many_decisions_ask_for_a_shorter_period(
    path: str, limit: str, manager: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, limit, 3)
    response = manager.get(f"/desk/figures/{path}?{DATES}")
    assert (response.status_code, "Kies een kortere periode" in words_of(response.text)) == (422, True)
    assert 'value="2026-11-01"' in response.text


def test_a_plot_runs_no_script_and_fetches_nothing(manager: Person) -> None:
    response = manager.get(f"/desk/figures/facility.svg?{DATES}")
    assert response.mimetype == "image/svg+xml"
    assert b"<script" not in response.data
    read = ElementTree.fromstring(response.data)
    values = [value for each in read.iter() for value in (*each.attrib.values(), each.text or "")]
    assert not [value for value in values if "http" in value or "url(" in value]


def test_a_period_without_decisions_teaches(manager: Person) -> None:
    seen = words_of(manager.get("/desk/figures?since=2025-01-01&until=2025-01-31").text)
    assert "Nog geen beslissingen in deze periode" in seen
    assert manager.get("/desk/figures/condition.svg?since=2025-01-01&until=2025-01-31").status_code == 200


@pytest.mark.parametrize(
    "asked", ["since=x", "since=2026-13-01", "since=2026-12-01&until=2026-11-01", "since=0001-01-01"]
)
def test_a_period_that_is_none_is_said(asked: str, manager: Person) -> None:
    for path in ("/desk/figures", "/desk/figures/norms", "/desk/figures/urgency.csv"):
        assert manager.get(f"{path}?{asked}").status_code == 422


def test_overrides_are_for_who_may_read_reports(enter: Enter) -> None:
    assert enter("a-operator").get("/desk/figures/overrules").status_code == 403
    assert "van geen advies afgeweken" in words_of(enter("a-auditor").get(f"/desk/figures/overrules?{DATES}").text)
    assert "/desk/figures/overrules" not in enter("a-operator").get("/desk/figures").text


def test_a_figure_that_is_none_is_not_found(manager: Person) -> None:
    assert manager.get("/desk/figures/patients.svg").status_code == 404


def test_a_server_that_draws_nothing_does_without_the_library() -> None:
    command = "import sys, api; sys.exit('pygal' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], check=False).returncode == 0
