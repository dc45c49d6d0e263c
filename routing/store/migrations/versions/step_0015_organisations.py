"""Which organisation asked for a decision, for where organisations are kept apart."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision: str | None = "0014"
branch_labels: str | None = None
depends_on: str | None = None

_AT_ONCE = 5_000

_DECISIONS = sa.table("decisions", sa.column("id", sa.Uuid), sa.column("organisation", sa.Text))
_ENTRIES = sa.table(
    "log_entries", sa.column("id", sa.Uuid), sa.column("kind", sa.Text), sa.column("entry", sa.LargeBinary)
)


def upgrade() -> None:
    """Add the column, fill it from the entries in the log, and add the index."""
    op.add_column("decisions", sa.Column("organisation", sa.Text()))
    connection, columns = op.get_bind(), _ENTRIES.c
    query = sa.select(columns.id, columns.entry).where(columns.kind == "decision").order_by(columns.id).limit(_AT_ONCE)
    which = sa.bindparam("which", type_=sa.Uuid)
    fill = _DECISIONS.update().where(_DECISIONS.c.id == which).values(organisation=sa.bindparam("whose", type_=sa.Text))
    found = connection.execute(query).all()
    while found:
        known = [{"which": row.id, "whose": whose} for row in found if (whose := _asked_for(row.entry)) is not None]
        if known:
            connection.execute(fill, known)
        found = connection.execute(query.where(columns.id > found[-1].id)).all()
    op.create_index("ix_decisions_organisation_decided_at_id", "decisions", ["organisation", "decided_at", "id"])


def _asked_for(entry: bytes) -> str | None:
    """The organisation that asked, "" if the key named none; None where it cannot be known: the entry is from before
    they were noted, or damaged, which is said where the log is checked."""
    try:
        asker = json.loads(entry)["asker"]
        organisation = asker["organisation"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if organisation is None:
        return ""
    return organisation if isinstance(organisation, str) and organisation.isprintable() else None
