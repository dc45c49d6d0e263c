"""People who sign in: accounts, sessions, and tries that failed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from routing.store.tables import Moment

revision = "0011"
down_revision: str | None = "0010"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the tables of accounts, sessions and failed tries."""
    op.create_table(
        "users",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("facilities", sa.Text()),
        sa.Column("organisation", sa.Text()),
        sa.Column("password", sa.Text()),
        sa.Column("password_set_at", Moment()),
        sa.Column("code_sha256", sa.String(64)),
        sa.Column("code_until", Moment()),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("disabled_at", Moment()),
        sa.Column("signed_in_at", Moment()),
        sa.PrimaryKeyConstraint("name", name="pk_users"),
    )
    op.create_table(
        "sessions",
        sa.Column("id_sha256", sa.String(64), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.String(64)),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("roles", sa.Text()),
        sa.Column("facilities", sa.Text()),
        sa.Column("organisation", sa.Text()),
        sa.Column("state_sha256", sa.String(64)),
        sa.Column("began_at", Moment(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.Column("ends_at", Moment(), nullable=False),
        sa.Column("ended_at", Moment()),
        sa.PrimaryKeyConstraint("id_sha256", name="pk_sessions"),
        sa.ForeignKeyConstraint(["key_id"], ["api_keys.id"], name="fk_sessions_key_id"),
        sa.ForeignKeyConstraint(["account"], ["users.name"], name="fk_sessions_account"),
    )
    for name in ("account", "ends_at"):
        op.create_index(f"ix_sessions_{name}", "sessions", [name])
    op.create_index("ix_sessions_state_sha256", "sessions", ["state_sha256"], unique=True)
    op.create_table(
        "sign_in_attempts",
        sa.Column("about", sa.String(64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("about", name="pk_sign_in_attempts"),
    )
    op.create_index("ix_sign_in_attempts_failed_at", "sign_in_attempts", ["failed_at"])
