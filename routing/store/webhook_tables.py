"""The tables of what is told to the systems of places."""

from __future__ import annotations

import sqlalchemy as sa

from routing.store.tables import METADATA, Moment

WEBHOOK_DELIVERIES = sa.Table(
    "webhook_deliveries",
    METADATA,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("id", sa.Uuid, nullable=False, unique=True),
    sa.Column("subscription", sa.Text, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("decision_id", sa.Uuid, sa.ForeignKey("decisions.id"), nullable=False),
    sa.Column("cause_id", sa.Uuid, nullable=False),
    sa.Column("chain_id", sa.Uuid, nullable=False),
    sa.Column("facility_id", sa.Text),
    sa.Column("urgency", sa.SmallInteger, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("due_at", Moment),
    sa.Column("claimed_until", Moment),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("attempted_at", Moment),
    sa.Column("settled_at", Moment),
    sa.Column("error", sa.Text),
    sa.Index(None, "decision_id"),
    sa.Index(
        "ix_webhook_deliveries_waiting",
        "subscription",
        "chain_id",
        "number",
        postgresql_where=sa.text("due_at IS NOT NULL"),
        sqlite_where=sa.text("due_at IS NOT NULL"),
    ),
)
"""What is told to the systems of places, a row for each that is told of an event: never what is told, which is read in
the sealed record when it is sent. `number` is the order; what has one `chain_id` is told in that order. `due_at` stands
only with what waits; it is being sent by somebody until `claimed_until`."""

WEBHOOK_RECEIVERS = sa.Table(
    "webhook_receivers",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("configured", sa.String(71), nullable=False),
    sa.Column("attempted_at", Moment, nullable=False),
    sa.Column("succeeded_at", Moment),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("stopped_at", Moment),
)
"""How the systems that are told are doing. `stopped_at`: it said that it wants nothing any more, at the address of
which `configured` is a digest."""
