"""What is told to the systems of places, and how these are doing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from routing.store.tables import Moment

revision = "0010"
down_revision: str | None = "0009"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the tables of deliveries and of receivers."""
    op.create_table(
        "webhook_deliveries",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("subscription", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("cause_id", sa.Uuid(), nullable=False),
        sa.Column("chain_id", sa.Uuid(), nullable=False),
        sa.Column("facility_id", sa.Text()),
        sa.Column("urgency", sa.SmallInteger(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", Moment()),
        sa.Column("claimed_until", Moment()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("attempted_at", Moment()),
        sa.Column("settled_at", Moment()),
        sa.Column("error", sa.Text()),
        sa.PrimaryKeyConstraint("number", name="pk_webhook_deliveries"),
        sa.UniqueConstraint("id", name="uq_webhook_deliveries_id"),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name="fk_webhook_deliveries_decision_id"),
    )
    op.create_index("ix_webhook_deliveries_decision_id", "webhook_deliveries", ["decision_id"])
    waiting = sa.text("due_at IS NOT NULL")
    op.create_index(
        "ix_webhook_deliveries_waiting",
        "webhook_deliveries",
        ["subscription", "chain_id", "number"],
        postgresql_where=waiting,
        sqlite_where=waiting,
    )
    op.create_table(
        "webhook_receivers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("configured", sa.String(71), nullable=False),
        sa.Column("attempted_at", Moment(), nullable=False),
        sa.Column("succeeded_at", Moment()),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("stopped_at", Moment()),
        sa.PrimaryKeyConstraint("name", name="pk_webhook_receivers"),
    )
