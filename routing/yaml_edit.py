"""Changes data files that people write by hand, line by line, so that everything else and every remark stays.

What is written is never trusted: whoever edits reads the text again and compares it with what should stand there.
"""

from __future__ import annotations

import re
from typing import Any

from routing.errors import BadData, Finding
from routing.yamlfile import Location, YamlFile, parse


def with_value(text: str, name: str, location: Location, value: str) -> str:
    """`text` with the plain word `value` for the key at `location`, which stands on one line. Raises BadData."""
    file = parse(text, name)
    lines = text.splitlines(keepends=True)
    number = _line(file, location)
    found = re.match(rf"(\s*{re.escape(str(location[-1]))}:\s*)([^#\n]*?)(\s*(?:#.*)?\n?)$", lines[number])
    if found is None:
        raise BadData(
            (file.finding(location, f"`{location[-1]}` does not stand on a line of its own; change it by hand"),)
        )
    lines[number] = f"{found[1]}{value}{found[3]}"
    return _checked("".join(lines), name, _replaced(file.value, location, value))


def without_entries(text: str, name: str, locations: list[Location]) -> str:
    """`text` without the entries at `locations`: members of lists or keys, each begun on a line of its own. Remarks
    above an entry go with what follows them, so those directly above it go too. Raises BadData."""
    file = parse(text, name)
    lines = text.splitlines(keepends=True)
    gone: set[int] = set()
    for location in locations:
        gone |= set(_lines_of(file, lines, location))
    kept = "".join(line for number, line in enumerate(lines) if number not in gone)
    value = file.value
    for location in sorted(locations, key=_deep_and_last_first):
        value = _removed(value, location)
    return _checked(kept, name, value)


def _deep_and_last_first(location: Location) -> tuple[int, tuple[int, ...]]:
    return -len(location), tuple(-part if isinstance(part, int) else 0 for part in location)


def _line(file: YamlFile, location: Location) -> int:
    """The position in the text of the line on which `location` begins."""
    if (found := file.lines.get(location)) is None:
        raise BadData((Finding(file.name, None, f"there is no `{'.'.join(map(str, location))}`"),))
    return found - 1


def _lines_of(file: YamlFile, lines: list[str], location: Location) -> range:
    """The positions of the lines of an entry, with the remarks directly above it and the empty line after it."""
    first = _line(file, location)
    beside = [other for other in file.lines if other[:-1] == location[:-1] and other != location and other]
    if any(file.lines[other] == first + 1 for other in (*beside, location[:-1]) if other):
        raise BadData((file.finding(location, "shares its line with others; take it out by hand"),))
    indent = _indent(lines[first])
    last = first + 1
    while last < len(lines) and (_is_empty(lines[last]) or _indent(lines[last]) > indent):
        last += 1
    while last > first + 1 and _is_empty(lines[last - 1]):  # remarks and room at the end belong to what comes next
        last -= 1
    if last < len(lines) and not lines[last].strip():
        last += 1
    while first > 0 and lines[first - 1].lstrip().startswith("#") and _indent(lines[first - 1]) == indent:
        first -= 1
    return range(first, last)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _is_empty(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _replaced(value: Any, location: Location, new: str) -> Any:
    if not location:
        return parse(f"x: {new}", "a value").value["x"]
    if isinstance(value, dict):
        return {key: _replaced(each, location[1:], new) if key == location[0] else each for key, each in value.items()}
    return [_replaced(each, location[1:], new) if index == location[0] else each for index, each in enumerate(value)]


def _removed(value: Any, location: Location) -> Any:
    first, rest = location[0], location[1:]
    if isinstance(value, dict):
        kept = {key: each for key, each in value.items() if rest or key != first}
        return {key: _removed(each, rest) if rest and key == first else each for key, each in kept.items()}
    kept_list = [(index, each) for index, each in enumerate(value) if rest or index != first]
    return [_removed(each, rest) if rest and index == first else each for index, each in kept_list]


def _checked(text: str, name: str, wanted: Any) -> str:
    """`text` if it reads as `wanted`; a list or mapping of which nothing is left reads as nothing. Raises BadData."""
    found = parse(text, name).value
    if _plain(found) != _plain(wanted):
        raise BadData((Finding(name, None, "could not be changed line by line; change it by hand"),))
    return text


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()} or None
    if isinstance(value, list):
        return [_plain(each) for each in value] or None
    return value
