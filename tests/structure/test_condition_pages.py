"""The pages of the conditions say what the newest rules say: none is missing, stale or left over."""

from __future__ import annotations

import pytest

from tests.structure import write_condition_pages as pages

AGAIN = "run python -m tests.structure.write_condition_pages"
CODES = sorted(path.stem.replace("-", "_") for path in pages.FOLDER.glob("*.md") if path.name != "README.md")


def test_every_condition_that_a_rule_concludes_has_a_page_and_no_other() -> None:
    wanted = {pages.file_of(code).name for code in pages.entries()}
    assert wanted == {path.name for path in pages.FOLDER.glob("*.md")} - {"README.md"}, AGAIN


@pytest.mark.parametrize("code", CODES)
def test_a_page_says_what_the_rules_say(code: str) -> None:
    page = pages.file_of(code).read_text("utf-8")
    assert pages.generated(page, pages.mark(code)) == pages.body(code), AGAIN
    assert page.count(pages.END) == 1


@pytest.mark.parametrize("code", CODES)
def test_a_page_has_room_for_what_people_know(code: str) -> None:
    by_hand = pages.file_of(code).read_text("utf-8").partition(pages.mark(code))[0]
    assert by_hand.startswith("# ")
    places = [by_hand.index(f"\n{heading}\n") for heading in pages.HEADINGS]
    assert places == sorted(places)


def test_the_index_names_every_page() -> None:
    page = (pages.FOLDER / "README.md").read_text("utf-8")
    assert pages.generated(page, pages.INDEX) == pages.index_body(), AGAIN


def test_writing_again_keeps_what_people_wrote() -> None:
    page = "# Stroke\n\n## What it is\n\nOur words.\n"
    first = pages.put(page, pages.mark("cva"), "old\n")
    second = pages.put(first.replace("Our words.", "Better words."), pages.mark("cva"), "new\n")
    assert "Better words." in second
    assert pages.generated(second, pages.mark("cva")) == "new\n"
    assert "old" not in second


def test_a_source_that_was_not_read_is_said_on_every_page_that_rests_on_it() -> None:
    for code, entry in pages.entries().items():
        unread = [source["title"] for source in entry["sources"] if source["read"] != "read"]
        assert ("must be held against the source" in pages.body(code)) is bool(unread)
