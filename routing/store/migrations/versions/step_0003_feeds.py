"""How the feeds that are pulled from elsewhere are doing."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from routing.store.tables import Moment

revision = "0003"
down_revision: str | None = "0002"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add what is new; nothing that was there changes."""
    op.create_table(
        "feeds",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("configured", sa.String(71), nullable=False),
        sa.Column("every_seconds", sa.Integer(), nullable=False),
        sa.Column("attempted_at", Moment(), nullable=False),
        sa.Column("succeeded_at", Moment(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("counts", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_feeds"),
    )
