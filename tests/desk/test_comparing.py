"""What other rules would have changed: in parts that are said to be parts, each decision counted once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from api.desk import comparing
from routing import service
from routing.errors import BadInput
from routing.replaying.run import Wanted, replay_many, suppose_part
from routing.replaying.supposed import supposed_rules
from routing.service import World
from tests.desk.audited import asked_by, damaged, decide, noted_once
from tests.desk.conftest import Person, words_of

People = Callable[[str], Person]

BELLY = {
    "chest_pain": True,
    "back_pain": True,
    "abdominal_pain": True,
    "systolic_bp": 80,
    "known_aortic_aneurysm": True,
}


@pytest.fixture(scope="module")
def made(world: World) -> Iterator[list[str]]:
    """Five decisions, of which older rules would have changed some; one is damaged."""
    asker = asked_by(world)
    found = [decide(world, asker, complaint=None, observations=BELLY) for _ in range(2)]
    found += [decide(world, asker) for _ in range(2)]
    with damaged(world, decide(world, asker)):
        yield found


@pytest.fixture
def auditor(person: People, monkeypatch: pytest.MonkeyPatch) -> Person:
    """An auditor at a machine that is never too slow."""
    monkeypatch.setattr(comparing, "SECONDS_MOST", 600.0)
    return person("auditor")


@pytest.fixture(scope="module")
def older(world: World) -> str:
    """The digest of rules of before."""
    return next(each["digest"] for each in service.rulesets(world)["rulesets"] if each["version"] == "1.0.0")


# -- the use case -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_the_parts_together_are_the_whole(size: int, world: World, made: list[str], older: str) -> None:
    wanted = Wanted(supposed=supposed_rules(world, older), workers=1, most=100, until=world.clock())
    whole = replay_many(world, wanted, lambda _: None)
    parts, after = [], None
    while not parts or after is not None:
        parts.append(suppose_part(world, wanted, after, size, lambda: False))
        after = parts[-1]["next"]
    for name in ("decisions", "identical", "different", "erased", "unreadable"):
        assert sum(part[name] for part in parts) == whole[name]
    assert [row for part in parts for row in part["changed"]] == whole["changed"]
    assert {part["total"] for part in parts} == {whole["decisions"]}


def test_a_part_ends_when_it_is_enough_and_the_next_begins_there(world: World, made: list[str], older: str) -> None:
    wanted = Wanted(supposed=supposed_rules(world, older), most=100, until=world.clock())
    first = suppose_part(world, wanted, None, 100, lambda: True)
    assert (first["decisions"], first["next"] is not None) == (1, True)
    rest = suppose_part(world, wanted, first["next"], 100, lambda: False)
    assert (rest["decisions"], rest["next"]) == (first["total"] - 1, None)


@pytest.mark.parametrize(
    "cursor",
    ["nonsense", "WyJub3QgYSB0aW1lIiwgIngiXQ", "WyIyMDI2LTExLTE4IiwiMDFhMjAyZTAyZjJlNzIwNDlmNTg0ZjY2N2QwZDUzZjQiXQ"],
)
def test_a_part_goes_on_only_where_one_ended(cursor: str, world: World, older: str) -> None:
    with pytest.raises(BadInput):
        suppose_part(world, Wanted(supposed=supposed_rules(world, older)), cursor, 1, lambda: False)


# -- the page ---------------------------------------------------------------------------------------------------------


def test_a_comparison_shows_what_flips_and_links_what_changed(
    auditor: Person, world: World, made: list[str], older: str
) -> None:
    with noted_once(world, "replay"):
        page = auditor.post("/desk/audit/compare", {"ruleset": older}).text
    seen = words_of(page)
    assert "Als acute-nl 1.0.0 had gegolden" in seen
    assert f"/desk/audit/{made[0]}" in page
    assert f"/desk/audit/{made[2]}" not in page
    for part in ("Urgentie", "Aandoeningen", "Regio", "Soort plek", "Toestroom per plek", "Minuten onderweg"):
        assert part in seen
    assert "niet te beslissen" in seen
    assert "Dit is een deel" not in seen


def test_a_part_says_what_it_leaves_out_and_the_command_for_all(
    auditor: Person, made: list[str], older: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "DECISIONS_MOST", 2)
    given = {"ruleset": older, "since": "2026-01-01", "until": "2099-12-30"}
    page = auditor.post("/desk/audit/compare", given).text
    total = int(re.findall(r"2 van (\d+) beslissingen", words_of(page))[0])
    assert f"Dit is een deel: {total - 2} beslissingen tellen hieronder niet mee" in words_of(page)
    command = f"wegwijs replay --since 2026-01-01 --until 2099-12-31 --ruleset {older} --changed changed.jsonl"
    assert command in words_of(page)
    after = re.findall(r'name="after" value="([^"]+)"', page)[0]
    again = words_of(auditor.post("/desk/audit/compare", {**given, "after": after}).text)
    assert f"2 van {total} beslissingen" in again


def test_a_time_without_decisions_says_so(auditor: Person, older: str) -> None:
    given = {"ruleset": older, "since": "2024-01-01", "until": "2024-01-01"}
    assert "In deze tijd zijn geen beslissingen genomen" in auditor.post("/desk/audit/compare", given).text


@pytest.mark.parametrize(
    ("since", "until"), [("2026-02-30", ""), ("yesterday", ""), ("2026-02-02", "2026-02-01"), ("", "2026-02")]
)
def test_dates_that_are_none_are_refused_in_words(since: str, until: str, auditor: Person, older: str) -> None:
    refused = auditor.post("/desk/audit/compare", {"ruleset": older, "since": since, "until": until})
    assert (refused.status_code, "Kies twee data" in refused.text) == (422, True)


def test_one_comparison_runs_at_a_time(auditor: Person, older: str, world: World) -> None:
    with comparing._UNDER_WAY:
        busy = auditor.post("/desk/audit/compare", {"ruleset": older})
        assert (busy.status_code, "Er loopt al een vergelijking" in busy.text) == (503, True)
    assert auditor.post("/desk/audit/compare", {"ruleset": older, "until": "2024-01-01"}).status_code == 200


# -- plots ------------------------------------------------------------------------------------------------------------


def test_a_plot_is_an_image_of_the_numbers_in_the_table_and_holds_no_script(
    auditor: Person, made: list[str], older: str, world: World
) -> None:
    decide(
        world, asked_by(world), complaint=None, observations={"hemoptysis_massive": True}
    )  # of which older rules say less
    page = auditor.post("/desk/audit/compare", {"ruleset": older}).text
    addresses = [unescape(each) for each in re.findall(r'<img class="plot" src="([^"]+)"', page)]
    assert [re.findall(r"/(\w+)\.svg", address)[0] for address in addresses] == ["urgency", "inflow", "minutes"]
    flips = re.findall(r"n=(U\d):(U\d):(\d+)", unquote(addresses[0]))
    drawn = auditor.get(addresses[0]).data.decode()
    assert flips
    for then, now, _ in flips:
        assert f"{then} \u2192 {now}" in drawn
    for address in addresses:
        drawn = auditor.get(address)
        assert (drawn.status_code, drawn.mimetype) == (200, "image/svg+xml")
        names = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(drawn.data).iter()}
        assert "rect" in names
        assert "script" not in names


def test_a_plot_is_made_only_of_numbers_and_places_that_are_known(auditor: Person) -> None:
    for address in ("minutes.svg", "minutes.svg?n=1", "inflow.svg", "inflow.svg?n=%3Cscript%3E:1:2", "other.svg?n=1",
                    "urgency.svg", "urgency.svg?n=U9:U1:2"):  # fmt: skip
        assert auditor.get(f"/desk/audit/compare/{address}").status_code == 404
    drawn = auditor.get("/desk/audit/compare/inflow.svg?n=umc-utrecht:3:12&n=nowhere:9:9")
    assert drawn.status_code == 200
    assert b"nowhere" not in drawn.data
