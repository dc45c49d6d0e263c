"""What must hold for a request to be carried out: that the client has seen what it changes, or did not ask before."""

from __future__ import annotations

import re

from flask import request

from api.problems import Refused
from routing.errors import bad_input
from routing.places import Expected

_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_LIST = re.compile(rf"{_TAG.pattern}(?:[ \t]*,[ \t]*{_TAG.pattern})*")


def expected(*, may_be_new: bool) -> Expected:
    """What `If-Match` and `If-None-Match` of this request ask of what is there now (RFC 9110). One of them is needed:
    `If-Match` for what is there, `If-None-Match: *` for what is not. Raises Refused (400, 428)."""
    match, none_match = _tags("If-Match"), _tags("If-None-Match")
    if match is None and not (may_be_new and none_match == "*"):
        how = "`If-Match: <ETag of what you read>`" + (", or `If-None-Match: *` for a new place" if may_be_new else "")
        raise Refused("precondition-required", f"This change needs {how}.")

    def holds(tag: str | None) -> bool:
        if match is not None and not _matches(match, tag, weak=False):
            return False
        return none_match is None or not _matches(none_match, tag, weak=True)

    return holds


def idempotency_key() -> str | None:
    """The key under which this request is to be carried out once, if it has one. Raises BadInput."""
    given = request.headers.get("Idempotency-Key")
    if given is not None and not _KEY.fullmatch(given):
        # it is not repeated: a client may have put into it what must not be in a log
        raise bad_input("Idempotency-Key", "wrong_value", "is not a key", allowed="1 to 200 characters from ! to ~")
    return given


Tags = list[tuple[bool, str]] | str
"""The tags of a header, each with whether it is weak; or `*`."""


def _tags(header: str) -> Tags | None:
    given = request.headers.get(header)
    if given is None:
        return None
    given = given.strip(" \t")
    if given == "*":
        return given
    if not _LIST.fullmatch(given):
        raise Refused("bad-request", f"`{header}` holds tags between double quotes, or `*`.")
    return [(bool(weak), tag) for weak, tag in _TAG.findall(given)]


def _matches(tags: Tags, tag: str | None, *, weak: bool) -> bool:
    """Whether what is there (`tag`, None if nothing is) is named. A weak tag may only say what one has, not what one
    changes."""
    if tag is None:
        return False
    return isinstance(tags, str) or any(named == tag and (weak or not is_weak) for is_weak, named in tags)
