"""Seals what is known of a patient under a key of its own: without that key, or once it is destroyed, it is gone.

A record is encrypted with AES-256-GCM under a key that seals nothing else, which is why its nonce may be all zeros.
That key is kept apart, wrapped with a sealing key of the installation (RFC 3394).
"""

from __future__ import annotations

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from routing.errors import BadRecord

KEY_BYTES = 32
_NONCE = bytes(12)


def seal(data: bytes, key: bytes, about: bytes) -> bytes:
    """`data` encrypted under `key`, which must never seal anything else. `about` (the id of the entry) is bound to it:
    it cannot be opened as that of another."""
    return AESGCM(key).encrypt(_NONCE, data, about)


def unseal(sealed: bytes, key: bytes, about: bytes) -> bytes:
    """What `seal` was given. Raises BadRecord if it is damaged, of another entry, or of another key."""
    try:
        return AESGCM(key).decrypt(_NONCE, sealed, about)
    except (InvalidTag, ValueError) as error:
        raise BadRecord("a sealed record is damaged, or is not the one of this entry") from error


def wrap(key: bytes, sealing_key: bytes) -> bytes:
    """`key` wrapped with the sealing key of the installation."""
    return aes_key_wrap(sealing_key, key)


def unwrap(wrapped: bytes, sealing_key: bytes) -> bytes:
    """The key that `wrap` was given. Raises BadRecord if it was wrapped with another one, or is damaged."""
    try:
        return aes_key_unwrap(sealing_key, wrapped)
    except (InvalidUnwrap, ValueError) as error:
        raise BadRecord("the key of a record is damaged, or was wrapped with another sealing key") from error


def fingerprint(secret: bytes, *parts: bytes) -> str:
    """What stands for these parts of a request, and from which nobody without `secret` can tell any of them: 64
    hexadecimal digits."""
    found = hmac.new(secret, b"wegwijs request\n", hashlib.sha256)  # never what `pseudonym` makes of any text
    for part in parts:
        found.update(len(part).to_bytes(8) + part)
    return found.hexdigest()


def pseudonym(secret: bytes, text: str) -> str:
    """A name for a patient from which nobody without `secret` can tell `text`: 32 hexadecimal digits."""
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()[:32]
