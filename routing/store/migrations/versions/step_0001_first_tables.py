"""The first tables: decisions, their rules, words and places, and the keys of those who ask."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from routing.store.tables import Moment

revision = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Create everything."""
    op.create_table(
        "vocabularies",
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_vocabularies"),
    )
    op.create_table(
        "rulesets",
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("effective_from", Moment(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("first_seen", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_rulesets"),
    )
    op.create_table(
        "directory_revisions",
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("received_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("revision", name="pk_directory_revisions"),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("key_sha256", sa.String(64), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("bootstrap", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=True),
        sa.Column("revoked_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("key_sha256", name="uq_api_keys_key_sha256"),
    )
    _create_decisions()


def _create_decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("decided_at", Moment(), nullable=False),
        sa.Column("urgency", sa.SmallInteger(), nullable=False),
        sa.Column("facility_id", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("ruleset_digest", sa.String(71), nullable=False),
        sa.Column("vocabulary_digest", sa.String(71), nullable=False),
        sa.Column("directory_revision", sa.Integer(), nullable=False),
        sa.Column("supersedes", sa.Uuid(), nullable=True),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("entry_digest", sa.String(71), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
        sa.ForeignKeyConstraint(["ruleset_digest"], ["rulesets.digest"], name="fk_decisions_ruleset_digest"),
        sa.ForeignKeyConstraint(["vocabulary_digest"], ["vocabularies.digest"], name="fk_decisions_vocabulary_digest"),
        sa.ForeignKeyConstraint(
            ["directory_revision"], ["directory_revisions.revision"], name="fk_decisions_directory_revision"
        ),
        sa.ForeignKeyConstraint(["supersedes"], ["decisions.id"], name="fk_decisions_supersedes"),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name="fk_decisions_key_id"),
    )
    op.create_index("ix_decisions_decided_at_id", "decisions", ["decided_at", "id"])
    op.create_index("ix_decisions_facility_id_decided_at", "decisions", ["facility_id", "decided_at"])
    op.create_table(
        "decision_conditions",
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("decision_id", "code", name="pk_decision_conditions"),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name="fk_decision_conditions_decision_id"),
    )
    op.create_index("ix_decision_conditions_code_decision_id", "decision_conditions", ["code", "decision_id"])
