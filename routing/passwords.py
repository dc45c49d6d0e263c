"""Passwords of people: what may be one, how it is kept, and codes with which somebody sets one for the first time."""

from __future__ import annotations

import hmac
import secrets
import unicodedata
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from routing.errors import BadInput, bad_input

CHARACTERS_LEAST, CHARACTERS_MOST = 12, 256
DIFFERENT_LEAST = 5

HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""argon2id (RFC 9106) with the least that OWASP advises (Password Storage Cheat Sheet: 19 MiB, 2 passes, 1 lane): this
server must decide beside it, and the 64 MiB and 3 passes of RFC 9106 take it six times as long. A password is hashed
anew when its owner signs in after this was changed."""

NOBODY = f"$argon2id$v=19$m=19456,t=2,p=1${'A' * 22}${'A' * 43}"
"""The hash of no password, at the same cost: it is asked for an account that is not there, which so takes as long."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE_CHARACTERS, _GROUP = 20, 5

ALLOWED = (
    f"{CHARACTERS_LEAST} to {CHARACTERS_MOST} characters of any kind; a few words that only you would put together"
)


def check_new(user: str, password: str) -> None:
    """Refuse what is no password for `user`, without repeating it. No kinds of characters are asked for (NIST SP
    800-63B): length is. Raises BadInput."""
    normal = _normal(password)
    if not CHARACTERS_LEAST <= len(normal) <= CHARACTERS_MOST:
        raise _refused("wrong_length", f"has {len(normal):,} characters")
    folded = normal.casefold()
    if user in folded or "wegwijs" in folded:
        raise _refused("too_easy", "holds the name of the user or of this service")
    if len(set(folded)) < DIFFERENT_LEAST:
        raise _refused("too_easy", f"holds fewer than {DIFFERENT_LEAST} different characters")


def _refused(code: str, message: str) -> BadInput:
    return bad_input("new_password", code, message, allowed=ALLOWED)


def _normal(password: str) -> str:
    """The same text in one form (NFC, as RFC 8265 has it): keyboards write an é in more than one way."""
    return unicodedata.normalize("NFC", password)


def hashed(password: str) -> str:
    """What is kept of a password."""
    return HASHER.hash(_normal(password))


def is_right(kept: str | None, password: str) -> bool:
    """Whether this is the password that was kept. Without one it is not, and telling so takes as long."""
    try:
        return HASHER.verify(kept or NOBODY, _normal(password)) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def is_dated(kept: str) -> bool:
    """Whether a password was kept at another cost than passwords are now."""
    return HASHER.check_needs_rehash(kept)


# -- one-time codes ---------------------------------------------------------------------------------------------------


def new_code() -> str:
    """A random code of 100 bits that a person can type: without letters that look like digits."""
    text = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_CHARACTERS))
    return "-".join(text[at : at + _GROUP] for at in range(0, _CODE_CHARACTERS, _GROUP))


def code_hash(text: str) -> str:
    """What is kept of a code; small letters, hyphens and an O for a zero make no difference.

    >>> code_hash("0ABCD-1EFGH-JKMNP-QRSTV") == code_hash("oabcd lefgh jkmnp qrstv")
    True
    """
    plain = "".join(each for each in text.upper() if each not in "- ")
    return sha256(plain.translate(str.maketrans("OIL", "011")).encode()).hexdigest()


def is_code(kept: str | None, text: str) -> bool:
    """Whether `text` is the code of which this hash was kept."""
    return hmac.compare_digest(kept or "", code_hash(text)) and kept is not None
