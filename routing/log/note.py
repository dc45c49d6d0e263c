"""Signed notes: a text, and below it the names and Ed25519 signatures of those who stand for it.

The form is that of C2SP signed-note; the text of a note about a log is a checkpoint (C2SP tlog-checkpoint): whose log,
how many entries, and the root of the Merkle tree over them. Nothing of a text may be believed before `opened` gave it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from routing.errors import BadInput, BadRecord, bad_input
from routing.log.merkle import EMPTY_ROOT, HASH_BYTES, SIZE_MOST

NOTE_LENGTH_MOST = 2**18
"""Characters in a note: room for a checkpoint and SIGNATURES_MOST signatures, also ones that are thousands of bytes."""

SIGNATURES_MOST = 64
"""The specification asks for 16 or more."""

KEY_BYTES = 32
KEY_ID_BYTES = 4

_ED25519 = b"\x01"
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")  # all but the newline
_NAME = re.compile(r"[^\s+\x00-\x1f]+")
_SIGNATURE = re.compile(rf"— ({_NAME.pattern}) ([A-Za-z0-9+/]+={{0,2}})")
_VKEY = re.compile(rf"({_NAME.pattern})\+([0-9a-f]{{8}})\+([A-Za-z0-9+/]+={{0,2}})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")

_FIELD = 2**255 - 19
_ORDER_8 = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_WEAK = frozenset({0, 1, _FIELD - 1, _ORDER_8, _FIELD - _ORDER_8})
# The y of the eight points of small order. As a public key such a point, 32 zero bytes for one, fits signatures that
# nobody made.


@dataclass(frozen=True, slots=True)
class Verifier:
    """Who may have signed: a name, and the 32 bytes of the public key. Raises BadInput if either cannot be one.

    Keys under which anybody can make signatures are refused too.
    """

    name: str
    public_key: bytes

    def __post_init__(self) -> None:
        _check_name(self.name)
        if len(self.public_key) != KEY_BYTES:
            raise bad_input("public_key", "wrong_value", "is not an Ed25519 key", None, f"{KEY_BYTES} bytes")
        y = int.from_bytes(self.public_key, "little") % 2**255
        if y >= _FIELD or y in _WEAK:
            raise bad_input("public_key", "wrong_value", "is not a key that anybody holds", None, "an Ed25519 key")

    @property
    def key_id(self) -> str:
        """8 hexadecimal digits that, with the name, tell which key this is; they prove nothing."""
        encoded = self.name.encode() + b"\n" + _ED25519 + self.public_key
        return hashlib.sha256(encoded).hexdigest()[: 2 * KEY_ID_BYTES]


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: a name and the private key, which is never shown."""

    name: str
    private_key: Ed25519PrivateKey = field(repr=False)

    @property
    def key_id(self) -> str:
        """That of the verifier of this signer."""
        return verifier_of(self).key_id


@dataclass(frozen=True, slots=True)
class Opened:
    """A note whose signatures were checked: its text, who signed it, and names and key ids of signers not known here.

    `signed_by` has at least one; nothing is known of the signatures of `unknown`. Both are in the order of the note.
    """

    text: str
    signed_by: tuple[Verifier, ...]
    unknown: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A log at one size: its `origin` (whose log), the number of entries, the root over them, and further lines."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


def new_signer(name: str, seed: bytes) -> Signer:
    """A signer from the 32 secret bytes of an Ed25519 key.

    Raises BadInput if `seed` is not 32 bytes or `name` is not a name: it holds no spaces and no plus.
    """
    _check_name(name)
    if len(seed) != KEY_BYTES:
        raise bad_input("seed", "wrong_value", "is not the seed of an Ed25519 key", None, f"{KEY_BYTES} bytes")
    return Signer(name, Ed25519PrivateKey.from_private_bytes(seed))


def verifier_of(signer: Signer) -> Verifier:
    """What others need to check the signatures of `signer`."""
    return Verifier(signer.name, signer.private_key.public_key().public_bytes_raw())


def vkey(verifier: Verifier) -> str:
    """`verifier` as one line of text: `<name>+<key id>+<base64 of 0x01 and the key>`."""
    return f"{verifier.name}+{verifier.key_id}+{_base64(_ED25519 + verifier.public_key)}"


def read_vkey(text: str) -> Verifier:
    """The verifier that `vkey` wrote as `text`. Raises BadInput that says what is wrong with it."""
    match = _VKEY.fullmatch(text)
    if match is None:
        raise _bad_vkey("wrong_value", "is not a public key", "<name>+<8 hex digits>+<base64>")
    name, key_id, encoded = match.groups()
    key = _bytes_of(encoded)
    if key is None:
        raise _bad_vkey("wrong_value", "the part after the second plus is not base64", "base64")
    if key[:1] != _ED25519 or len(key) != 1 + KEY_BYTES:
        raise _bad_vkey("wrong_value", "the key is not one for Ed25519", f"base64 of 0x01 and {KEY_BYTES} bytes")
    verifier = Verifier(name, key[1:])
    if verifier.key_id != key_id:
        raise _bad_vkey("contradiction", "the key id does not fit the name and the key", verifier.key_id)
    return verifier


def sign(text: str, signers: Sequence[Signer]) -> str:
    """The note: `text`, a blank line, and a line with name and signature for each of `signers`, in that order.

    Raises BadInput if `text` does not end with a newline or holds another control character, if there is no signer or
    if the note would be too long to be opened.
    """
    data = _utf8(text)
    if data is None or not text.endswith("\n") or _CONTROL.search(text):
        allowed = "lines, each ending with a newline, without control characters"
        raise bad_input("text", "wrong_value", "cannot be signed", None, allowed)
    if not 0 < len(signers) <= SIGNATURES_MOST:
        raise bad_input("signers", "out_of_range", "are too few or too many", len(signers), f"1 to {SIGNATURES_MOST}")
    note = f"{text}\n" + "".join(_signature_line(signer, data) for signer in signers)
    if len(note) > NOTE_LENGTH_MOST:
        raise bad_input("text", "too_large", "is too long for a note", len(text), f"{NOTE_LENGTH_MOST} in all")
    return note


def opened(note: str, verifiers: Sequence[Verifier]) -> Opened:
    """The text of `note` and who signed it. Signatures of keys that are not among `verifiers` count for nothing.

    Raises BadRecord if `note` is malformed or too long, if the signature of a known key does not verify, or if no known
    key signed; BadInput if two different keys among `verifiers` have the same name and id.
    """
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    if len(known) != len(set(verifiers)):
        raise bad_input("verifiers", "contradiction", "two keys have the same name and the same key id")
    text, lines = _parts(note)
    signed_by: dict[Verifier, None] = {}
    unknown: dict[tuple[str, str], None] = {}
    for line in lines:
        name, key_id, signature = _signature(line)
        verifier = known.get((name, key_id))
        if verifier is None:
            unknown[name, key_id] = None
        elif _verifies(verifier, signature, text):
            signed_by[verifier] = None
        else:
            raise BadRecord(f"the note does not carry what `{name}+{key_id}` signed: it was changed or forged")
    if not signed_by:
        raise BadRecord("the note needs one signature of a known key at least, and has none")
    return Opened(text, tuple(signed_by), tuple(unknown))


def checkpoint_text(checkpoint: Checkpoint) -> str:
    """`checkpoint` as the text of a note. Raises BadRecord if it could not be read back as the same."""
    lines = (checkpoint.origin, str(checkpoint.size), _base64(checkpoint.root), *checkpoint.extensions)
    text = "".join(f"{line}\n" for line in lines)
    if read_checkpoint(text) != checkpoint:
        raise BadRecord("a line of a checkpoint holds a newline")
    return text


def read_checkpoint(text: str) -> Checkpoint:
    """The checkpoint that is exactly `text`; there is no second way to write it. Raises BadRecord if there is none."""
    if _utf8(text) is None or _CONTROL.search(text):
        raise BadRecord("a checkpoint holds a control character or is not UTF-8")
    *lines, rest = text.split("\n")
    if rest or len(lines) < 3 or not all(lines):
        raise BadRecord("a checkpoint is three lines or more, none of them empty, each ending with a newline")
    origin, size, root, *extensions = lines
    if not _SIZE.fullmatch(size) or int(size) > SIZE_MOST:
        raise BadRecord("the size of a checkpoint is a decimal number up to 2^63 - 1, without zeros in front")
    hash_ = _bytes_of(root)
    if hash_ is None or len(hash_) != HASH_BYTES:
        raise BadRecord(f"the root of a checkpoint is the base64 of {HASH_BYTES} bytes")
    if size == "0" and hash_ != EMPTY_ROOT:
        raise BadRecord("the root of a checkpoint of an empty log is not that of an empty log")
    return Checkpoint(origin, int(size), hash_, tuple(extensions))


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or _utf8(name) is None:
        allowed = "one or more characters without spaces, plus and control characters"
        raise bad_input("name", "wrong_value", "is not the name of a key", name, allowed)


def _bad_vkey(code: str, message: str, allowed: str) -> BadInput:
    """Without what was seen: whoever confuses public and private keys must not find the private one in a log."""
    return bad_input("vkey", code, message, None, allowed)


def _signature_line(signer: Signer, data: bytes) -> str:
    signature = bytes.fromhex(signer.key_id) + signer.private_key.sign(data)
    return f"— {signer.name} {_base64(signature)}\n"


def _parts(note: str) -> tuple[str, list[str]]:
    """The text of `note` and its lines of signatures."""
    if len(note) > NOTE_LENGTH_MOST:
        raise BadRecord(f"a note is at most {NOTE_LENGTH_MOST} characters")
    if _utf8(note) is None or _CONTROL.search(note):
        raise BadRecord("a note holds a control character or is not UTF-8")
    # The text may hold empty lines: the last one of the note is what separates it from the signatures.
    text, blank, below = note.rpartition("\n\n")
    if not blank or not below.endswith("\n"):
        raise BadRecord("a note is a text, an empty line and lines of signatures, each ending with a newline")
    lines = below[:-1].split("\n")
    if len(lines) > SIGNATURES_MOST:
        raise BadRecord(f"a note has at most {SIGNATURES_MOST} signatures")
    return text + "\n", lines


def _signature(line: str) -> tuple[str, str, bytes]:
    """Name, key id and signature in one line below a note."""
    match = _SIGNATURE.fullmatch(line)
    signature = _bytes_of(match[2]) if match else None
    if match is None or signature is None or len(signature) <= KEY_ID_BYTES:
        raise BadRecord("a line of signature is not `— <name> <base64 of key id and signature>`")
    return match[1], signature[:KEY_ID_BYTES].hex(), signature[KEY_ID_BYTES:]


def _verifies(verifier: Verifier, signature: bytes, text: str) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(verifier.public_key).verify(signature, text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True


def _utf8(text: str) -> bytes | None:
    """`text` as UTF-8, or None: half of a surrogate pair has no such form."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return None


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes_of(text: str) -> bytes | None:
    """What `text` is the base64 of, or None if it is not exactly what `_base64` would write."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if _base64(data) == text else None
