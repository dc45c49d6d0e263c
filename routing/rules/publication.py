"""Which rulesets were published, under which digest: a published folder never changes."""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, model_validator

from routing.errors import Finding
from routing.rules.ruleset import Ruleset
from routing.vocabulary import Strict, parse_as
from routing.yamlfile import read


class Publication(Strict):
    """A published ruleset; `approved_by` is None as long as no clinician approved it. It takes two: whoever approves is
    not the author."""

    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    published_on: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    approved_by: str | None
    note: str
    author: str | None = None

    @model_validator(mode="after")
    def _by_two(self) -> Publication:
        if self.approved_by is not None:
            if not (self.author or "").strip() or not self.approved_by.strip():
                raise ValueError("what is approved names its `author` and who it is `approved_by`")
            if is_same_person(self.author, self.approved_by):
                raise ValueError("`approved_by` is the `author`: it takes two to publish")
        return self


def is_same_person(one: str | None, other: str | None) -> bool:
    """Whether two names are one, however they are written."""
    return _person(one) == _person(other)


def _person(name: str | None) -> str:
    return "".join(each for each in (name or "").casefold() if each.isalnum())


class PublishedFile(Strict):
    """`published.yaml`."""

    published: dict[str, Publication]


def read_published(root: Path | None = None) -> Mapping[str, Publication]:
    """`name/version` -> publication, of `published.yaml` under `root` (None: what comes with Wegwijs).

    Raises BadData. A folder of rulesets without such a file has published nothing.
    """
    base = root if root is not None else Path(str(importlib.resources.files("rulesets")))
    path = base / "published.yaml"
    return parse_as(PublishedFile, read(path)).published if path.is_file() else {}


def changed_since(ruleset: Ruleset, published: Mapping[str, Publication]) -> Finding | None:
    """What is wrong if `ruleset` was published and is not what was published; else None."""
    found = published.get(f"{ruleset.name}/{ruleset.version}")
    if found is None or found.digest == ruleset.digest:
        return None
    message = (
        f"`{ruleset.name}/{ruleset.version}` was published on {found.published_on} as {found.digest} and is now "
        f"{ruleset.digest}; a published ruleset never changes: make a new version"
    )
    return Finding("published.yaml", None, message)
