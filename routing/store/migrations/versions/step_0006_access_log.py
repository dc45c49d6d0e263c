"""What one searches the access log by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from routing.store.tables import Moment

revision = "0006"
down_revision: str | None = "0005"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the table; its entries stand in `log_entries`, as those of every log."""
    op.create_table(
        "access_subjects",
        sa.Column("at", Moment(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("patient", sa.String(32)),
        sa.Column("decision_id", sa.Uuid()),
        sa.Column("user_id", sa.Text()),
        sa.Column("key_id", sa.Uuid()),
        sa.PrimaryKeyConstraint("at", "entry_id", "number", name="pk_access_subjects"),
        sqlite_with_rowid=False,
    )
    for name in ("patient", "decision_id", "user_id"):
        given = sa.text(f"{name} IS NOT NULL")
        op.create_index(
            f"ix_access_subjects_{name}_at_entry_id",
            "access_subjects",
            [name, "at", "entry_id"],
            postgresql_where=given,
            sqlite_where=given,
        )
