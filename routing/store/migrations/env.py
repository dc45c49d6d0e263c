"""Runs the steps on the connection that the program hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from routing.store import proposals, webhook_tables  # noqa: F401  their tables are among those that are made
from routing.store.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
