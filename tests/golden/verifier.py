"""Checks a capsule by `docs/reference/log-format.md` alone: no line of this file imports anything of Wegwijs.

Deciding again is left out; that takes the rules of Wegwijs. Raises `Wrong` with what does not hold.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

APART = {"", "case", "case.patient", "case.observations", "reasons", "result", "result.urgency", "result.dispatch",
         "result.recommendation", "result.confidence"}  # fmt: skip


class Wrong(Exception):
    """Something does not hold."""


def demand(holds: bool, what: str) -> None:
    if not holds:
        raise Wrong(what)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(value: Any) -> str:
    return "sha256:" + sha256(canonical(value)).hex()


# -- notes and keys


def read_key(vkey: str) -> tuple[str, bytes, Ed25519PublicKey]:
    name, key_id, key = vkey.split("+", 2)
    raw = base64.b64decode(key)
    demand(raw[:1] == b"\x01" and len(raw) == 33, "the key is an Ed25519 key")
    demand(sha256(name.encode() + b"\n" + raw)[:4].hex() == key_id, "the id of the key fits")
    return name, bytes.fromhex(key_id), Ed25519PublicKey.from_public_bytes(raw[1:])


def signed_text(note: str, vkeys: list[str]) -> tuple[str, str]:
    """The text of a note, and the key among `vkeys` that signed it."""
    text, _, lines = note.rpartition("\n\n")
    text += "\n"
    for line in lines.splitlines():
        dash, name, signature = line.split(" ")
        demand(dash == "\u2014", "a signature begins with a dash")
        raw = base64.b64decode(signature)
        for vkey in vkeys:
            known, key_id, key = read_key(vkey)
            if (known, key_id) == (name, raw[:4]):
                try:
                    key.verify(raw[4:], text.encode())
                except InvalidSignature:
                    raise Wrong("the signature holds") from None
                return text, vkey
    raise Wrong("one of the keys signed")


def check_keys(keys: list[dict[str, Any]]) -> list[str]:
    vkeys: list[str] = []
    for key in keys:
        if vkeys:
            text, _ = signed_text(key["statement"], vkeys[-1:])
            name = read_key(vkeys[-1])[0]
            demand(text == f"wegwijs key 1\n{name}\n{key['vkey']}\n", "the key before it announced this key")
        else:
            demand(key["statement"] is None, "the first key needs no announcement")
        vkeys.append(key["vkey"])
    return vkeys


def read_checkpoint(note: str, keys: list[dict[str, Any]], trusted: str) -> tuple[int, bytes]:
    vkeys = check_keys(keys)
    text, by = signed_text(note, vkeys)
    demand(trusted in vkeys and vkeys.index(trusted) <= vkeys.index(by), "a key that is trusted vouches for this one")
    origin, size, root, _ = text.split("\n", 3)
    demand(origin == read_key(by)[0], "the checkpoint is of the log of the key")
    return int(size), base64.b64decode(root)


# -- the tree (RFC 9162, 2.1.3.2)


def check_inclusion(entry: bytes, position: int, size: int, proof: list[bytes], root: bytes) -> None:
    demand(0 <= position < size, "the position lies in the tree")
    fn, sn, r = position, size - 1, sha256(b"\x00" + entry)
    for p in proof:
        demand(sn != 0, "the proof is not too long")
        if fn & 1 or fn == sn:
            r = sha256(b"\x01" + p + r)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = sha256(b"\x01" + r + p)
        fn, sn = fn >> 1, sn >> 1
    demand(sn == 0 and r == root, "the entry stands in the tree")


# -- fields


def fields_of(record: Any, path: str = "") -> list[tuple[str, Any]]:
    if path in APART and record and isinstance(record, dict | list):
        members = record.items() if isinstance(record, dict) else enumerate(record)
        return [
            field for name, member in members for field in fields_of(member, f"{path}.{name}" if path else str(name))
        ]
    return [(path, record)]


def over_all(fields: list[dict[str, Any]]) -> str:
    commitments = [
        base64.b64decode(field["withheld"])
        if "withheld" in field
        else sha256(base64.b64decode(field["salt"]) + field["path"].encode() + b"\n" + canonical(field["value"]))
        for field in fields
    ]
    return "sha256:" + sha256(b"wegwijs commitments 1\n" + b"".join(sorted(commitments))).hex()


def facts_digest(places: dict[str, Any]) -> str:
    digests = dict(places["others"])
    for key, facts in places["facts"].items():
        profile = facts["profile"]
        plain = {**profile, "lat": f"{profile['lat']:.5f}", "lon": f"{profile['lon']:.5f}"}
        digests[key] = sha256(canonical({**facts, "profile": plain})).hex()
    lines = ["wegwijs facts 1", *sorted(places["holidays"]), *(f"{key} {digests[key]}" for key in sorted(digests))]
    return "sha256:" + sha256("".join(f"{line}\n" for line in lines).encode()).hex()


# -- the whole


def check_entry(form: dict[str, Any], size: int, root: bytes) -> dict[str, Any]:
    entry = form["entry"].encode()
    proof = [base64.b64decode(each) for each in form["place"]["proof"]]
    check_inclusion(entry, form["place"]["position"], size, proof, root)
    found: dict[str, Any] = json.loads(entry)
    demand(canonical(found) == entry and found["version"] == 1, "the entry is canonical and of version 1")
    if form["record"] is not None:
        demand(over_all(form["record"]) == found["commitments"], "the fields are those that were committed to")
    return found


def check_capsule(data: bytes, trusted: str) -> dict[str, Any]:
    """The entry of the decision in a capsule, of which everything was checked but deciding again."""
    capsule = json.loads(data)
    demand(capsule["capsule"] == 1, "the capsule is of version 1")
    size, root = read_checkpoint(capsule["log"]["checkpoint"], capsule["log"]["keys"], trusted)
    entry = check_entry(capsule["decision"], size, root)
    demand(entry["kind"] == "decision", "it is a decision")
    kinds = []
    for other in capsule["others"]:
        found = check_entry(other, size, root)
        demand(found["decision"] == entry["id"], "it is about this decision")
        kinds.append(found["kind"])
    if capsule["decision"]["record"] is None:
        demand("erasure" in kinds, "it was erased on purpose")
        return entry
    demand(digest(capsule["ruleset"]) == entry["ruleset"]["digest"], "the rules are those of then")
    demand(digest(capsule["vocabulary"]) == entry["vocabulary"], "the words are those of then")
    demand(facts_digest(capsule["places"]) == entry["directory"]["facts"], "the places are those of then")
    told = {field["path"]: field["value"] for field in capsule["decision"]["record"] if "path" in field}
    for path, member in (("id", "id"), ("decided_at", "at"), ("asker", "asker")):
        demand(path not in told or told[path] == entry[member], f"{path} is that of the entry")
    return entry
