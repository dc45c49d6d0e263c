"""Who signed a log, and whether one trusts that: a key vouches for those after it, never for those before."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from routing.errors import BadRecord
from routing.log.merkle import inclusion_proof, leaf_hash
from routing.log.note import Checkpoint, Signer, checkpoint_text, opened, read_checkpoint, sign, verifier_of, vkey
from routing.log.proof import KeyForm, LogForm, PlaceForm, announcement, chain_of, in_tree, read_hash, read_signed
from tests.capsules import ORIGIN, SmallLog, a_signer, key_forms, trusted_keys

FIRST, SECOND, THIRD, STRANGER = (a_signer(number) for number in (1, 2, 3, 9))
CHECKPOINT = checkpoint_text(Checkpoint(ORIGIN, 7, bytes(32)))


def log_of(keys: Sequence[Mapping[str, Any]], *signers: Signer, text: str = CHECKPOINT) -> LogForm:
    return LogForm.model_validate({"checkpoint": sign(text, signers), "keys": keys})


def forms(keys: Sequence[Mapping[str, Any]]) -> list[KeyForm]:
    return [KeyForm.model_validate(key) for key in keys]


def test_without_a_trusted_key_nothing_is_said_of_trust() -> None:
    signed = read_signed(log_of(key_forms(FIRST), FIRST), [])
    assert (signed.checkpoint.size, signed.by, signed.trusted) == (7, verifier_of(FIRST), None)


def test_a_key_that_was_announced_is_trusted_with_the_one_that_announced_it() -> None:
    log = log_of(key_forms(FIRST, SECOND, THIRD), THIRD)
    for trusted in (FIRST, SECOND, THIRD):
        assert read_signed(log, trusted_keys(trusted)).trusted is True
    assert read_signed(log, trusted_keys(STRANGER, SECOND)).trusted is True
    assert read_signed(log, trusted_keys(STRANGER)).trusted is False


def test_a_newer_key_does_not_vouch_for_what_an_older_one_signed() -> None:
    log = log_of(key_forms(FIRST, SECOND), FIRST)
    assert read_signed(log, trusted_keys(SECOND)).trusted is False
    assert read_signed(log, trusted_keys(FIRST)).trusted is True


def test_trust_is_in_a_key_and_not_in_its_name() -> None:
    log = log_of(key_forms(STRANGER), STRANGER)
    assert STRANGER.name == FIRST.name
    assert read_signed(log, trusted_keys(FIRST)).trusted is False


def announced(text: str, *by: Signer, new: Signer = SECOND) -> list[dict[str, Any]]:
    first = key_forms(FIRST)
    return [*first, {"vkey": vkey(verifier_of(new)), "statement": sign(text, list(by))}]


ELSEWHERE = a_signer(2, "wegwijs/test/access")
GOOD = announcement(ORIGIN, vkey(verifier_of(SECOND)))

FORGED = {
    "signed by a stranger": announced(GOOD, STRANGER),
    "signed by itself": announced(GOOD, SECOND),
    "about a third key": announced(announcement(ORIGIN, vkey(verifier_of(THIRD))), FIRST),
    "of another log": announced(announcement("wegwijs/test/access", vkey(verifier_of(SECOND))), FIRST),
    "of a key of another log": announced(announcement(ORIGIN, vkey(verifier_of(ELSEWHERE))), FIRST, new=ELSEWHERE),
    "a checkpoint": announced(CHECKPOINT, FIRST),
    "more than an announcement": announced(f"{GOOD}and more\n", FIRST),
    "nothing": [*key_forms(FIRST), {"vkey": vkey(verifier_of(SECOND)), "statement": ""}],
    "changed": [
        key_forms(FIRST)[0],
        {**key_forms(FIRST, SECOND)[1], "statement": key_forms(FIRST, THIRD)[1]["statement"]},
    ],
    "left out": [*key_forms(FIRST), *key_forms(SECOND)],
    "without the first": key_forms(FIRST, SECOND)[1:],
    "out of order": key_forms(FIRST, SECOND, THIRD)[::2],
    "not a key": [{"vkey": "nonsense", "statement": None}],
    "of nobody": [{"vkey": key_forms(FIRST)[0]["vkey"][:-8] + "AAAAAAA=", "statement": None}],
}


@pytest.mark.parametrize("what", FORGED)
def test_an_announcement_that_is_not_one_breaks_the_chain(what: str) -> None:
    keys = FORGED[what]
    with pytest.raises(BadRecord):
        chain_of(forms(keys))
    for signer in (FIRST, SECOND):
        with pytest.raises(BadRecord):
            read_signed(log_of(keys, signer), trusted_keys(FIRST))


def test_a_checkpoint_of_another_log_proves_nothing() -> None:
    text = checkpoint_text(Checkpoint("wegwijs/test/access", 7, bytes(32)))
    with pytest.raises(BadRecord):
        read_signed(log_of(key_forms(FIRST), FIRST, text=text), [])


def test_a_checkpoint_that_nobody_known_signed_proves_nothing() -> None:
    for signers in ([STRANGER], [SECOND]):
        with pytest.raises(BadRecord):
            read_signed(log_of(key_forms(FIRST), *signers), [])


def test_an_announcement_can_not_be_taken_for_a_checkpoint_nor_the_other_way_round() -> None:
    with pytest.raises(BadRecord):
        read_checkpoint(GOOD)
    with pytest.raises(BadRecord):
        read_signed(LogForm.model_validate({"checkpoint": sign(GOOD, [FIRST]), "keys": key_forms(FIRST)}), [])


def test_another_signature_below_the_checkpoint_counts_for_nothing() -> None:
    signed = read_signed(log_of(key_forms(FIRST), STRANGER, FIRST), trusted_keys(STRANGER))
    assert (signed.by, signed.trusted) == (verifier_of(FIRST), False)


def test_a_key_comes_back_only_where_it_was_announced() -> None:
    keys = forms(key_forms(FIRST, SECOND, FIRST))
    assert chain_of(keys) == trusted_keys(FIRST, SECOND, FIRST)


# -- the place in the tree --------------------------------------------------------------------------------------------


def test_an_entry_stands_where_it_stands_and_nowhere_else() -> None:
    log = SmallLog(entries=[b"%d" % number for number in range(11)])
    checkpoint = read_checkpoint(opened(log.checkpoint(), trusted_keys(FIRST)).text)
    for position in range(11):
        form = PlaceForm.model_validate(log.form(position, None)["place"])
        held = [number for number in range(11) if in_tree(b"%d" % number, form, checkpoint)]
        assert held == [position]
        for wrong in (position + 1, position - 1, position + 16, 2**63, 2**64 - 1):
            if wrong >= 0:
                moved = form.model_copy(update={"position": wrong})
                assert not in_tree(b"%d" % position, moved, checkpoint)
    assert leaf_hash(b"1") != leaf_hash(b"2")
    assert inclusion_proof(0, 11, log.tile)


@pytest.mark.parametrize(
    "text", ["", "AAAA", "é", "A" * 43, "A" * 43 + "=x", "A" * 42 + "B=", " " + "A" * 43 + "=", "=" * 44]
)
def test_a_hash_is_written_in_one_way(text: str) -> None:
    with pytest.raises(BadRecord):
        read_hash(text)
    assert read_hash(base64.b64encode(bytes(32)).decode()) == bytes(32)
