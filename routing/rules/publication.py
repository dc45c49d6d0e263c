"""Which rulesets were published, under which digest: a published folder never changes."""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from pydantic import Field, model_validator

from routing.errors import Finding
from routing.rules.ruleset import Ruleset
from routing.vocabulary import Strict, parse_as
from routing.yamlfile import read

FILE = "published.yaml"


class Publication(Strict):
    """A published ruleset; `approved_by` is None as long as no clinician approved it. It takes two: whoever approves is
    not the author, and where two agreed at the desk whoever agreed is not who proposed it."""

    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    published_on: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    approved_by: str | None
    note: str
    author: str | None = None
    proposed_by: str | None = None
    agreed_by: str | None = None
    agreed_at: str | None = None

    @model_validator(mode="after")
    def _by_two(self) -> Publication:
        if self.approved_by is not None:
            if not (self.author or "").strip() or not self.approved_by.strip():
                raise ValueError("what is approved names its `author` and who it is `approved_by`")
            if is_same_person(self.author, self.approved_by):
                raise ValueError("`approved_by` is the `author`: it takes two to publish")
        at_the_desk = (self.proposed_by, self.agreed_by, self.agreed_at)
        if any(at_the_desk):
            if not all(at_the_desk):
                raise ValueError("`proposed_by`, `agreed_by` and `agreed_at` belong together")
            if is_same_person(self.proposed_by, self.agreed_by):
                raise ValueError("`agreed_by` is `proposed_by`: it takes two to publish")
            if self.agreed_moment is None:
                raise ValueError("`agreed_at` must be a time with offset, for example 2026-12-01T10:00:00+01:00")
        return self

    @property
    def agreed_moment(self) -> datetime | None:
        """When two people agreed at the desk; None if they did not."""
        try:
            found = datetime.fromisoformat(self.agreed_at or "")
        except ValueError:
            return None
        return None if found.tzinfo is None else found


def is_same_person(one: str | None, other: str | None) -> bool:
    """Whether two names are one, however they are written."""
    return _person(one) == _person(other)


def _person(name: str | None) -> str:
    return "".join(each for each in (name or "").casefold() if each.isalnum())


class PublishedFile(Strict):
    """`published.yaml`."""

    published: dict[str, Publication]


def read_published(root: Path | None = None) -> Mapping[str, Publication]:
    """`name/version` -> publication, of `published.yaml` for `root` (None: what comes with Wegwijs).

    Raises BadData. A folder of rulesets without such a file has published nothing.
    """
    path = published_file(root)
    return parse_as(PublishedFile, read(path)).published if path.is_file() else {}


def published_file(root: Path | None = None) -> Path:
    """Where `published.yaml` of the rulesets at `root` lies, if it is there: in that folder, or two above it where that
    is the folder of one ruleset. None: what comes with Wegwijs."""
    base = root if root is not None else Path(str(importlib.resources.files("rulesets")))
    if (base / "ruleset.yaml").is_file():
        base = base.resolve().parent.parent
    return base / FILE


def changed_since(ruleset: Ruleset, published: Mapping[str, Publication]) -> Finding | None:
    """What is wrong if `ruleset` was published and is not what was published; else None."""
    found = published.get(name := f"{ruleset.name}/{ruleset.version}")
    return None if found is None or found.digest == ruleset.digest else changed(name, ruleset.digest, found)


def changed(name: str, digest: str, published: Publication) -> Finding:
    """What is wrong with the ruleset `NAME/VERSION` whose files have `digest` and were `published` with another one."""
    message = (
        f"`{name}` was published on {published.published_on} as {published.digest} and is now "
        f"{digest}; a published ruleset never changes: make a new version"
    )
    return Finding(FILE, None, message)
