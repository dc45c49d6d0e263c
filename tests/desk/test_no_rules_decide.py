"""At the desk of a server on which no rules may decide: what to do is said, and pages that need no rules still work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from routing import service
from routing.service import close_world, open_world
from routing.settings import Settings
from tests.desk.conftest import Person, words_of
from tests.desk.test_case import STEMI, begun
from tests.desk.test_publishing import door_of
from tests.people import account
from tests.rulesets_here import OLDER, publish, two_rulesets

ROLES = ("triagist", "auditor", "medical_manager", "operator")


@pytest.fixture
def people(tmp_path: Path) -> Iterator[dict[str, Person]]:
    """Who sits at the desk, by role; each signed in while rules decided, and then none was published any more."""
    folder = two_rulesets(tmp_path / "rulesets")
    settings = Settings(database_url=f"sqlite:///{tmp_path}/wegwijs.sqlite3", rulesets=folder, only_published=True)
    opened = open_world(settings)
    service.upgrade(opened)
    for role in ROLES:
        account(opened, f"a-{role}", role)
    door = door_of(opened)
    found = {role: door(f"a-{role}") for role in ROLES}
    yield found
    close_world(opened)


def nothing_decides(tmp_path: Path) -> None:
    publish(tmp_path / "rulesets")


def test_who_decides_a_case_is_told_to_decide_by_protocol_and_whom_to_call(
    people: dict[str, Person], tmp_path: Path
) -> None:
    triagist = people["triagist"]
    address = begun(triagist)
    triagist.post(address, {**STEMI, "do": "update"})
    nothing_decides(tmp_path)
    for answer in (triagist.get(address), triagist.post(address, {**STEMI, "do": "decide"})):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
        seen = words_of(answer.text)
        assert "Er zijn nu geen regels die mogen beslissen" in seen
        assert "Beslis volgens uw eigen protocol en bel de beheerder" in seen
    triagist.client.set_cookie("wegwijs-language", "en")
    assert "Decide by your own protocol and call the operator" in words_of(triagist.get(address).text)
    part = triagist.post(address, {**STEMI, "do": "update"}, headers={"HX-Request": "true"})
    assert part.status_code == 503
    assert "call the operator" in words_of(part.text)
    publish(tmp_path / "rulesets", OLDER)
    assert "U1" in words_of(triagist.get(address).text), "what was filled in is there still"


def test_pages_that_need_no_rules_to_decide_still_work(people: dict[str, Person], tmp_path: Path) -> None:
    triagist = people["triagist"]
    address = begun(triagist)
    form = {**STEMI, "f.anticoagulant": "yes", "do": "decide"}
    decision = triagist.post(address, form).location.partition("?")[0].rpartition("/")[2]
    nothing_decides(tmp_path)
    for role, path in (
        ("triagist", "/desk"),
        ("triagist", f"/desk/decisions/{decision}"),
        ("triagist", f"/desk/decisions/{decision}/handover"),
        ("triagist", f"/desk/decisions/{decision}/timeline"),
        ("triagist", "/desk/cases"),
        ("triagist", "/desk/rules"),
        ("triagist", f"/desk/rules/{OLDER}"),
        ("medical_manager", "/desk/rules/publishing"),
        ("auditor", "/desk/audit"),
        ("auditor", f"/desk/audit/{decision}"),
        ("auditor", "/desk/accesses"),
    ):
        answer = people[role].get(path)
        assert answer.status_code == 200, (path, words_of(answer.text)[-600:])
