"""Reads which feeds are pulled from where, as an operator writes it down, strictly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from routing.feeding.maps import read_map
from routing.formats.feed import FORMATS
from routing.other_servers import none_twice, read_servers, refused_address

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Header = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
SourceName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,63}$")]


class FeedSource(BaseModel):
    """One feed: its address and format, how often and how long, and for which places it may speak (None: for all).

    `headers` names, for a header, the variable of the environment that holds its value: no secret stands in the file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Name
    format: str
    url: str = Field(max_length=2_000, repr=False)
    source: SourceName
    map: str | None = None
    every_seconds: int = Field(60, ge=5, le=86_400)
    timeout_seconds: int = Field(20, ge=1, le=600)
    headers: dict[Header, Variable] = Field(default_factory=dict)
    facilities: list[str] | None = Field(None, min_length=1)
    allow_http: bool = False

    @field_validator("format")
    @classmethod
    def _format(cls, name: str) -> str:
        if name not in FORMATS:
            raise ValueError(f"is not a format; there are: {', '.join(FORMATS)}")
        return name

    @model_validator(mode="after")
    def _together(self) -> FeedSource:
        if reason := refused_address(self.url, allow_http=self.allow_http):
            raise ValueError(reason)
        if FORMATS[self.format].needs_map and self.map is None:
            raise ValueError(f"`map` is needed: the fields of `{self.format}` differ between senders")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    feeds: list[FeedSource] = Field(min_length=1)

    @field_validator("feeds")
    @classmethod
    def _named_once(cls, feeds: list[FeedSource]) -> list[FeedSource]:
        none_twice([feed.name for feed in feeds])
        return feeds


def read_feed_sources(path: Path) -> tuple[FeedSource, ...]:
    """The feeds in the file `path`. Raises BadData with everything that is wrong, with its line."""
    return tuple(read_servers(path, _File).feeds)


def field_map_of(feed: FeedSource, folder: Path) -> Mapping[str, Any] | None:
    """The mapping of fields of `feed`; its file is looked for from `folder`. Raises BadInput, BadData."""
    return None if feed.map is None else read_map(folder / feed.map)
