"""The names on the wire of what goes wrong, in one shape for every problem (RFC 9457)."""

from __future__ import annotations

from pydantic import Field

from api.place_schemas import FeedReport
from api.schemas import Answer, FieldError, Words


class Problem(Answer):
    """What went wrong: `type` leads to a page about it, `advice` says what to do, `errors` name the fields."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    advice: Words
    errors: list[FieldError] = Field(default_factory=list)


class BrokenFeed(FeedReport, Problem):
    """A feed that could not be read to its end, with what became of the records before that."""
