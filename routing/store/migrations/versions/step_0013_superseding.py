"""Which decision supersedes a decision, found without reading them all."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision: str | None = "0012"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the index; few decisions supersede another one."""
    op.create_index(
        "ix_decisions_supersedes",
        "decisions",
        ["supersedes"],
        postgresql_where=sa.text("supersedes IS NOT NULL"),
        sqlite_where=sa.text("supersedes IS NOT NULL"),
    )
