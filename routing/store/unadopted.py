"""Records from before the log with proofs, put aside by the step of the tables that brought it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, cast
from uuid import UUID

import sqlalchemy as sa

from routing.store import decisions
from routing.store.rule_index import numbers_of, packed
from routing.store.tables import DECISIONS, OUTCOMES, UNADOPTED


class Unadopted(NamedTuple):
    """One such record: packed, with its digest."""

    id: UUID
    kind: Literal["decision", "outcome"]
    record: bytes
    record_digest: str


def some(connection: sa.Connection, most: int) -> list[Unadopted]:
    """At most so many of those that are left."""
    columns = UNADOPTED.c
    query = sa.select(columns.id, columns.kind, columns.record, columns.record_digest)
    return [Unadopted(*found) for found in connection.execute(query.order_by(columns.kind, columns.id).limit(most))]


def adopted(connection: sa.Connection, each: Unadopted, record: Mapping[str, Any]) -> None:
    """One of them stands in the log now; `record` is what is in it."""
    connection.execute(UNADOPTED.delete().where(UNADOPTED.c.id == each.id))
    if each.kind == "outcome":
        values = {
            "event": "decided",
            "outcome": cast(str, record["outcome"]),
            "reason": record["reason"],
            "facility_id": record["destination"],
        }
        connection.execute(OUTCOMES.update().where(OUTCOMES.c.id == each.id).values(values))
        decisions.show_newest_outcome(connection, UUID(record["decision"]))
    else:
        names = {f"{record['ruleset']['name']}/{rule}" for rule in record["evaluators"]["fired"]}
        rules = packed(numbers_of(connection, names).values())
        connection.execute(DECISIONS.update().where(DECISIONS.c.id == each.id).values(rules=rules))
