"""The secret keys as they are here, held against what the database knows of them: those of another log are refused."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from routing.errors import KeysUnusable
from routing.keyring import Keyring, name_of, new_keyring, read_keyring, seed_of, with_new_keys, write_keyring
from routing.log.entry import DECISIONS_LOG
from routing.log.note import Signer, Verifier, new_signer, read_vkey, sign, verifier_of, vkey
from routing.log.proof import announcement
from routing.store import database
from routing.store import log as store
from routing.world import World

ACCESS_LOG = "access"
LOGS = (DECISIONS_LOG, ACCESS_LOG)
"""Every log has an origin, keys and a tree of its own."""

SEALING = "sealing"
"""Under this name the database keeps which sealing keys there are; no log is called so."""

_KEYRING, _CHECKED = "keyring", "keyring checked"


def keyring_of(world: World) -> Keyring:
    """The keys of this installation. Raises KeysUnusable."""

    def read() -> Keyring:
        if (found := read_keyring(world.settings.keys_file)) is None:
            raise KeysUnusable(f"the file of keys {world.settings.keys_file} is not there; see WEGWIJS_KEYS")
        return found

    return world.memory.once(_KEYRING, read)


def checked_keyring(world: World, connection: database.Connection) -> Keyring:
    """The keys of this installation, once it is certain that others can read what is sealed with them and that they
    sign these logs. Raises KeysUnusable."""

    def check() -> Keyring:
        keyring = keyring_of(world)
        try:
            _check(world, connection, keyring)
        except KeysUnusable:
            forget_keyring(world)  # the right file may be put there while this process runs
            raise
        return _in_use(connection, keyring)

    return world.memory.once((_CHECKED, world.settings.database_url), check)


def keyring_with(world: World, connection: database.Connection, sealing_keys: Iterable[str]) -> Keyring:
    """The keys of this installation, among them those with these names if the file of keys holds them by now. Raises
    KeysUnusable."""
    wanted = set(sealing_keys)
    return _newest_that(world, connection, lambda keyring: all(map(keyring.sealing_key, wanted)))


def _newest_that(world: World, connection: database.Connection, fits: Callable[[Keyring], bool]) -> Keyring:
    """The keys in memory, or those in the file if only these fit: another machine may have begun to use new ones. Keys
    that were checked stay in use until the file holds better ones: what can be done with them must not stop."""
    if not fits(keyring := checked_keyring(world, connection)):
        newer = read_keyring(world.settings.keys_file)
        if newer is not None and fits(newer):
            forget_keyring(world)
            return checked_keyring(world, connection)
    return keyring


def forget_keyring(world: World) -> None:
    """Read the file of keys again when they are next needed: another process may have added some."""
    world.memory.forget(_KEYRING)
    world.memory.forget((_CHECKED, world.settings.database_url))


def prepare_keys(world: World, connection: database.Connection, now: datetime) -> None:
    """Make the keys at the first start, and tell the database which ones they are. The caller holds the lock of
    upgrades. Raises KeysUnusable if this database has logs that other keys sign."""
    forget_keyring(world)
    path = world.settings.keys_file
    keyring = read_keyring(path)
    known = store.keys(connection, DECISIONS_LOG)
    if keyring is None:
        if known:
            message = f"the file of keys {path} is not there, and the log `{read_vkey(known[0].vkey).name}` needs it"
            raise KeysUnusable(f"{message}: put it there, or say where it is with WEGWIJS_KEYS")
        keyring = new_keyring(secrets.token_bytes)
        write_keyring(path, keyring)
    installation = read_vkey(known[0].vkey).name.split("/")[1] if known else secrets.token_hex(4)
    for log in LOGS:
        if not store.keys(connection, log):
            first = new_signer(origin := f"wegwijs/{installation}/{log}", seed_of(keyring.signing[-1], origin))
            store.add_key(connection, log, store.LogKey(0, vkey(verifier_of(first)), None, now))
    if not store.keys(connection, SEALING):
        store.add_key(connection, SEALING, store.LogKey(0, name_of(keyring.sealing[-1]), None, now))
    _check(world, connection, keyring)


def origin_of(connection: database.Connection, log: str) -> str:
    """The origin of a log, which is the name in its keys. Raises KeysUnusable before the first upgrade."""
    return read_vkey(_newest(connection, log).vkey).name


def signer_of(world: World, connection: database.Connection, log: str) -> Signer:
    """Who signs `log` now: its newest key. Raises KeysUnusable if that key is not in the file of keys."""
    newest = _newest(connection, log)
    keyring = _newest_that(world, connection, lambda keyring: _signer(keyring, newest) is not None)
    if (found := _signer(keyring, newest)) is None:
        message = f"the file of keys {world.settings.keys_file} does not hold the key that signs the log now"
        raise KeysUnusable(f"{message} ({newest.vkey.rpartition('+')[0]}): take the newest file to every machine")
    return found


def verifiers_of(world: World, connection: database.Connection, log: str) -> list[Verifier]:
    """The keys that ever signed `log`, by the file of keys: what the database says of them proves nothing."""
    name = origin_of(connection, log)
    return [verifier_of(new_signer(name, seed_of(signing, name))) for signing in keyring_of(world).signing]


def rotate(world: World, now: datetime, *, signing: bool, sealing: bool) -> list[str]:
    """Begin to sign, or to seal, with new keys; says what was done, line by line. The key that signed before announces
    the new one. Raises KeysUnusable, StoreUnavailable."""
    said = []
    with database.writing(world.engine) as connection:
        database.lock_upgrades(connection)
        forget_keyring(world)
        checked_keyring(world, connection)
        before = {log: signer_of(world, connection, log) for log in LOGS}
        keyring = with_new_keys(keyring_of(world), secrets.token_bytes, signing=signing, sealing=sealing)
        # the file first: a key that the database does not know yet does no harm, the other way round nobody could sign
        write_keyring(world.settings.keys_file, keyring)
        for log, old in before.items() if signing else ():
            store.lock(connection, log)
            new = vkey(verifier_of(new_signer(old.name, seed_of(keyring.signing[-1], old.name))))
            number = _newest(connection, log).number + 1
            store.add_key(connection, log, store.LogKey(number, new, sign(announcement(old.name, new), [old]), now))
            said.append(f"{old.name}: signed from now on with {new}")
        if sealing:
            number = _newest(connection, SEALING).number + 1
            store.add_key(connection, SEALING, store.LogKey(number, name_of(keyring.sealing[-1]), None, now))
            said.append(f"records are sealed from now on with the key {name_of(keyring.sealing[-1])}")
    forget_keyring(world)
    return said


def _newest(connection: database.Connection, log: str) -> store.LogKey:
    if not (known := store.keys(connection, log)):
        raise KeysUnusable("the database has no log yet; run `wegwijs db upgrade`")
    return known[-1]


def _signer(keyring: Keyring, key: store.LogKey) -> Signer | None:
    name = read_vkey(key.vkey).name
    signers = (new_signer(name, seed_of(signing, name)) for signing in reversed(keyring.signing))
    return next((signer for signer in signers if vkey(verifier_of(signer)) == key.vkey), None)


def _in_use(connection: database.Connection, keyring: Keyring) -> Keyring:
    """`keyring` with the sealing key last that the database knows as the newest: one that was made by a rotation that
    failed must not seal, because no other machine has it."""
    newest = _newest(connection, SEALING).vkey
    return replace(keyring, sealing=tuple(sorted(keyring.sealing, key=lambda key: name_of(key) == newest)))


def _check(world: World, connection: database.Connection, keyring: Keyring) -> None:
    path = world.settings.keys_file
    if _signer(keyring, newest := _newest(connection, DECISIONS_LOG)) is None:
        message = f"the file of keys {path} is not that of this log, or an old one: it cannot sign for"
        raise KeysUnusable(f"{message} {newest.vkey.rpartition('+')[0]}")
    sealing = _newest(connection, SEALING).vkey
    if keyring.sealing_key(sealing) is None:
        message = f"the file of keys {path} is not that of this log, or an old one: it does not hold the sealing key"
        raise KeysUnusable(f"{message} {sealing}")
