"""Proposals to publish a ruleset, by two people."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from routing.store.tables import Moment

revision = "0014"
down_revision: str | None = "0013"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the table of proposals."""
    op.create_table(
        "rule_proposals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ruleset", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("effective_from", Moment(), nullable=False),
        sa.Column("pending", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.String(64), nullable=False),
        sa.Column("proposed_at", Moment(), nullable=False),
        sa.Column("ended", sa.String(9)),
        sa.Column("ended_by", sa.String(64)),
        sa.Column("ended_at", Moment()),
        sa.PrimaryKeyConstraint("id", name="pk_rule_proposals"),
        sa.CheckConstraint("ended IN ('agreed', 'withdrawn')", name="ck_rule_proposals_ended"),
        sa.CheckConstraint(
            "(ended IS NULL) = (ended_by IS NULL) AND (ended IS NULL) = (ended_at IS NULL)",
            name="ck_rule_proposals_ended_by",
        ),
        sa.CheckConstraint("ended <> 'agreed' OR ended_by <> proposed_by", name="ck_rule_proposals_two_people"),
    )
    open_ones = sa.text("ended IS NULL")
    op.create_index(
        "uq_rule_proposals_open",
        "rule_proposals",
        ["ruleset"],
        unique=True,
        postgresql_where=open_ones,
        sqlite_where=open_ones,
    )
