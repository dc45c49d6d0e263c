"""What was published stays as it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from routing.errors import BadData
from routing.rules.building import packaged_rulesets
from routing.rules.publication import changed_since, read_published
from tests.once import read_ruleset, read_vocabulary

FOLDERS = {f"{folder.parent.name}/{folder.name}": folder for folder in packaged_rulesets()}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_published_ruleset_never_changes(name: str) -> None:
    ruleset = read_ruleset(FOLDERS[name], read_vocabulary())
    assert f"{ruleset.name}/{ruleset.version}" == name
    assert read_published()[name].digest == ruleset.digest, "make a new version folder instead"


def test_every_published_ruleset_is_still_there() -> None:
    assert set(read_published()) <= set(FOLDERS)


def test_nobody_is_said_to_have_approved_what_no_clinician_accepted() -> None:
    for name, publication in read_published().items():
        pending = read_ruleset(FOLDERS[name], read_vocabulary()).pending
        assert not (pending and publication.approved_by), name


PUBLISHED = """
published:
  mine/1.0.0:
    digest: sha256:{digest}
    published_on: "2026-12-01"
    note: x
    approved_by: {approved_by}
{author}
"""


@pytest.mark.parametrize(
    ("approved_by", "author", "said"),
    [
        ("null", "", None),
        ("A. Jansen", "    author: P. de Vries", None),
        ("A. Jansen", "", "author"),
        ("A. Jansen", "    author: ' '", "author"),
        ("' '", "    author: P. de Vries", "approved_by"),
        ("A. Jansen", "    author: a jansen", "takes two"),
    ],
)
def test_it_takes_two_people_to_publish(approved_by: str, author: str, said: str | None, tmp_path: Path) -> None:
    text = PUBLISHED.format(digest="0" * 64, approved_by=approved_by, author=author)
    (tmp_path / "published.yaml").write_text(text)
    if said is None:
        assert list(read_published(tmp_path)) == ["mine/1.0.0"]
        return
    with pytest.raises(BadData) as raised:
        read_published(tmp_path)
    assert said in str(raised.value)


def test_a_changed_ruleset_is_found() -> None:
    name, folder = next(iter(FOLDERS.items()))
    ruleset = read_ruleset(folder, read_vocabulary())
    published = read_published()
    assert changed_since(ruleset, published) is None
    found = changed_since(replace(ruleset, digest="sha256:" + "0" * 64), published)
    assert found is not None
    assert name in str(found)
    assert "make a new version" in str(found)
