"""Mappings of fields, which an operator writes for feeds whose names differ between senders: a folder of YAML files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from routing import yamlfile
from routing.errors import bad_input


def named_map(folder: Path | None, name: str) -> Mapping[str, Any]:
    """The mapping `name` in `folder`. Raises BadInput if there is none, BadData if it cannot be read."""
    found = sorted(path.stem for path in folder.glob("*.yaml")) if folder is not None else []
    if folder is None or name not in found:
        raise bad_input("map", "unknown_map", "is not a mapping of fields here", name, ", ".join(found) or "none yet")
    return read_map(folder / f"{name}.yaml")


def read_map(path: Path) -> Mapping[str, Any]:
    """The mapping in the file `path`. Raises BadInput, BadData."""
    if not path.is_file():
        raise bad_input("map", "unreadable", "is not a file", str(path), "a YAML file")
    value = yamlfile.read(path).value
    if not isinstance(value, Mapping):
        raise bad_input("map", "not_an_object", "is not a mapping", value, "names of fields with what they mean")
    return value
