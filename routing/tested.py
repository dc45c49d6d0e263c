"""What came of the worked cases beside the rules, kept in `tested.json`: running them takes a minute or more, and who
publishes at the desk cannot wait for that. It counts only for exactly these rules, words, places and cases."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from routing.errors import BadData, Finding
from routing.rules.ruleset import Ruleset
from routing.vocabulary import Text

TESTED = "tested.json"
FORMAT = 1

COMMAND = "wegwijs rules test --write"


def made(
    folder: Path, rules: Ruleset, places: str, cases: int, failed: Sequence[str], never_fired: Sequence[str]
) -> dict[str, Any]:
    """What is kept of so many worked cases in `folder` that were run: which of them `failed` (`FILE:LINE`), and which
    rules no case fires (ids). `places` is the digest of the directory with which they were run."""
    return {
        "format": FORMAT,
        "ruleset": {"name": rules.name, "version": rules.version, "digest": rules.digest},
        "vocabulary": rules.vocabulary.digest,
        "directory": places,
        "cases": {"digest": digest_of_cases(folder), "count": cases},
        "failed": list(failed),
        "never_fired": list(never_fired),
    }


def digest_of_cases(folder: Path) -> str:
    """`sha256:` and the digest over all files of worked cases in `folder`, by name and content."""
    found = hashlib.sha256()
    for path in sorted((folder / "cases").rglob("*.y*ml")):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        found.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return f"sha256:{found.hexdigest()}"


def write(folder: Path, found: Mapping[str, Any]) -> Path:
    """Keep what came of them beside the rules."""
    path = folder / TESTED
    path.write_bytes(orjson.dumps(found, option=orjson.OPT_INDENT_2) + b"\n")
    return path


def tested_beside(folder: Path) -> Mapping[str, Any] | None:
    """What is kept beside the rules in `folder`; None if there is nothing. Raises BadData if it cannot be read."""
    path = folder / TESTED
    if not path.is_file():
        return None
    try:
        found = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise BadData((Finding(TESTED, None, f"is no JSON: {error}"),)) from error
    if isinstance(found, dict) and found.get("format") == FORMAT and _has_lists(found):
        return found
    raise BadData((Finding(TESTED, None, f"is not as `{COMMAND}` of this version writes it"),))


def _has_lists(found: Mapping[str, Any]) -> bool:
    lists = found.get("failed"), found.get("never_fired")
    return all(isinstance(one, list) and all(isinstance(each, str) for each in one) for one in lists)


def not_tested(folder: Path, rules: Ruleset, places: str) -> Iterator[Text]:
    """Why it is not certain that the worked cases of `rules` in `folder` come out with the directory of the digest
    `places`, and that every rule has one; nothing if it is."""
    try:
        found = tested_beside(folder)
    except BadData as error:
        for finding in error.findings:
            yield Text(nl=f"is niet te gebruiken: {finding}", en=str(finding))
        return
    if found is None:
        yield Text(
            nl=f"{TESTED}: is er niet; `{COMMAND}` maakt het", en=f"{TESTED}: is not there; `{COMMAND}` makes it"
        )
        return
    if (why := _stale(found, folder, rules, places)) is not None:
        yield Text(
            nl=f"{TESTED}: is van geen nut, want het gaat over andere {why.nl}; `{COMMAND}` maakt het opnieuw",
            en=f"{TESTED}: is of no use, because it is about other {why.en}; `{COMMAND}` makes it again",
        )
        return
    for place in found["failed"]:
        yield Text(
            nl=f"{place}: dit werkvoorbeeld komt anders uit", en=f"{place}: this worked case comes out otherwise"
        )
    for rule in found["never_fired"]:
        yield Text(nl=f"geen werkvoorbeeld laat regel `{rule}` afgaan", en=f"no worked case fires the rule `{rule}`")


def _stale(found: Mapping[str, Any], folder: Path, rules: Ruleset, places: str) -> Text | None:
    """What it is about otherwise than what lies there now; None if it is about exactly that."""
    now = made(folder, rules, places, 0, (), ())
    for part, what in (
        ("ruleset", Text(nl="regels", en="rules")),
        ("vocabulary", Text(nl="woorden", en="words")),
        ("directory", Text(nl="plaatsen", en="places")),
    ):
        if found.get(part) != now[part]:
            return what
    cases = found.get("cases")
    same = isinstance(cases, dict) and cases.get("digest") == now["cases"]["digest"]
    return None if same else Text(nl="werkvoorbeelden", en="worked cases")
