"""Where properties and proofs lie, and whether a proof is still about the rules and properties that lie there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from routing.errors import BadData, Finding
from routing.proving.properties import FILE, Properties, properties_beside
from routing.rules.ruleset import Ruleset
from routing.vocabulary import Text

PROOF = "proof.json"


def properties_for(folder: Path, ruleset: Ruleset) -> Properties | None:
    """The properties of the rules in `folder`: those beside them, else those of the newest version before that has any.
    Raises BadData."""
    for place in (folder, *_before(folder)):
        if (found := properties_beside(place, ruleset)) is not None:
            return found
    return None


def _before(folder: Path) -> Iterator[Path]:
    """The versions before that in `folder`, the newest first."""
    number = _number(folder.resolve().name)
    others = [path.parent for path in folder.resolve().parent.glob(f"*/{FILE}")]
    known = {path: found for path in others if (found := _number(path.name)) is not None}
    if number is not None:
        yield from sorted((path for path in known if known[path] < number), key=known.__getitem__, reverse=True)


def _number(name: str) -> tuple[int, ...] | None:
    parts = name.split(".")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else None


def proof_beside(folder: Path) -> Mapping[str, Any] | None:
    """The proof that lies beside the rules in `folder`; None if there is none. Raises BadData if it cannot be read."""
    path = folder / PROOF
    if not path.is_file():
        return None
    try:
        found: Mapping[str, Any] = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise BadData((Finding(str(path), None, f"is no JSON: {error}"),)) from error
    return found


def stale(proof: Mapping[str, Any], ruleset: Ruleset, properties: Properties) -> Text | None:
    """Why `proof` says nothing of these rules and properties; None if it is about exactly these."""
    if proof.get("ruleset", {}).get("digest") != ruleset.digest:
        return Text(nl="het gaat over andere regels", en="it is about other rules")
    if proof.get("vocabulary") != ruleset.vocabulary.digest:
        return Text(nl="het gaat over een andere woordenlijst", en="it is about another vocabulary")
    if proof.get("properties_digest") != properties.digest:
        return Text(nl="het gaat over andere eigenschappen", en="it is about other properties")
    missing = {one.id for one in properties.properties} ^ {one["id"] for one in proof["properties"]}
    if not missing:
        return None
    names = ", ".join(sorted(missing))
    return Text(nl=f"het gaat niet over {names}", en=f"it is not about {names}")


def differing(kept: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    """The properties of which something else came out now than stands in the proof that was kept."""
    before = {one["id"]: one for one in kept["properties"]}
    for one in found["properties"]:
        other = before.get(one["id"], {})
        for part in ("verdict", "failing", "listed"):
            if one.get(part) != other.get(part):
                yield f"{one['id']}: `{part}` is {one.get(part)}, and {PROOF} says {other.get(part)}"


def write(folder: Path, proof: Mapping[str, Any]) -> Path:
    """Keep `proof` beside the rules."""
    path = folder / PROOF
    path.write_bytes(orjson.dumps(proof, option=orjson.OPT_INDENT_2) + b"\n")
    return path
