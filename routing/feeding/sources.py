"""Reads which feeds are pulled from where, as an operator writes it down, strictly."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from routing import yamlfile
from routing.errors import BadData, Finding
from routing.feeding.maps import read_map
from routing.formats.feed import FORMATS

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


def refused_address(url: str, *, allow_http: bool) -> str | None:
    """Why nothing is fetched from `url`; None if it may be."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "`url` is not an address"
    if not host or parts.scheme not in ("http", "https"):
        return "`url` must begin with https://"
    if parts.username or parts.password:
        return "`url` must not hold a name or password; use `headers`"
    if parts.scheme == "http" and not (allow_http or loopback(host)):
        return "`url` must begin with https:// (or say `allow_http: true`)"
    return None


def loopback(host: str) -> bool:
    """Whether `host` is this machine itself, which nobody else can reach."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def read_feed_sources(path: Path) -> tuple[FeedSource, ...]:
    """The feeds in the file `path`. Raises BadData with everything that is wrong, with its line."""
    file = yamlfile.read(path)
    try:
        found = _File.model_validate(file.value).feeds
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        raise BadData(tuple(_finding(file, problem) for problem in problems)) from None
    names = [feed.name for feed in found]
    if double := sorted({name for name in names if names.count(name) > 1}):
        raise BadData((Finding(file.name, None, f"names stand twice: {', '.join(double)}"),))
    return tuple(found)


def _finding(file: yamlfile.YamlFile, problem: Any) -> Finding:
    location = tuple(problem["loc"])
    field = ".".join(str(part) for part in location)
    return file.finding(location, f"`{field}`: {problem['msg'].removeprefix('Value error, ')}")


def field_map_of(feed: FeedSource, folder: Path) -> Mapping[str, Any] | None:
    """The mapping of fields of `feed`; its file is looked for from `folder`. Raises BadInput, BadData."""
    return None if feed.map is None else read_map(folder / feed.map)
