"""Fetches a feed from an address, if it changed: with limits on time and size, and from nowhere else than was said."""

from __future__ import annotations

import http.client
import io
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from routing.errors import WegwijsError
from routing.feeding.incoming import Incoming


class NotFetched(WegwijsError):
    """What was asked for could not be fetched; says why, and nothing of what was sent. `status` is what the server
    answered, if it did."""

    def __init__(self, words: str, status: int | None = None) -> None:
        super().__init__(words)
        self.status = status


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address answered: the body while it comes in (None: it is as it was), and how to ask again."""

    stream: BinaryIO | None
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked of an address: how long all waiting may take together, and how many bytes it may send. With a
    `form` that is sent there (POST)."""

    url: str
    headers: Mapping[str, str]
    timeout_seconds: float
    limit: int
    etag: str | None = None
    last_modified: str | None = None
    form: bytes | None = field(default=None, repr=False)


@contextmanager
def fetch(asking: Asking, elapsed: Callable[[], float]) -> Iterator[Fetched]:
    """What is at an address now; `elapsed` is a clock in seconds that never goes back. Raises NotFetched; the stream
    raises BrokenFeed where it stops, takes too long or is too large."""
    opener = urllib.request.build_opener(_SameHost)
    try:
        answer = opener.open(_request(asking), timeout=asking.timeout_seconds)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == 304:
                yield Fetched(None, asking.etag, asking.last_modified)
                return
            raise NotFetched(f"the server answered {error.code}", error.code) from None
    except (OSError, http.client.HTTPException) as error:
        raise NotFetched(_plainly(error, asking)) from None
    with answer:
        encoding = answer.headers.get("Content-Encoding", "identity")
        if answer.status != 200 or encoding != "identity":
            raise NotFetched(f"the server answered {answer.status} with the encoding `{encoding[:20]}`")
        said = (answer.headers.get("ETag"), answer.headers.get("Last-Modified"))
        yield Fetched(_stream(answer, asking, elapsed), *said)


def _request(asking: Asking) -> urllib.request.Request:
    conditions = {"If-None-Match": asking.etag, "If-Modified-Since": asking.last_modified}
    headers = {name: value for name, value in conditions.items() if value is not None}
    own = {"User-Agent": "Wegwijs", "Accept-Encoding": "identity", **headers, **asking.headers}
    # the address was checked when it was read
    return urllib.request.Request(asking.url, asking.form, own)  # noqa: S310


def _stream(answer: Any, asking: Asking, elapsed: Callable[[], float]) -> BinaryIO:
    waited = 0.0

    def read(size: int) -> bytes:
        nonlocal waited
        began = elapsed()
        # one piece of what is there: a server that sends a byte now and then must not hold us for ever
        piece: bytes = answer.read1(size)
        waited += elapsed() - began
        if waited > asking.timeout_seconds:
            raise TimeoutError
        return piece

    gone = (OSError, http.client.HTTPException)
    return io.BufferedReader(Incoming(read, asking.limit, gone, answer.length), 65_536)


def _plainly(error: Exception, asking: Asking) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return f"no answer within {asking.timeout_seconds:g} seconds"
    if isinstance(reason, _ElsewhereError):
        return "the server points to another host, or to one without https"
    return f"cannot be reached ({type(reason).__name__})"


class _ElsewhereError(OSError):
    """A redirect that is not followed."""


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only on the same host and port, never from https to http, and never with a form."""

    max_redirections = 3

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """The request that follows. Raises OSError if there must be none."""
        before, after = urlsplit(req.full_url), urlsplit(newurl)
        same = (before.scheme, before.hostname, before.port) == (after.scheme, after.hostname, after.port)
        if not same or req.data is not None:  # a form may hold a secret: it goes to the address that was named
            fp.close()
            raise _ElsewhereError
        return super().redirect_request(req, fp, code, msg, headers, newurl)
