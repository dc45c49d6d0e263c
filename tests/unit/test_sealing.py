"""Records are sealed: only their own key opens them, only under their own id, and what is damaged is found."""

from __future__ import annotations

import pytest

from routing.errors import BadRecord
from routing.log.sealing import KEY_BYTES, pseudonym, seal, unseal, unwrap, wrap

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
ABOUT, ANOTHER = b"a" * 16, b"b" * 16
TEXT = b'{"heart_rate":112}'


def test_what_is_sealed_comes_back() -> None:
    assert unseal(seal(TEXT, KEY, ABOUT), KEY, ABOUT) == TEXT
    assert unseal(seal(b"", KEY, ABOUT), KEY, ABOUT) == b""


def test_what_is_sealed_shows_nothing_of_it() -> None:
    sealed = seal(TEXT * 10, KEY, ABOUT)
    assert b"heart" not in sealed
    assert b"112" not in sealed


def test_it_opens_with_no_other_key_and_for_no_other_entry() -> None:
    sealed = seal(TEXT, KEY, ABOUT)
    for key, about in ((OTHER, ABOUT), (KEY, ANOTHER), (KEY, b""), (KEY[:16], ABOUT), (KEY[:5], ABOUT), (b"", ABOUT)):
        with pytest.raises(BadRecord) as refused:
            unseal(sealed, key, about)
        assert "112" not in str(refused.value)


def test_every_flipped_bit_and_every_cut_is_found() -> None:
    sealed = seal(TEXT, KEY, ABOUT)
    damaged = [
        sealed[:at] + bytes([sealed[at] ^ 1 << bit]) + sealed[at + 1 :] for at in range(len(sealed)) for bit in (0, 7)
    ]
    for found in (*damaged, *(sealed[:end] for end in range(len(sealed))), sealed + b"\0"):
        with pytest.raises(BadRecord):
            unseal(found, KEY, ABOUT)


def test_a_wrapped_key_comes_back_with_its_sealing_key_alone() -> None:
    wrapped = wrap(KEY, OTHER)
    assert unwrap(wrapped, OTHER) == KEY
    assert KEY not in wrapped
    damaged = [wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :] for at in range(len(wrapped))]
    for found, sealing in (*((each, OTHER) for each in damaged), (wrapped, KEY), (wrapped[:-8], OTHER), (b"", OTHER)):
        with pytest.raises(BadRecord) as refused:
            unwrap(found, sealing)
        assert KEY.hex() not in str(refused.value)


def test_a_pseudonym_hangs_on_the_secret_and_on_every_letter() -> None:
    found = pseudonym(KEY, "ZCC-1")
    assert found == pseudonym(KEY, "ZCC-1")
    assert len(found) == 32
    assert len({found, pseudonym(OTHER, "ZCC-1"), pseudonym(KEY, "ZCC-2"), pseudonym(KEY, "zcc-1")}) == 4
    assert KEY_BYTES == 32
