"""Takes the objects of one long list out of a JSON file one by one, so that the file never has to fit in the memory.

Only where an object begins and ends is found here; what stands in it is read strictly by `routing.strictjson`, and so
is the rest of the file once it has been seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from routing.errors import BadInput, BrokenFeed, Fault, shown
from routing.formats.record import RECORD_BYTES
from routing.strictjson import parse

LEVELS_MOST = 64
CHUNK_BYTES = 65_536
DAMAGE = frozenset({"not_json", "not_utf8", "too_deep", "empty_body"})
"""Faults after which nobody can say where the next object begins; the others are of one object only."""

_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|["{}\[\]]', re.DOTALL)
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SCALAR = re.compile(rb"[-+.0-9A-Za-z]*")
_SPACE = re.compile(rb"[ \t\r\n]*")

Head = dict[str, Any]


def json_object(data: bytes, where: str, damage: frozenset[str] = DAMAGE) -> dict[str, Any]:
    """The object that `data` writes. Raises BrokenFeed for a fault of `damage`, BadInput where it is not one object."""
    try:
        value = parse(data)
    except BadInput as error:
        fault = error.faults[0]
        if fault.code in damage:
            raise BrokenFeed(where, fault.code, fault.message, fault.allowed) from None
        raise
    except RecursionError:
        raise BrokenFeed(where, "too_deep", "objects and lists are nested too deep") from None
    if not isinstance(value, dict):
        raise BadInput((Fault("", "wrong_type", "is not an object", shown(value), "one JSON object"),))
    return value


def read_entries(
    stream: BinaryIO, key: str, label: str, check: Callable[[Head], None], bare_list: bool = False
) -> Iterator[tuple[Head, int, bytes]]:
    """The objects in the list `key` of the one JSON object in `stream`, as bytes and counted from 1.

    With each comes what stood before the list. `check` is given that too, before the first entry, and once more all
    but the entries at the end; it raises BrokenFeed if this is no file to read. With `bare_list` the file may also be
    the list alone. Raises BrokenFeed where the file is not JSON, is cut off, or has an entry over 1 MB.
    """
    window = _Window(stream, label)
    first = window.peek()
    if first == b"[" and bare_list:
        for entry in _list(window):
            yield {}, window.number, entry
    elif first == b"{":
        yield from _members(window, key, check)
    else:
        raise window.broken("not_json", "does not begin as the object that it must be", "one JSON object")
    if window.peek():
        raise window.broken("not_json", "something stands after the end", "one JSON object")


class _Window:
    """The part of a stream that is in memory; what lies before `at` has been dealt with."""

    def __init__(self, stream: BinaryIO, label: str) -> None:
        self.stream, self.label = stream, label
        self.data, self.at, self.number = b"", 0, 0

    def broken(self, code: str, message: str, allowed: str | None = None) -> BrokenFeed:
        return BrokenFeed(f"{self.label} {self.number + 1}", code, message, allowed)

    def more(self) -> bool:
        """Reads on, keeping what was not dealt with; False at the end of the stream."""
        if len(self.data) - self.at > RECORD_BYTES:
            raise self.broken("too_long", "is longer than an entry may be", "at most 1 MB")
        chunk = self.stream.read(CHUNK_BYTES)
        self.data, self.at = self.data[self.at :] + chunk, 0
        return bool(chunk)

    def peek(self) -> bytes:
        """The next byte that is not a space, or nothing at the end of the stream."""
        while True:
            found = _SPACE.match(self.data, self.at)
            self.at = found.end() if found else self.at
            if self.at < len(self.data):
                return self.data[self.at : self.at + 1]
            if not self.more():
                return b""

    def expect(self, allowed: bytes) -> bytes:
        """Takes the next byte that is not a space, which must be one of `allowed`."""
        if (byte := self.peek()) and byte in allowed:
            self.at += 1
            return byte
        if not byte:
            raise self.broken("cut_off", "the file ends before it is complete", "a whole file")
        raise self.broken("not_json", f"`{byte.decode('latin-1')}` cannot stand here", "JSON")

    def take(self, length: int) -> bytes:
        taken = self.data[self.at : self.at + length]
        self.at += length
        return taken


def _members(window: _Window, key: str, check: Callable[[Head], None]) -> Iterator[tuple[Head, int, bytes]]:
    members: list[bytes] = []
    size, seen = 0, False
    for name in _names(window):
        if name[1:-1] == key.encode() and window.peek() == b"[" and not seen:
            seen = True
            check(head := _head(members, window))
            for entry in _list(window):
                yield head, window.number, entry
            members.append(name + b":[]")
        else:
            members.append(name + b":" + _value(window))
        size += len(members[-1])
        if size > RECORD_BYTES:
            raise window.broken("too_long", "what stands beside the list is longer than it may be", "at most 1 MB")
    whole = _head(members, window)
    if whole.get(key, []) != []:
        raise window.broken("not_json", f"`{key}` is not a list of objects", "a list")
    check(whole)


def _names(window: _Window) -> Iterator[bytes]:
    """The names of the members of the object that begins here, each when what it stands for is next."""
    window.expect(b"{")
    if window.peek() == b"}":
        window.at += 1
        return
    while True:
        name = _text(window)
        window.expect(b":")
        yield name
        if window.expect(b",}") == b"}":
            return


def _head(members: list[bytes], window: _Window) -> Head:
    try:
        return json_object(b"{" + b",".join(members) + b"}", f"what stands beside the list of each {window.label}")
    except BadInput as error:
        raise window.broken(error.faults[0].code, error.faults[0].message, error.faults[0].allowed) from None


def _list(window: _Window) -> Iterator[bytes]:
    window.expect(b"[")
    if window.peek() == b"]":
        window.at += 1
        return
    while True:
        if window.peek() not in {b"{", b""}:
            raise window.broken("not_json", "is not an object", "a list of objects")
        entry = _container(window)
        window.number += 1
        yield entry
        if window.expect(b",]") == b"]":
            return


def _value(window: _Window) -> bytes:
    match window.peek():
        case b"{" | b"[":
            return _container(window)
        case b'"':
            return _text(window)
        case _:
            return _scalar(window)


def _text(window: _Window) -> bytes:
    if window.peek() not in {b'"', b""}:
        raise window.broken("not_json", "a name in quotes must stand here", "JSON")
    while (found := _STRING.match(window.data, window.at)) is None:
        if not window.more():
            raise window.broken("cut_off", "the file ends before it is complete", "a whole file")
    return window.take(found.end() - found.start())


def _scalar(window: _Window) -> bytes:
    while (found := _SCALAR.match(window.data, window.at)) is not None and found.end() == len(window.data):
        if not window.more():
            raise window.broken("cut_off", "the file ends before it is complete", "a whole file")
    if found is None or found.end() == found.start():
        raise window.broken("not_json", "a value must stand here", "JSON")
    return window.take(found.end() - found.start())


def _container(window: _Window) -> bytes:
    """Takes the object or list that begins here; its brackets are counted, outside of texts."""
    depth, here = 0, 0
    while True:
        found = _TOKEN.search(window.data, window.at + here)
        if found is None or found.group() == b'"':  # the text goes on in what was not read yet
            here = (len(window.data) if found is None else found.start()) - window.at
            if not window.more():
                raise window.broken("cut_off", "the file ends before it is complete", "a whole file")
            continue
        here = found.end() - window.at
        if found.group() in b"{[":
            depth += 1
            if depth > LEVELS_MOST:
                raise window.broken("too_deep", "objects and lists are nested too deep", f"{LEVELS_MOST} levels")
        elif found.group() in b"}]":
            depth -= 1
            if depth == 0:
                return window.take(here)
