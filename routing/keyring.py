"""The secret keys of an installation, in one file: what signs the logs, what seals records, what names patients.

They lie outside the database on purpose: whoever may write in the database cannot sign what it would then say, and
whoever has a copy of it cannot read what is about patients.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from routing.errors import KeysUnusable

KEY_BYTES = 32
Random = Callable[[int], bytes]
"""Gives so many random bytes."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys, the newest last. `signing` are seeds of Ed25519 keys, `sealing` AES keys; `naming` makes pseudonyms."""

    signing: tuple[bytes, ...] = field(repr=False)
    sealing: tuple[bytes, ...] = field(repr=False)
    naming: bytes = field(repr=False)

    def sealing_key(self, name: str) -> bytes | None:
        """The sealing key of this name."""
        return next((key for key in self.sealing if name_of(key) == name), None)


def name_of(sealing_key: bytes) -> str:
    """The name of a sealing key, which tells nothing of it: 16 hexadecimal digits."""
    return hashlib.sha256(b"wegwijs sealing key\n" + sealing_key).hexdigest()[:16]


def seed_of(signing: bytes, origin: str) -> bytes:
    """The seed of the key that signs the log `origin`: every log has one of its own."""
    return hashlib.sha256(b"wegwijs signing key\n" + signing + origin.encode()).digest()


def new_keyring(random: Random) -> Keyring:
    """A keyring with one key of each kind."""
    return Keyring((random(KEY_BYTES),), (random(KEY_BYTES),), random(KEY_BYTES))


def with_new_keys(keyring: Keyring, random: Random, *, signing: bool, sealing: bool) -> Keyring:
    """`keyring` with another key that signs, or seals, from now on; the earlier ones stay, to read what there is."""
    return replace(
        keyring,
        signing=(*keyring.signing, random(KEY_BYTES)) if signing else keyring.signing,
        sealing=(*keyring.sealing, random(KEY_BYTES)) if sealing else keyring.sealing,
    )


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    version: int
    signing: list[str]
    sealing: list[str]
    naming: str


def read_keyring(path: Path) -> Keyring | None:
    """The keyring in `path`; None if there is no such file. Raises KeysUnusable if it cannot be read, or by others
    too."""
    try:
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise KeysUnusable(f"the file of keys {path} can be read by others: chmod 600 {path}")
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        advice = "the user that runs Wegwijs must be able to"
        raise KeysUnusable(f"the file of keys {path} cannot be read: {error.strerror}; {advice}") from error
    try:
        found = _File.model_validate_json(data)
        keyring = Keyring(tuple(map(_key, found.signing)), tuple(map(_key, found.sealing)), _key(found.naming))
    except (ValidationError, ValueError):  # nothing of the file may stand in a message
        keyring = None
    if keyring is None or found.version != 1 or not keyring.signing or not keyring.sealing:
        message = "does not hold keys as they are written here: put the newest copy of it in its place"
        raise KeysUnusable(f"the file of keys {path} {message}")
    return keyring


def write_keyring(path: Path, keyring: Keyring) -> None:
    """Write `keyring` to `path`, readable by its owner alone; what was there before is replaced at once, or stays.
    Raises KeysUnusable."""
    content = {
        "version": 1,
        "signing": list(map(_text, keyring.signing)),
        "sealing": list(map(_text, keyring.sealing)),
        "naming": _text(keyring.naming),
    }
    new = path.with_name(f"{path.name}.new-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new.unlink(missing_ok=True)  # of a process that died: whoever made it may have left it open to others
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        _sync(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
        advice = "make its folder writable, or say with WEGWIJS_KEYS where it may lie"
        raise KeysUnusable(f"the file of keys {path} cannot be written: {error.strerror}; {advice}") from error


def _sync(folder: Path) -> None:
    """That a file in `folder` has a new name must be on disk too: the database will rest on it."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != KEY_BYTES:
        raise ValueError("a key has another length")
    return key


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()
