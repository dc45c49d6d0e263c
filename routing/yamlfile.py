"""Reads the data files that people write by hand, strictly, and remembers on which line everything stands.

YAML as far as a clinician needs it: `true`, `false` and `null` are the only special words (so `no`, `on`, dates and
`12:30` stay text), a key that stands twice is an error, and tags, anchors and merges are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from routing.errors import BadData, Finding

Location = tuple[str | int, ...]

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)\.[0-9]+")
_SPECIAL = re.compile(r"[&*!]")
DIGITS_MOST = 18
_NUMERIC = re.compile(r"[-+]?[0-9]+(\.[0-9]+)?")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Parser):  # type: ignore[misc]
    """Reads without guessing what a word means: `_scalar` says it."""

    def resolve(self, kind: type[yaml.Node], value: Any, implicit: Any) -> str:
        """One tag for everything; tags that are written are refused."""
        return ""


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A parsed file: its plain value and, for every location in it, the line on which it begins."""

    name: str
    value: Any
    lines: dict[Location, int]

    def line(self, location: Location) -> int | None:
        """The line of `location`, or of the nearest thing around it."""
        for end in range(len(location), -1, -1):
            if (found := self.lines.get(location[:end])) is not None:
                return found
        return None

    def finding(self, location: Location, message: str, rule: str | None = None) -> Finding:
        """A finding at `location` of this file."""
        return Finding(self.name, self.line(location), message, rule)


def read(path: Path, name: str | None = None) -> YamlFile:
    """Read the file at `path`; `name` is what messages call it. Raises BadData with file and line."""
    label = name or path.name
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadData((Finding(label, None, f"is not UTF-8 text (byte {error.start})"),)) from error
    except OSError as error:
        raise BadData((Finding(label, None, f"cannot be read: {error.strerror}"),)) from error
    return parse(text, label)


def parse(text: str, name: str) -> YamlFile:
    """Parse `text`; `name` is what messages call it. Raises BadData with file and line."""
    try:
        for event in yaml.parse(text, Loader=_Loader) if _SPECIAL.search(text) else ():
            if getattr(event, "anchor", None):
                raise _refuse(name, _line(event), "anchors and aliases are not allowed; write it out")
            if tag := getattr(event, "tag", None):
                raise _refuse(name, _line(event), f"the tag `{tag}` is not allowed")
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        raise BadData((Finding(name, line, f"is not valid YAML: {getattr(error, 'problem', error)}"),)) from error
    lines: dict[Location, int] = {}
    value = None if node is None else _value(node, (), lines, name)
    return YamlFile(name, value, lines)


def _line(thing: Any) -> int:
    return int(thing.start_mark.line) + 1


def _refuse(name: str, line: int, message: str) -> BadData:
    return BadData((Finding(name, line, message),))


def _value(node: yaml.Node, here: Location, lines: dict[Location, int], name: str) -> Any:
    line = _line(node)
    lines.setdefault(here, line)
    if isinstance(node, yaml.MappingNode):
        return dict(_pairs(node, here, lines, name))
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*here, index), lines, name) for index, child in enumerate(node.value)]
    if len(node.value) > DIGITS_MOST and not getattr(node, "style", None) and _NUMERIC.fullmatch(node.value):
        raise _refuse(name, line, "this number has more digits than can be meant")
    return _scalar(str(node.value), quoted=bool(getattr(node, "style", None)))


def _pairs(node: yaml.MappingNode, here: Location, lines: dict[Location, int], name: str) -> Iterator[tuple[str, Any]]:
    seen: dict[str, int] = {}
    for key_node, value_node in node.value:
        line = _line(key_node)
        if not isinstance(key_node, yaml.ScalarNode):
            raise _refuse(name, line, "a key must be a word")
        key = str(key_node.value)
        if key == "<<":
            raise _refuse(name, line, "merging with `<<` is not allowed; write it out")
        if key in seen:
            raise _refuse(name, line, f"the key `{key}` stands here a second time (first on line {seen[key]})")
        seen[key] = line
        lines[(*here, key)] = line
        yield key, _value(value_node, (*here, key), lines, name)


def _scalar(text: str, *, quoted: bool) -> Any:
    if quoted:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return text
