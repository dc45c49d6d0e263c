"""What is written is true: every call and every problem is documented, and every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from api import create_app
from api.auth import ACTIONS
from api.desk import create_desk
from api.desk.rights import PAGES as DESK_PAGES
from api.problem_types import TYPES
from routing.rights import RIGHTS, ROLES
from routing.service import close_world, open_world
from routing.settings import Settings

ROOT = Path(__file__).parents[2]
API = (ROOT / "docs/reference/api.md").read_text("utf-8")
PROBLEMS = (ROOT / "docs/reference/problems.md").read_text("utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_PICTURE = re.compile(r"!\[[^\]]*\]\(([^)\s:]+)\)")
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The app, for its map of addresses; its database is never opened."""
    world = open_world(Settings(database_url=f"sqlite:///{tmp_path_factory.mktemp('docs')}/none.sqlite3"))
    made = create_app(world=world)
    close_world(world)
    return made


def calls(app: Flask) -> dict[str, str]:
    """Every call, as it is written in the documents -> its endpoint."""
    return {
        f"{method} {rule.rule.replace('<', '{').replace('>', '}')}": rule.endpoint
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_every_call_is_described_and_nothing_else(app: Flask) -> None:
    described = re.findall(r"^## `([A-Z]+ /.*)`$", API, re.MULTILINE)
    assert sorted(described) == sorted(calls(app))


def test_the_table_of_calls_names_the_roles_that_may(app: Flask) -> None:
    rows = dict(re.findall(r"^\| \[`([A-Z]+ /[^`]*)`\][^|]*\|[^|]*\| ([^|]+) \|$", API, re.MULTILINE))
    everyone = set(ROLES)
    expected = {}
    for call, endpoint in calls(app).items():
        allowed = RIGHTS[ACTIONS[endpoint]] if endpoint in ACTIONS else None
        expected[call] = {"no key"} if allowed is None else {"any"} if allowed == everyone else set(allowed)
    assert {call: set(roles.split(", ")) for call, roles in rows.items()} == expected


def test_the_table_of_roles_is_what_the_server_does(app: Flask) -> None:
    page = (ROOT / "docs/reference/keys-and-roles.md").read_text("utf-8")
    assert re.findall(r"^\| (\w+) \|", page.partition("## Roles")[2], re.MULTILINE)[1 : len(ROLES) + 1] == list(ROLES)
    head = "| call | " + " | ".join(ROLES) + " |"
    rows = dict(re.findall(r"^\| `([A-Z]+ /[^`]*)` \| (.+) \|$", page.partition(head)[2], re.MULTILINE))
    expected = {
        call: " | ".join("yes" if role in RIGHTS[ACTIONS[endpoint]] else "-" for role in ROLES)
        for call, endpoint in calls(app).items()
        if endpoint in ACTIONS
    }
    assert rows == expected


def test_every_problem_is_described_in_the_words_of_the_server() -> None:
    sections = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", PROBLEMS, re.MULTILINE | re.DOTALL))
    assert list(sections) == list(TYPES)
    for name, kind in TYPES.items():
        text = " ".join(sections[name].split())
        assert f"**{kind.status}: {kind.title.en}** ({kind.title.nl})" in text
        assert f"What to do: {kind.advice.en}" in text


def anchors(page: Path) -> set[str]:
    """The anchors of the headings of `page`, as a reader's browser knows them."""
    headings = re.findall(r"^#+ (.+)$", _FENCED.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in _LINK.findall(_FENCED.sub("", page.read_text("utf-8"))):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_page_can_be_found_from_the_index() -> None:
    index = (ROOT / "docs/README.md").read_text("utf-8")
    linked = {(ROOT / "docs" / link.partition("#")[0]).resolve() for link in _LINK.findall(index)}
    folders = {path for path in linked if path.is_dir()}
    lost = [
        page.relative_to(ROOT).as_posix()
        for page in PAGES[1:]
        if page.name != "README.md" and page not in linked and not folders & set(page.parents)
    ]
    assert lost == []


def test_every_page_of_the_desk_is_described_with_the_roles_that_may(app: Flask) -> None:
    text = (ROOT / "docs/reference/desk.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(/desk[^`]*)` \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE))
    expected = {}
    for rule in create_desk(app).url_map.iter_rules():
        if "GET" in (rule.methods or set()) and rule.endpoint != "static":
            address = rule.rule.replace("<", "{").replace(">", "}")
            page = DESK_PAGES.get(rule.endpoint)
            allowed = RIGHTS[page.action] if page is not None else None
            expected[address] = (
                {"nobody signed in"} if allowed is None else {"any"} if allowed == set(ROLES) else allowed
            )
    assert {address: set(roles.split(", ")) for address, roles in rows.items()} == expected


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_picture_is_there_and_no_page_waits_for_it(page: Path) -> None:
    for picture in _PICTURE.findall(page.read_text("utf-8")):
        found = (page.parent / picture).resolve()
        assert found.exists(), picture
        assert found.stat().st_size < 200_000, picture
