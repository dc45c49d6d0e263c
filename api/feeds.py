"""Takes in what others report of many places at once, while it is still coming in."""

from __future__ import annotations

import io
from typing import Annotated, Any, BinaryIO

from flask import Blueprint, Response, request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from api.auth import asker, world
from api.body import answer
from api.problems import Refused, problem
from api.queries import Word, identifier, query
from routing.errors import NotFound
from routing.feeding.incoming import Incoming
from routing.feeding.maps import named_map
from routing.feeding.taking_in import take_in as take_in_feed
from routing.formats.feed import FORMATS, Format

SourceName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,63}$")]


def _yes(value: Any) -> bool:
    if value not in ("true", "false"):
        raise ValueError("is not yes or no")
    return bool(value == "true")


class FeedQuery(BaseModel):
    """What `POST /v1/feeds/{format}` may be asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    map: Word | None = Field(None, description="the name of a mapping of fields in the folder WEGWIJS_FEED_MAPS")
    source: SourceName | None = Field(None, description="1 to 64 letters, digits, spaces and . _ : / -")
    dry_run: Annotated[bool, BeforeValidator(_yes), WithJsonSchema({"type": "boolean"})] = Field(
        False, description="true or false"
    )


feeds = Blueprint("feeds", __name__, url_prefix="/v1/feeds")


@feeds.post("/<format_name>")
def take_in(format_name: str) -> Response:
    """Take in a feed, each record as a whole or not at all, and report on every record."""
    form = FORMATS.get(identifier("format", format_name))
    if form is None:
        raise NotFound("format", format_name)
    _check_media_type(form)
    wanted = query(FeedQuery)
    report = take_in_feed(
        world(),
        format_name,
        _stream(world().settings.feed_limit),
        asker(),
        source=wanted.source or f"key {asker().key_id}",
        field_map=named_map(world().settings.feed_maps, wanted.map) if wanted.map else None,
        dry_run=wanted.dry_run,
    )
    if report.broken is None:
        return answer(report.wire())
    detail = f"The feed breaks at `{report.broken.field}`; {report.counts['taken']} facts before that were taken."
    return problem("broken-feed", detail, (report.broken,), more=report.wire())


def _check_media_type(form: Format) -> None:
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype not in form.media_types or charset not in ("utf-8", "utf8"):
        seen, allowed = (request.content_type or "no Content-Type")[:80], "` or `".join(form.media_types)
        raise Refused("unsupported-media-type", f"The body is `{seen}`; this format is `{allowed}` in UTF-8.")
    if encoding := request.headers.get("Content-Encoding"):
        raise Refused("unsupported-media-type", f"The body is compressed (`{encoding[:40]}`); send it as it is.")


def _stream(limit: int) -> BinaryIO:
    """The body of this request as it comes in. Where it stops or goes on too long the feed is broken, not the request:
    what came before that counts."""
    request.max_content_length = limit + 1  # a feed may be larger than a case
    if (request.content_length or 0) > limit:
        raise RequestEntityTooLarge
    body = request.stream

    def read(size: int) -> bytes:
        return body.read(size)

    gone: tuple[Any, ...] = (ClientDisconnected, RequestEntityTooLarge, OSError)
    return io.BufferedReader(Incoming(read, limit, gone), 65_536)
