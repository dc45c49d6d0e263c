"""The log with proofs: entries, their tree, and records that are sealed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from routing.store.tables import Moment

revision = "0005"
down_revision: str | None = "0004"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the tables of the log, and put aside the records that stand in none yet."""
    _log()
    _records()
    op.add_column("api_keys", sa.Column("organisation", sa.Text()))
    _put_aside()


def _log() -> None:
    op.create_table(
        "log_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("logged_at", Moment(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("decision_id", sa.Uuid()),
        sa.Column("position", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_log_entries"),
        sa.ForeignKeyConstraint(["decision_id"], ["log_entries.id"], name="fk_log_entries_decision_id"),
    )
    of_decision = sa.text("decision_id IS NOT NULL")
    op.create_index(
        "ix_log_entries_decision_id",
        "log_entries",
        ["decision_id"],
        postgresql_where=of_decision,
        sqlite_where=of_decision,
    )
    placed = sa.text("position IS NOT NULL")
    op.create_index(
        "uq_log_entries_log_position",
        "log_entries",
        ["log", "position"],
        unique=True,
        postgresql_where=placed,
        sqlite_where=placed,
    )
    waiting = sa.text("position IS NULL")
    op.create_index(
        "ix_log_entries_waiting",
        "log_entries",
        ["log", "logged_at", "id"],
        postgresql_where=waiting,
        sqlite_where=waiting,
    )
    op.create_table(
        "log_tiles",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log", "level", "number", name="pk_log_tiles"),
    )
    op.create_table(
        "log_checkpoints",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signed_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("log", "size", name="pk_log_checkpoints"),
    )
    op.create_table(
        "log_keys",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("vkey", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text()),
        sa.Column("added_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("log", "number", name="pk_log_keys"),
    )


def _records() -> None:
    op.create_table(
        "records",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_records"),
        sa.ForeignKeyConstraint(["id"], ["log_entries.id"], name="fk_records_id"),
    )
    op.create_table(
        "record_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sealing_key", sa.String(16), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_record_keys"),
        sa.ForeignKeyConstraint(["id"], ["log_entries.id"], name="fk_record_keys_id"),
    )
    op.create_table(
        "unadopted",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record", sa.LargeBinary(), nullable=False),
        sa.Column("record_digest", sa.String(71), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_unadopted"),
    )


def _put_aside() -> None:
    for kind, table, record in (("decision", "decisions", "entry"), ("outcome", "outcomes", "record")):
        # the names are our own, written above
        op.execute(
            "INSERT INTO unadopted (id, kind, record, record_digest) "  # noqa: S608
            f"SELECT id, '{kind}', {record}, {record}_digest FROM {table}"
        )
        op.drop_column(table, record)
        op.drop_column(table, f"{record}_digest")
    op.add_column("decisions", sa.Column("patient", sa.String(32)))
    op.add_column("decisions", sa.Column("erased_at", Moment()))
    op.create_index("ix_decisions_patient_decided_at", "decisions", ["patient", "decided_at"])
    op.add_column("outcomes", sa.Column("event", sa.Text(), nullable=False, server_default="decided"))
    for name in ("outcome", "reason", "facility_id"):
        op.add_column("outcomes", sa.Column(name, sa.Text()))
