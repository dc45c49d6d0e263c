"""The directory as a history of changes, soft reservations, and keys that are of single places."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from routing.store.tables import Moment

revision = "0002"
down_revision: str | None = "0001"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add what is new; nothing that was there changes."""
    op.add_column("directory_revisions", sa.Column("packaged_digest", sa.String(71), nullable=True))
    op.create_index("ix_directory_revisions_received_at_revision", "directory_revisions", ["received_at", "revision"])
    op.add_column("api_keys", sa.Column("facilities", sa.Text(), nullable=True))
    op.create_table(
        "facility_changes",
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("facility_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("observed_at", Moment(), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.Column("valid_until", Moment(), nullable=True),
        sa.Column("flip", sa.Boolean(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("revision", "position", name="pk_facility_changes"),
        sa.ForeignKeyConstraint(["revision"], ["directory_revisions.revision"], name="fk_facility_changes_revision"),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name="fk_facility_changes_key_id"),
    )
    op.create_index("ix_facility_changes_facility_id_revision", "facility_changes", ["facility_id", "revision"])
    op.create_table(
        "directory_checkpoints",
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("revision", name="pk_directory_checkpoints"),
        sa.ForeignKeyConstraint(
            ["revision"], ["directory_revisions.revision"], name="fk_directory_checkpoints_revision"
        ),
    )
    op.create_table(
        "reservations",
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("facility_id", sa.Text(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("decision_id", "unit", name="pk_reservations"),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name="fk_reservations_decision_id"),
    )
    op.create_index("ix_reservations_made_at", "reservations", ["made_at"])
