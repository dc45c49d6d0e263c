"""Which rules fired in which decisions, as an index to search by; made after the answer was given, so nobody waits."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from routing.store.tables import DECISION_RULES, DECISIONS, RULE_NAMES

_CHUNK = 500


def packed(numbers: Iterable[int]) -> bytes:
    """Numbers of rules as they stand with a decision: four bytes each, in their order."""
    found = sorted(numbers)
    return struct.pack(f">{len(found)}I", *found)


def unpacked(rules: bytes) -> tuple[int, ...]:
    """The numbers that `packed` was given, in their order."""
    return struct.unpack(f">{len(rules) // 4}I", rules)


def numbers_of(connection: sa.Connection, names: Iterable[str]) -> Mapping[str, int]:
    """The numbers of rules by their names (`acute-nl/stemi-to-pci`); those that have none yet get one."""
    wanted = set(names)
    known = _known(connection, wanted)
    if missing := sorted(wanted - known.keys()):  # sorted: two processes that do this at once wait, and not for ever
        insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        connection.execute(insert(RULE_NAMES).on_conflict_do_nothing(), [{"name": name} for name in missing])
        known.update(_known(connection, set(missing)))
    return known


def number_of(connection: sa.Connection, name: str) -> int | None:
    """The number of the rule with this name; None if it never decided anything."""
    return _known(connection, {name}).get(name)


def spread(connection: sa.Connection, ids: Sequence[UUID]) -> None:
    """Enter the decisions among `ids` in the index. The caller holds the lock of the log and gives them positions in
    the same transaction, so each is entered once."""
    columns = DECISIONS.c
    for start in range(0, len(ids), _CHUNK):
        query = sa.select(columns.id, columns.decided_at, columns.rules)
        chunk = query.where(columns.id.in_(ids[start : start + _CHUNK]), columns.rules.is_not(None))
        entries = [entry for found in connection.execute(chunk) for entry in _entries(*found)]
        if entries:
            connection.execute(DECISION_RULES.insert(), entries)


def take_out(connection: sa.Connection, decided: Iterable[tuple[UUID, datetime, bytes | None]]) -> None:
    """Take decisions (id, when, rules) out of the index. The caller holds the lock of the log."""
    columns = DECISION_RULES.c
    entries = [entry for each in decided for entry in _entries(*each)]
    if entries:
        same = (columns[name] == sa.bindparam(f"its_{name}") for name in columns.keys())  # noqa: SIM118
        values = [{f"its_{name}": value for name, value in entry.items()} for entry in entries]
        connection.execute(DECISION_RULES.delete().where(*same), values)


def _entries(decision_id: UUID, decided_at: datetime, rules: bytes | None) -> list[dict[str, object]]:
    return [
        {"rule_number": number, "decided_at": decided_at, "decision_id": decision_id}
        for number in unpacked(rules or b"")
    ]


def _known(connection: sa.Connection, names: set[str]) -> dict[str, int]:
    query = sa.select(RULE_NAMES.c.name, RULE_NAMES.c.number).where(RULE_NAMES.c.name.in_(names))
    return {found.name: found.number for found in connection.execute(query)}
