"""Signed notes and checkpoints: read and written as others do it, and never believed by halves."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from routing.errors import BadInput, BadRecord
from routing.log.merkle import EMPTY_ROOT
from routing.log.note import (
    NOTE_LENGTH_MOST,
    SIGNATURES_MOST,
    Checkpoint,
    Opened,
    Verifier,
    checkpoint_text,
    new_signer,
    opened,
    read_checkpoint,
    read_vkey,
    sign,
    verifier_of,
    vkey,
)

# Keys and notes of golang.org/x/mod/sumdb/note (its documentation and note_test.go) and of C2SP signed-note.
PETER_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
ENOCH_VKEY = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
ENOCH = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
FOO_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
FOO_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)

peter = read_vkey(PETER_VKEY)
enoch = read_vkey(ENOCH_VKEY)
ours = new_signer("wegwijs.example/log", bytes(range(32)))
witness = new_signer("witness.example", bytes(range(1, 33)))


# --- keys -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [PETER_VKEY, ENOCH_VKEY, FOO_VKEY])
def test_public_keys_of_others_are_read_and_written_the_same(text: str) -> None:
    verifier = read_vkey(text)
    assert vkey(verifier) == text
    assert [verifier.name, verifier.key_id] == text.split("+")[:2]


def test_a_signer_and_its_verifier_have_one_key_id() -> None:
    signer = new_signer("PeterNeumann", PETER_SEED)
    assert verifier_of(signer) == peter
    assert signer.key_id == peter.key_id == "c74f20a3"


def test_the_private_key_is_never_shown() -> None:
    assert repr(ours) == "Signer(name='wegwijs.example/log')"
    with pytest.raises(FrozenInstanceError):
        ours.name = "other"  # type: ignore[misc]


def test_any_change_to_a_public_key_is_found() -> None:
    for at, character in enumerate(PETER_VKEY):
        for other in {chr(ord(character) + 1), character.swapcase(), "", "+", "é"} - {character}:
            with pytest.raises(BadInput):
                read_vkey(PETER_VKEY[:at] + other + PETER_VKEY[at + 1 :])
    for begin in range(len(PETER_VKEY)):
        for end in range(begin, len(PETER_VKEY) + (begin > 0)):
            with pytest.raises(BadInput):
                read_vkey(PETER_VKEY[begin:end])


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "is not a public key"),
        ("PeterNeumann", "is not a public key"),
        (" " + PETER_VKEY, "is not a public key"),
        (PETER_VKEY + "\n", "is not a public key"),
        (PETER_VKEY.replace("PeterNeumann", ""), "is not a public key"),
        (PETER_VKEY.replace("PeterNeumann", "Peter Neumann"), "is not a public key"),
        (PETER_VKEY.replace("PeterNeumann", "Peter\u2003Neumann"), "is not a public key"),
        (PETER_VKEY.replace("PeterNeumann", "Peter+Neumann"), "is not a public key"),
        (PETER_VKEY.replace("c74f20a3", "C74F20A3"), "is not a public key"),
        (PETER_VKEY.replace("c74f20a3", "c74f20a"), "is not a public key"),
        (PETER_VKEY[:-1], "not base64"),
        (PETER_VKEY + "=", "not base64"),
        (PETER_VKEY.replace("+ARpc", "+ARpc\u0391"), "is not a public key"),
        (PETER_VKEY.replace("c74f20a3", "c74f20a4"), "the key id does not fit"),
        (PETER_VKEY.replace("PeterNeumann", "PeterNeuman"), "the key id does not fit"),
        # The next two carry the id that fits them.
        ("PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==", "not base64"),
        ("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "not one for Ed25519"),
        ("PeterNeumann+c74f20a3+AQ==", "not one for Ed25519"),
    ],
)
def test_a_public_key_that_cannot_be_one_is_refused_by_name(text: str, wrong: str) -> None:
    with pytest.raises(BadInput, match=wrong):
        read_vkey(text)


def test_a_private_key_given_for_a_public_one_is_not_shown() -> None:
    with pytest.raises(BadInput) as refused:
        read_vkey("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")
    assert "AYEK" not in str(refused.value) + repr(refused.value.faults)


@pytest.mark.parametrize(
    "name", ["", "a b", "a+b", "a\u00a0b", "a\u3000b", "a\nb", "a\tb", "a\x00b", "a\x1fb", "\ud800"]
)
def test_a_name_holds_no_spaces_no_plus_and_no_control_characters(name: str) -> None:
    with pytest.raises(BadInput, match="name"):
        new_signer(name, bytes(32))
    with pytest.raises(BadInput, match="name"):
        Verifier(name, peter.public_key)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_key_is_32_bytes(length: int) -> None:
    with pytest.raises(BadInput, match="seed"):
        new_signer("a", bytes(length))
    with pytest.raises(BadInput, match="public_key"):
        Verifier("a", b"\x07" * length)


FIELD = 2**255 - 19


def small_orders() -> list[int]:
    """The y of the points of small order on Ed25519, from its equation -x² + y² = 1 + d x² y²."""
    d = -121665 * pow(121666, -1, FIELD) % FIELD
    root = int.from_bytes(bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"), "little")
    for y in (root, FIELD - root):
        assert (d * pow(y, 4, FIELD) + 2 * y * y - 1) % FIELD == 0, "doubled it has y = 0, so it is of order 8"
    return [0, 1, FIELD - 1, root, FIELD - root]


@pytest.mark.parametrize("sign_bit", [0, 1])
@pytest.mark.parametrize("y", [*small_orders(), FIELD, FIELD + 1, 2**255 - 1])
def test_a_key_under_which_anybody_can_sign_is_refused(y: int, sign_bit: int) -> None:
    with pytest.raises(BadInput, match="public_key"):
        Verifier("a", (y | sign_bit << 255).to_bytes(32, "little"))


# --- notes ------------------------------------------------------------------------------------------------------------


def test_the_notes_in_the_documentation_of_others_open() -> None:
    assert opened(TEXT + "\n" + PETER, [peter]) == Opened(TEXT, (peter,), ())
    foo = read_vkey(FOO_VKEY)
    assert opened(FOO_NOTE, [foo]) == Opened("This is an example message.\n", (foo,), ())


def test_we_sign_byte_for_byte_as_others_do() -> None:
    assert sign(TEXT, [new_signer("PeterNeumann", PETER_SEED)]) == TEXT + "\n" + PETER


def test_what_is_signed_opens_with_every_signer_in_order() -> None:
    note = sign("a\n\nb\n", [witness, ours])
    both = verifier_of(witness), verifier_of(ours)
    assert opened(note, both[::-1]) == Opened("a\n\nb\n", both, ())
    assert opened(note, both[1:]) == Opened("a\n\nb\n", both[1:], ((witness.name, witness.key_id),))


@pytest.mark.parametrize(
    "text", ["\n", "a\n\n", "\n\n\n", "— PeterNeumann AAAAAAA=\n", "a\n\n" + PETER, "é\u2028\x85\x7f\n"]
)
def test_any_text_of_lines_can_be_signed(text: str) -> None:
    assert opened(sign(text, [ours]), [verifier_of(ours)]).text == text


def test_signatures_of_unknown_keys_count_for_nothing() -> None:
    forged = ENOCH.replace("5n2tiOHp", "AAAAAAAA")
    assert opened(TEXT + "\n" + forged + PETER, [peter]) == Opened(TEXT, (peter,), (("EnochRoot", "af0cfe78"),))
    assert opened(TEXT + "\n" + PETER + ENOCH, [peter, enoch]).signed_by == (peter, enoch)


def test_a_key_with_only_the_name_or_only_the_id_of_a_known_key_is_unknown() -> None:
    same_name = "— PeterNeumann " + base64.b64encode(b"\x01\x02\x03\x04" + bytes(64)).decode() + "\n"
    same_id = PETER.replace("PeterNeumann", "Peter")
    found = opened(TEXT + "\n" + same_name + same_id + PETER, [peter])
    assert found == Opened(TEXT, (peter,), (("PeterNeumann", "01020304"), ("Peter", "c74f20a3")))


def test_a_key_with_a_signature_of_another_kind_is_only_unknown() -> None:
    """Such as a witness with ML-DSA: another length, another id."""
    other = "— witness.example/pq " + base64.b64encode(bytes(4 + 4627)).decode() + "\n"
    assert opened(TEXT + "\n" + other * 16 + PETER, [peter]).unknown == (("witness.example/pq", "00000000"),)


def test_who_signed_twice_is_named_once() -> None:
    assert opened(TEXT + "\n" + PETER + PETER + ENOCH + ENOCH, [peter, peter]) == Opened(
        TEXT, (peter,), (("EnochRoot", "af0cfe78"),)
    )


def test_a_note_needs_one_signature_of_a_known_key() -> None:
    for verifiers in ([], [enoch], [verifier_of(ours)]):
        with pytest.raises(BadRecord, match="needs one"):
            opened(TEXT + "\n" + PETER, verifiers)


def test_a_false_signature_of_a_known_key_refuses_the_note_whoever_else_signed() -> None:
    forged = ENOCH.replace("5n2tiOHp", "AAAAAAAA")
    for below in (PETER + forged, forged + PETER, PETER + ENOCH + forged):
        with pytest.raises(BadRecord, match=r"EnochRoot\+af0cfe78"):
            opened(TEXT + "\n" + below, [peter, enoch])


@pytest.mark.parametrize("length", [1, 63, 65, 128])
def test_a_signature_of_another_length_by_a_known_key_is_false(length: int) -> None:
    line = "— PeterNeumann " + base64.b64encode(bytes.fromhex("c74f20a3") + bytes(length)).decode() + "\n"
    with pytest.raises(BadRecord, match="changed or forged"):
        opened(TEXT + "\n" + line, [peter])


def test_any_change_to_a_signed_note_is_found() -> None:
    note = TEXT + "\n" + PETER
    for at, character in enumerate(note):
        for other in {chr(ord(character) ^ 1), "", character * 2, "\n", " "} - {character}:
            with pytest.raises(BadRecord):
                opened(note[:at] + other + note[at + 1 :], [peter])


SIGNATURE = PETER.split(" ")[2][:-1]


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        "\n\n",
        TEXT,
        TEXT + "\n",
        TEXT + PETER,
        PETER,
        "\n" + PETER,
        TEXT[:-1] + PETER,
        TEXT + "\n" + PETER[:-1],
        TEXT + "\n" + PETER + "\n",
        TEXT + "\n\n" + PETER[:-1],
        TEXT + "\n" + PETER + "Unexpected line.\n",
        TEXT + "\n" + "Unexpected line.\n" + PETER,
        TEXT + "\n" + PETER + "\n" + "Unexpected line.\n",
        "\x01" + TEXT + "\n" + PETER,
        "\r" + TEXT + "\n" + PETER,
        "\t" + TEXT + "\n" + PETER,
        (TEXT + "\n" + PETER).replace("\n", "\r\n"),
        "\ud800" + TEXT + "\n" + PETER,
        TEXT + "\n" + PETER.replace("—", "-"),
        TEXT + "\n" + PETER.replace("—", "–"),
        TEXT + "\n" + PETER.replace("— ", "—"),
        TEXT + "\n" + PETER.replace("— ", "—  "),
        TEXT + "\n" + PETER.replace("— ", "—\u00a0"),
        TEXT + "\n" + " " + PETER,
        TEXT + "\n" + PETER + f"— Bad Name {SIGNATURE}\n",
        TEXT + "\n" + PETER + f"— Bad+Name {SIGNATURE}\n",
        TEXT + "\n" + PETER + f"— Bad\u2003Name {SIGNATURE}\n",
        TEXT + "\n" + PETER + f"—  {SIGNATURE}\n",
        TEXT + "\n" + PETER + f"— {SIGNATURE}\n",
        TEXT + "\n" + PETER + f"— Name {SIGNATURE} \n",
        TEXT + "\n" + PETER + f"— Name {SIGNATURE} {SIGNATURE}\n",
        TEXT + "\n" + PETER + "— Name \n",
        TEXT + "\n" + PETER + "— Name AAAA\n",
        TEXT + "\n" + PETER + "— Name AAAAAA==\n",
        TEXT + "\n" + PETER + "— Name AAAAAAA\n",
        TEXT + "\n" + PETER + "— Name AAAAAAA==\n",
        TEXT + "\n" + PETER + "— Name AAAAAAB=\n",
        TEXT + "\n" + PETER + "— Name AAAA-AA=\n",
        TEXT + "\n" + PETER + "— Name AAAA=AAA\n",
    ],
)
def test_a_malformed_note_is_refused(note: str) -> None:
    for verifiers in ([peter], []):
        with pytest.raises(BadRecord, match=r"^a (note|line)"):
            opened(note, verifiers)


def test_a_note_and_its_signatures_have_a_limit() -> None:
    assert SIGNATURES_MOST >= 16, "the specification"
    assert opened(TEXT + "\n" + PETER * SIGNATURES_MOST, [peter]).signed_by == (peter,)
    with pytest.raises(BadRecord, match="at most 64 signatures"):
        opened(TEXT + "\n" + PETER * (SIGNATURES_MOST + 1), [peter])
    for verifiers in ([peter], []):
        with pytest.raises(BadRecord, match="at most 262144 characters"):
            opened("x" * NOTE_LENGTH_MOST + TEXT + "\n" + PETER, verifiers)


def test_two_keys_that_cannot_be_told_apart_are_refused() -> None:
    """A key id is 4 bytes: with many keys two share one, and one key would silently stand for both."""
    seen: dict[bytes, bytes] = {}
    for number in range(10**7, 10**7 + 500_000):
        key = number.to_bytes(32, "little")
        key_id = hashlib.sha256(b"a\n\x01" + key).digest()[:4]
        if key_id in seen:
            break
        seen[key_id] = key
    twins = Verifier("a", key), Verifier("a", seen[key_id])
    assert twins[0].key_id == twins[1].key_id
    with pytest.raises(BadInput, match="verifiers"):
        opened(TEXT + "\n" + PETER, [peter, *twins])


@pytest.mark.parametrize("text", ["", "a", "a\nb", "a\r\n", "\x00\n", "a\tb\n", "\x1f\n", "\ud800\n"])
def test_what_could_not_be_opened_is_not_signed(text: str) -> None:
    with pytest.raises(BadInput, match="text"):
        sign(text, [ours])


def test_a_note_that_would_be_refused_is_not_made() -> None:
    with pytest.raises(BadInput, match="signers"):
        sign("a\n", [])
    with pytest.raises(BadInput, match="signers"):
        sign("a\n", [ours] * (SIGNATURES_MOST + 1))
    with pytest.raises(BadInput, match="text"):
        sign("a" * NOTE_LENGTH_MOST + "\n", [ours])


# --- checkpoints ------------------------------------------------------------------------------------------------------

ROOT = bytes(range(32))
ROOT_TEXT = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
CHECKPOINT = f"wegwijs.example/log\n20852163\n{ROOT_TEXT}\n"


def test_the_checkpoint_of_the_specification_is_read() -> None:
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    checkpoint = read_checkpoint(text)
    root = bytes.fromhex("0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62")
    assert checkpoint == Checkpoint("example.com/behind-the-sofa", 20852163, root)
    assert checkpoint_text(checkpoint) == text


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("wegwijs.example/log", 0, EMPTY_ROOT),
        Checkpoint("wegwijs.example/log", 1, ROOT),
        Checkpoint("wegwijs.example/log", 2**63 - 1, ROOT),
        Checkpoint("Wegwijs, Zwolle é\u2028", 10, ROOT, ("a b", "2026-11-21T20:04:00+01:00")),
    ],
)
def test_a_checkpoint_is_read_back_as_it_was_written(checkpoint: Checkpoint) -> None:
    text = checkpoint_text(checkpoint)
    assert read_checkpoint(text) == checkpoint
    assert read_checkpoint(opened(sign(text, [ours]), [verifier_of(ours)]).text) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "\n\n\n",
        CHECKPOINT[:-1],
        CHECKPOINT + "\n",
        CHECKPOINT + "\nx\n",
        CHECKPOINT + "x",
        CHECKPOINT + "a\n\nb\n",
        "\n" + CHECKPOINT,
        CHECKPOINT.replace("wegwijs.example/log", ""),
        CHECKPOINT.replace("wegwijs", "weg\twijs"),
        CHECKPOINT.replace("wegwijs", "weg\x00wijs"),
        CHECKPOINT.replace("wegwijs", "weg\ud800wijs"),
        CHECKPOINT.replace("\n", "\r\n"),
        CHECKPOINT + "a\rb\n",
        f"a\n{ROOT_TEXT}\n",
        *(
            f"a\n{size}\n{ROOT_TEXT}\n"
            for size in (
                "", "-1", "+1", "01", "00", "1.0", "1e3", "0x1", " 1", "1 ", "1_0", "٣", "²", "x", str(2**63),
                str(2**64), "9" * 5000,
            )
        ),
        *(
            f"a\n1\n{root}\n"
            for root in (
                "", ROOT_TEXT[:-1], ROOT_TEXT + "=", ROOT_TEXT[:-2] + "9=", ROOT_TEXT[:-4], " " + ROOT_TEXT,
                ROOT_TEXT + " ", ROOT.hex(), "_" + ROOT_TEXT[1:], "é" + ROOT_TEXT[1:],
                base64.b64encode(bytes(31)).decode(), base64.b64encode(bytes(33)).decode(), "*" + ROOT_TEXT,
            )
        ),
        f"a\n0\n{ROOT_TEXT}\n",
    ],
)  # fmt: skip
def test_what_is_not_exactly_a_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadRecord, match="checkpoint"):
        read_checkpoint(text)


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("", 1, ROOT),
        Checkpoint("a\nb", 1, ROOT),
        Checkpoint("a\tb", 1, ROOT),
        Checkpoint("a", -1, ROOT),
        Checkpoint("a", 2**63, ROOT),
        Checkpoint("a", 0, ROOT),
        Checkpoint("a", 1, ROOT[1:]),
        Checkpoint("a", 1, b""),
        Checkpoint("a", 1, ROOT, ("",)),
        Checkpoint("a", 1, ROOT, ("a\nb",)),
        Checkpoint("a", 1, ROOT, ("a\n",)),
        Checkpoint("a\n5", 1, ROOT),
    ],
)
def test_a_checkpoint_that_could_not_be_read_back_is_not_written(checkpoint: Checkpoint) -> None:
    with pytest.raises(BadRecord, match="checkpoint"):
        checkpoint_text(checkpoint)


@pytest.mark.parametrize("size", [True, 1.0, "01"])
def test_a_size_that_is_no_whole_number_is_not_written(size: Any) -> None:
    with pytest.raises(BadRecord, match="checkpoint"):
        checkpoint_text(Checkpoint("a", size, ROOT))
