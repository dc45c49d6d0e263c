"""Keys that are renewed, when they were last used, and clients that come with tokens of an issuer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from routing.store.tables import Moment

revision = "0008"
down_revision: str | None = "0007"
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    """Add the secret before the present one, the last use, and the issuer and client of a token."""
    op.add_column("api_keys", sa.Column("former_sha256", sa.String(64)))
    op.add_column("api_keys", sa.Column("former_until", Moment()))
    op.add_column("api_keys", sa.Column("used_at", Moment()))
    op.add_column("api_keys", sa.Column("issuer", sa.Text()))
    op.add_column("api_keys", sa.Column("client", sa.Text()))
    op.create_index("ix_api_keys_former_sha256", "api_keys", ["former_sha256"], unique=True)
