"""Proposals to publish a ruleset, as they are kept: who proposed which files, and who agreed or withdrew, each once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import sqlalchemy as sa

from routing.store.tables import METADATA, Moment

Ending = Literal["agreed", "withdrawn"]

OPEN = sa.text("ended IS NULL")

RULE_PROPOSALS = sa.Table(
    "rule_proposals",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("ruleset", sa.Text, nullable=False),
    sa.Column("digest", sa.String(71), nullable=False),
    sa.Column("effective_from", Moment, nullable=False),
    sa.Column("pending", sa.Integer, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("proposed_by", sa.String(64), nullable=False),
    sa.Column("proposed_at", Moment, nullable=False),
    sa.Column("ended", sa.String(9)),
    sa.Column("ended_by", sa.String(64)),
    sa.Column("ended_at", Moment),
    sa.CheckConstraint("ended IN ('agreed', 'withdrawn')", name="ck_rule_proposals_ended"),
    sa.CheckConstraint(
        "(ended IS NULL) = (ended_by IS NULL) AND (ended IS NULL) = (ended_at IS NULL)",
        name="ck_rule_proposals_ended_by",
    ),
    sa.CheckConstraint("ended <> 'agreed' OR ended_by <> proposed_by", name="ck_rule_proposals_two_people"),
    sa.Index("uq_rule_proposals_open", "ruleset", unique=True, postgresql_where=OPEN, sqlite_where=OPEN),
)
"""Each proposal to publish `NAME/VERSION` with the digest of its files. Of a version one can be open at a time; it ends
once, and that whoever agreed is not whoever proposed the database itself holds. Nothing is ever taken out."""

_COLUMNS = RULE_PROPOSALS.c


@dataclass(frozen=True, slots=True)
class Proposal:
    """One proposal; `pending` counts the rules that no clinician had accepted. `ended` is None while it is open."""

    id: UUID
    ruleset: str
    digest: str
    effective_from: datetime
    pending: int
    note: str
    proposed_by: str
    proposed_at: datetime
    ended: Ending | None = None
    ended_by: str | None = None
    ended_at: datetime | None = None


def add(connection: sa.Connection, proposal: Proposal) -> bool:
    """Keep a new proposal; False if another one for this version is open, whoever was first."""
    values = {name: getattr(proposal, name) for name in Proposal.__dataclass_fields__}
    try:
        with connection.begin_nested():
            connection.execute(RULE_PROPOSALS.insert(), values)
    except sa.exc.IntegrityError:
        return False
    return True


def end(connection: sa.Connection, proposal_id: UUID, ended: Ending, by: str, now: datetime) -> bool:
    """End an open proposal; False if it is not open any more: of two who do it at once the second sees that."""
    still_open = (_COLUMNS.id == proposal_id) & _COLUMNS.ended.is_(None)
    changed = connection.execute(
        RULE_PROPOSALS.update().where(still_open).values(ended=ended, ended_by=by, ended_at=now)
    )
    return changed.rowcount == 1


def read(connection: sa.Connection, proposal_id: UUID) -> Proposal | None:
    """The proposal with this id."""
    row = connection.execute(sa.select(RULE_PROPOSALS).where(_COLUMNS.id == proposal_id)).one_or_none()
    return None if row is None else _proposal(row)


def every(connection: sa.Connection, ruleset: str | None = None) -> list[Proposal]:
    """The proposals, the newest first; only those for this `NAME/VERSION` if given."""
    query = sa.select(RULE_PROPOSALS).order_by(_COLUMNS.proposed_at.desc(), _COLUMNS.id.desc())
    rows = connection.execute(query if ruleset is None else query.where(_COLUMNS.ruleset == ruleset))
    return [_proposal(row) for row in rows]


def _proposal(row: Any) -> Proposal:
    return Proposal(**{name: getattr(row, name) for name in Proposal.__dataclass_fields__})
