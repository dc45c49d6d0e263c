"""The file of keys: for its owner alone, replaced as a whole or not at all, and silent about what is in it."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from routing.errors import KeysUnusable
from routing.keyring import Keyring, name_of, new_keyring, read_keyring, seed_of, with_new_keys, write_keyring


def counted() -> Any:
    numbers: Iterator[int] = itertools.count(1)
    return lambda length: bytes([next(numbers)]) * length


@pytest.fixture
def keyring() -> Keyring:
    return new_keyring(counted())


@pytest.fixture
def path(tmp_path: Path, keyring: Keyring) -> Path:
    made = tmp_path / "made" / "wegwijs.keys"
    write_keyring(made, keyring)
    return made


def secrets_in(keyring: Keyring) -> list[str]:
    every = (*keyring.signing, *keyring.sealing, keyring.naming)
    return [text for key in every for text in (key.hex(), repr(key)[2:-1], json.dumps(list(key)))]


def test_what_is_written_is_read(path: Path, keyring: Keyring) -> None:
    assert read_keyring(path) == keyring


def test_it_is_for_its_owner_alone(path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601, 0o644])
def test_a_file_that_others_can_use_is_refused_with_what_to_do(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(KeysUnusable, match=r"chmod 600"):
        read_keyring(path)


def test_a_file_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert read_keyring(tmp_path / "nothing.keys") is None


def damaged(content: dict[str, Any]) -> Iterator[bytes]:
    text = json.dumps(content).encode()
    yield from (b"", b"\0", text[:-1], text[: len(text) // 2], b"[]", b"null", b"{}", b"\xff" + text, b"[" * 2000)
    for name in content:
        yield json.dumps({key: value for key, value in content.items() if key != name}).encode()
    key = content["naming"]
    for name, value in (
        ("version", 2),
        ("version", "1"),
        ("signing", []),
        ("sealing", []),
        ("signing", key),
        ("signing", [key, key[:-4]]),
        ("sealing", [f"{key}=="]),
        ("naming", key[:-2] + "é="),
        ("naming", None),
        ("extra", key),
    ):
        yield json.dumps({**content, name: value}).encode()


def test_a_damaged_file_is_refused_and_nothing_of_it_is_said(path: Path, keyring: Keyring) -> None:
    content = json.loads(path.read_bytes())
    for data in damaged(content):
        path.write_bytes(data)
        with pytest.raises(KeysUnusable) as refused:
            read_keyring(path)
        seen: BaseException | None = refused.value
        while seen is not None:  # also where a trace would show what came before
            assert not any(secret in str(seen) for secret in (*secrets_in(keyring), content["naming"]))
            seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "wegwijs.keys"
    folder.mkdir(mode=0o700)
    with pytest.raises(KeysUnusable, match="cannot be read"):
        read_keyring(folder)


def test_it_is_replaced_as_a_whole_or_stays(path: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    more = with_new_keys(keyring, counted(), signing=True, sealing=True)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(KeysUnusable, match="No space left"):
            write_keyring(path, more)
    assert read_keyring(path) == keyring
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    write_keyring(path, more)
    assert read_keyring(path) == more
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_what_a_dead_process_left_behind_does_not_open_the_new_file_to_others(path: Path, keyring: Keyring) -> None:
    left = path.with_name(f"{path.name}.new-{os.getpid()}")
    left.write_text("half")
    left.chmod(0o666)
    write_keyring(path, keyring)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_keyring(path) == keyring


def test_no_key_is_shown_by_accident(keyring: Keyring) -> None:
    for shown in (repr(keyring), str(keyring), f"{keyring}"):
        assert not any(secret in shown for secret in secrets_in(keyring))
    assert not any(secret in name_of(keyring.sealing[0]) for secret in secrets_in(keyring))


def test_new_keys_come_last_and_the_earlier_ones_stay(keyring: Keyring) -> None:
    both = with_new_keys(keyring, lambda length: b"\xee" * length, signing=True, sealing=True)
    assert both.signing == (*keyring.signing, b"\xee" * 32)
    assert both.sealing == (*keyring.sealing, b"\xee" * 32)
    assert both.naming == keyring.naming, "or the same patient would have two names"
    assert with_new_keys(keyring, lambda length: b"\xee" * length, signing=False, sealing=False) == keyring
    assert both.sealing_key(name_of(keyring.sealing[0])) == keyring.sealing[0]
    assert both.sealing_key("0" * 16) is None


def test_every_log_and_every_key_has_a_seed_of_its_own(keyring: Keyring) -> None:
    signing = keyring.signing[0]
    seeds = {seed_of(signing, "a"), seed_of(signing, "b"), seed_of(b"\x07" * 32, "a"), signing}
    assert len(seeds) == 4
