"""Reads the records of an XML file one by one, so that a large file needs no more memory than its largest record.

Document types, entities and references to elsewhere are refused before they can do anything. Prefixes of namespaces
are of no importance; elements go by their local names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from routing.errors import BrokenFeed, shown
from routing.formats.record import RECORD_BYTES

LEVELS_MOST = 64
"""Messages about hospitals are about ten levels deep; what nests deeper than this is none."""

Leaf = tuple[tuple[str, ...], str]
"""The local names from the record down to an element without children, and its text."""


class _Measured:
    """A stream that refuses to go on when one record has become too long."""

    def __init__(self, stream: BinaryIO, record: str) -> None:
        self.stream = stream
        self.record = record
        self.read_since = 0
        self.records = 0

    def read(self, size: int = -1) -> bytes:
        if self.read_since > RECORD_BYTES:
            raise BrokenFeed(self.where(), "too_long", "is longer than a record may be", "at most 1 MB")
        data = self.stream.read(size)
        self.read_since += len(data)
        return data

    def where(self) -> str:
        return f"{self.record} {self.records + 1}"


def read_elements(stream: BinaryIO, root: str, version: str, record: str) -> Iterator[tuple[int, Element]]:
    """The children `record` of the root element, counted from 1; each is empty again when the next one is asked for.

    `version` is how the namespace of the root must end, if it has one. Raises BrokenFeed for what is not well-formed,
    for another root, and for document types, entities and what nests too deep.
    """
    measured = _Measured(stream, record)
    try:
        yield from _records(measured, root, version, record)
    except DefusedXmlException as error:
        message = "holds a document type, an entity or a reference to elsewhere"
        raise BrokenFeed(measured.where(), "forbidden_xml", message, "elements and text only") from error
    except ParseError as error:
        line = error.position[0]
        raise BrokenFeed(f"{measured.where()}, line {line}", "not_xml", f"is not XML: {error.msg}") from error
    except (LookupError, ValueError) as error:
        raise BrokenFeed(measured.where(), "bad_encoding", "is in an encoding that cannot be read", "UTF-8") from error


def _records(measured: _Measured, root: str, version: str, record: str) -> Iterator[tuple[int, Element]]:
    top: Element | None = None
    depth = 0
    for event, element in _events(measured):
        if event == "start":
            depth += 1
            if top is None:
                top = _checked_root(element, root, version)
            if depth > LEVELS_MOST:
                raise BrokenFeed(measured.where(), "too_deep", "elements are nested too deep", f"{LEVELS_MOST} levels")
            continue
        depth -= 1
        if depth == 1 and top is not None:
            if local_name(element) == record:
                yield measured.records + 1, element
                measured.records += 1
            top.clear()
            measured.read_since = 0


def _events(measured: _Measured) -> Iterable[tuple[str, Element]]:
    events: Iterable[tuple[str, Element]] = iterparse(measured, events=("start", "end"), forbid_dtd=True)
    return events


def _checked_root(element: Element, root: str, version: str) -> Element:
    namespace = element.tag[1:].partition("}")[0] if element.tag.startswith("{") else ""
    if local_name(element) != root or (namespace and not namespace.lower().endswith(version)):
        message = f"`{shown(local_name(element))}` is not the message that this format reads"
        raise BrokenFeed(
            "the root element", "unknown_root", message, f"`{root}` of the namespace that ends on {version}"
        )
    return element


def local_name(element: Element) -> str:
    """The name of `element` without its namespace."""
    tag: Any = element.tag
    return str(tag).rpartition("}")[2]


def leaves(element: Element, path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Every element within `element` that has no children, in the order of the document."""
    for child in element:
        below = (*path, local_name(child))
        if len(child):
            yield from leaves(child, below)
        else:
            yield below, " ".join((child.text or "").split())


def find(element: Element, *names: str) -> Iterator[Element]:
    """The elements at `names` below `element`, by their local names."""
    if not names:
        yield element
        return
    for child in element:
        if local_name(child) == names[0]:
            yield from find(child, *names[1:])


def text_at(element: Element, *names: str) -> str | None:
    """The text of the first element at `names` below `element`; None where there is none or it is empty."""
    for found in find(element, *names):
        if text := " ".join((found.text or "").split()):
            return text
    return None
