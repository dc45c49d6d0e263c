"""Searching by rule and outcome, pages by index, and decisions that must not be erased."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from routing.store.tables import Moment

revision = "0007"
down_revision: str | None = "0006"
branch_labels: str | None = None
depends_on: str | None = None

_NEWEST = (
    "(SELECT o.{column} FROM outcomes o WHERE o.decision_id = decisions.id AND o.event = 'decided' "
    "ORDER BY o.recorded_at DESC, o.id DESC LIMIT 1)"
)


def upgrade() -> None:
    """Add columns and indexes to search by, the index of rules, and the table of holds."""
    _decisions()
    _conditions()
    op.create_table(
        "rule_names",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_rule_names"),
        sa.UniqueConstraint("name", name="uq_rule_names_name"),
    )
    op.create_table(
        "decision_rules",
        sa.Column("rule_number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("decided_at", Moment(), nullable=False),
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("rule_number", "decided_at", "decision_id", name="pk_decision_rules"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "legal_holds",
        sa.Column("decision_id", sa.Uuid(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("held_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("decision_id", name="pk_legal_holds"),
        sa.ForeignKeyConstraint(["decision_id"], ["decisions.id"], name="fk_legal_holds_decision_id"),
    )


def _decisions() -> None:
    op.add_column("decisions", sa.Column("rules", sa.LargeBinary()))
    op.add_column("decisions", sa.Column("outcome", sa.Text()))
    op.add_column("decisions", sa.Column("reason", sa.Text()))
    newest = {column: _NEWEST.format(column=column) for column in ("outcome", "reason")}
    # the names are our own, written above
    op.execute(f"UPDATE decisions SET outcome = {newest['outcome']}, reason = {newest['reason']}")  # noqa: S608
    op.drop_index("ix_decisions_facility_id_decided_at", "decisions")
    for name in ("urgency", "facility_id", "channel", "outcome", "ruleset_digest"):
        op.create_index(f"ix_decisions_{name}_decided_at_id", "decisions", [name, "decided_at", "id"])
    overridden = sa.text("reason IS NOT NULL")
    op.create_index(
        "ix_decisions_reason",
        "decisions",
        ["reason", "decided_at", "id"],
        postgresql_where=overridden,
        sqlite_where=overridden,
    )


def _conditions() -> None:
    op.add_column("decision_conditions", sa.Column("decided_at", Moment()))
    decided = "SELECT d.decided_at FROM decisions d WHERE d.id = decision_conditions.decision_id"
    op.execute(f"UPDATE decision_conditions SET decided_at = ({decided})")  # noqa: S608
    op.drop_index("ix_decision_conditions_code_decision_id", "decision_conditions")
    with op.batch_alter_table("decision_conditions") as table:
        table.alter_column("decided_at", existing_type=Moment(), nullable=False)
    columns = ["code", "decided_at", "decision_id"]
    op.create_index("ix_decision_conditions_code_decided_at_decision_id", "decision_conditions", columns)
