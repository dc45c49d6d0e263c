"""Writes a golden log, once for each version of a form: `python -m tests.golden.make tests/golden/log-N`.

It refuses a folder that is there already: what was written must verify and replay for ever.
"""

from __future__ import annotations

import gzip
import hashlib
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from routing import capsules, erasure, keys_here, outcomes, places, sequencer, service
from routing.log.entry import DECISIONS_LOG
from routing.rights import ROLES, Asker
from routing.settings import Settings
from routing.store import database, unadopted
from routing.store import log as store
from routing.store.packing import pack
from routing.store.tables import UNADOPTED
from routing.world import World
from tests.golden.cases import CASES, STATUS, old_record

WHOLE = "stemi-whole"
"""The capsule that stands there as it is exported."""

RULES = ("vocabulary", "ruleset")

BEGIN = datetime(2026, 11, 18, 13, 0, tzinfo=UTC)


class _Clock:
    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=7)
        return self.now


def make(folder: Path) -> None:
    """Write a golden log to `folder`."""
    folder.mkdir(parents=True)
    (folder / "capsules").mkdir()
    with tempfile.TemporaryDirectory() as place:
        settings = Settings(database_url=f"sqlite:///{place}/golden.sqlite3", keys=Path(place) / "wegwijs.keys")
        world = service.open_world(settings, _Clock())
        try:
            service.upgrade(world)
            _write(world, folder)
        finally:
            service.close_world(world)
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}" for path in _files(folder)]
    (folder / "SHA256SUMS").write_text("\n".join(sums) + "\n")


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _write(world: World, folder: Path) -> None:
    key = service.create_key(world, "golden", frozenset(ROLES) - {"facility"}, None, "Zorgcoördinatie voorbeeld")
    asker = service.authenticate(world, key)
    assert asker is not None
    made = _decisions(world, asker)
    for name, withhold in (("whole", ()), ("without-patient", ("patient",)), ("without-location", ("location",))):
        _capsule(world, folder, f"stemi-{name}", made["stemi"], asker, withhold)
    for name in made.keys() - {"stemi"}:
        _capsule(world, folder, name, made[name], asker, ())
    _log(world, folder)


def _decisions(world: World, asker: Asker) -> dict[str, str]:
    """One decision of each kind; in between the log is signed, gets a new key, and loses what is about one patient."""
    made: dict[str, str] = {}
    for name, body in CASES.items():
        if name in STATUS:
            places.report_status(world, *STATUS[name](world.clock()), asker)
        made[name] = service.decide(world, body, asker)["id"]
        sequencer.sequence_all(world)
    outcomes.record_outcome(world, made["stemi"], {"outcome": "accepted", "by": "paramedic"}, asker)
    other = {"outcome": "overridden", "by": "doctor", "reason": "other", "comment": "Een ander ziekenhuis kent hem."}
    outcomes.record_outcome(world, made["stop"], other, asker)
    keys_here.rotate(world, world.clock(), signing=True, sealing=True)
    erasure.erase(world, [made["erased"]], "test_data", asker)
    sequencer.sequence_all(world)
    made["from-before-the-log"] = _adopted(world, asker)
    return made


def _adopted(world: World, asker: Asker) -> str:
    """A record of version 1, as it stood in a database before there was this log."""
    template = service.decide(world, CASES["stemi"], asker)["id"]
    record, row = old_record(world, template, asker)
    with database.writing(world.engine) as connection:
        row(connection)
        digest = "sha256:" + hashlib.sha256(record).hexdigest()
        values = {"id": UUID(orjson.loads(record)["id"]), "kind": "decision", "record": pack(record)}
        connection.execute(UNADOPTED.insert(), {**values, "record_digest": digest})
        assert len(unadopted.some(connection, 10)) == 1
    service.upgrade(world)
    return str(values["id"])


def _capsule(world: World, folder: Path, name: str, decision: str, asker: Asker, withhold: tuple[str, ...]) -> None:
    capsule = capsules.capsule_of(world, decision, asker, withhold)
    rules = {part: capsule[part] for part in RULES}
    if name != WHOLE and rules["ruleset"] is not None:
        # all of them have the same rules: these stand in a file of their own
        _packed(folder / "rules.json.gz", rules)
        capsule = {part: value for part, value in capsule.items() if part not in RULES}
    _packed(folder / "capsules" / f"{name}.json.gz", capsule)


def _packed(path: Path, content: dict[str, Any]) -> None:
    # without a time in it, so that the same content is the same file
    path.write_bytes(gzip.compress(orjson.dumps(content), 9, mtime=0))


def _log(world: World, folder: Path) -> None:
    with database.reading(world.engine) as connection:
        keys: list[dict[str, Any]] = [
            {"vkey": key.vkey, "statement": key.statement} for key in store.keys(connection, DECISIONS_LOG)
        ]
        checkpoints = [note for _, note, _ in store.checkpoints(connection, DECISIONS_LOG)]
        size = len(list(store.bytes_between(connection, DECISIONS_LOG, 0, 10_000)))
        entries = [entry for _, entry in store.bytes_between(connection, DECISIONS_LOG, 0, size)]
    (folder / "keys.json").write_bytes(orjson.dumps(keys, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    (folder / "checkpoints.json").write_bytes(
        orjson.dumps(checkpoints, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    )
    (folder / "entries.jsonl").write_bytes(b"".join(entry + b"\n" for entry in entries))


if __name__ == "__main__":
    make(Path(sys.argv[1]))
