"""Other servers, as an operator writes them down: files that name them, read strictly, and whom we may ask."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from routing import yamlfile
from routing.errors import BadData, Finding

Shape = TypeVar("Shape", bound=BaseModel)


def read_servers(path: Path, shape: type[Shape]) -> Shape:
    """The file `path`. Raises BadData with everything that is wrong, with its line, and without any value: an address
    may hold a secret."""
    file = yamlfile.read(path)
    try:
        return shape.model_validate(file.value)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        raise BadData(tuple(_finding(file, problem) for problem in problems)) from None


def _finding(file: yamlfile.YamlFile, problem: Any) -> Finding:
    location = tuple(problem["loc"])
    field = ".".join(str(part) for part in location)
    return file.finding(location, f"`{field}`: {problem['msg'].removeprefix('Value error, ')}")


def none_twice(names: list[str]) -> None:
    """Raises ValueError if one of `names` stands there twice."""
    if double := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"stands twice: {', '.join(double)}")


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
