"""The shape of what is kept: every decision with all that was known, and the rules, words and places it used."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Moment(sa.types.TypeDecorator[datetime]):
    """A moment, always with its offset in Python and in UTC when it comes back.

    PostgreSQL keeps it as `timestamptz`; SQLite, which has no such type, as UTC text of fixed width, so that the order
    of the texts is the order of the moments.
    """

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        """Text of 27 characters on SQLite, `timestamptz` elsewhere."""
        return dialect.type_descriptor(sa.String(27) if dialect.name == "sqlite" else sa.DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        """Refuses a time without offset: nobody could say which moment it is."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs an offset from UTC")
        moment = value.astimezone(UTC)
        if dialect.name == "sqlite":
            return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
        return moment

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        """An aware time in UTC."""
        if value is None:
            return None
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        assert isinstance(moment, datetime)
        return moment.astimezone(UTC)


def _digest(name: str, *constraints: Any, **options: Any) -> sa.Column[str]:
    return sa.Column(name, sa.String(71), *constraints, **options)  # `sha256:` and 64 hexadecimal digits


VOCABULARIES = sa.Table(
    "vocabularies",
    METADATA,
    _digest("digest", primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("first_seen", Moment, nullable=False),
)

RULESETS = sa.Table(
    "rulesets",
    METADATA,
    _digest("digest", primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("effective_from", Moment, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("first_seen", Moment, nullable=False),
)

DIRECTORY_REVISIONS = sa.Table(
    "directory_revisions",
    METADATA,
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    _digest("digest", nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
    _digest("packaged_digest"),
    sa.Index(None, "received_at", "revision"),
)
"""One row a revision. The whole directory stands in `content` where it was taken in at once; where it is empty, the
revision is the one before it with its changes, and `digest` is over the whole history."""

FACILITY_CHANGES = sa.Table(
    "facility_changes",
    METADATA,
    sa.Column("revision", sa.Integer, sa.ForeignKey("directory_revisions.revision"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("facility_id", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("observed_at", Moment, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("valid_until", Moment),
    sa.Column("flip", sa.Boolean, nullable=False),
    sa.Column("key_id", sa.Uuid, sa.ForeignKey("api_keys.id")),
    sa.Index(None, "facility_id", "revision"),
)

DIRECTORY_CHECKPOINTS = sa.Table(
    "directory_checkpoints",
    METADATA,
    sa.Column("revision", sa.Integer, sa.ForeignKey("directory_revisions.revision"), primary_key=True),
    _digest("digest", nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)
"""The whole directory at some revisions, so that nobody has to begin at the first one."""

RESERVATIONS = sa.Table(
    "reservations",
    METADATA,
    sa.Column("decision_id", sa.Uuid, sa.ForeignKey("decisions.id"), primary_key=True),
    sa.Column("unit", sa.Text, primary_key=True),
    sa.Column("facility_id", sa.Text, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Index(None, "made_at"),
)
"""Patients who were recently advised to go somewhere; what counted for a decision stands in its own record."""

OUTCOMES = sa.Table(
    "outcomes",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("decision_id", sa.Uuid, sa.ForeignKey("decisions.id"), nullable=False),
    sa.Column("recorded_at", Moment, nullable=False),
    sa.Column("event", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("facility_id", sa.Text),
    sa.Column("key_id", sa.Uuid, sa.ForeignKey("api_keys.id"), nullable=False),
    sa.Index(None, "decision_id", "recorded_at"),
)
"""What one searches outcomes by; all of an outcome stands sealed in `records`, and its entry in the log."""

API_KEYS = sa.Table(
    "api_keys",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("key_sha256", sa.String(64), nullable=False, unique=True),
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("facilities", sa.Text),
    sa.Column("organisation", sa.Text),
    sa.Column("bootstrap", sa.Boolean, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment),
    sa.Column("revoked_at", Moment),
    sa.Column("former_sha256", sa.String(64)),
    sa.Column("former_until", Moment),
    sa.Column("used_at", Moment),
    sa.Column("issuer", sa.Text),
    sa.Column("client", sa.Text),
    sa.Index(None, "former_sha256", unique=True),
)
"""Who may ask. `former_sha256` is the secret before this one, which is valid until `former_until`. A row with an
`issuer` stands for a client that comes with tokens of that issuer; its `key_sha256` is no hash of any secret."""

DECISIONS = sa.Table(
    "decisions",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("decided_at", Moment, nullable=False),
    sa.Column("urgency", sa.SmallInteger, nullable=False),
    sa.Column("facility_id", sa.Text),
    sa.Column("channel", sa.Text),
    _digest("ruleset_digest", sa.ForeignKey("rulesets.digest"), nullable=False),
    _digest("vocabulary_digest", sa.ForeignKey("vocabularies.digest"), nullable=False),
    sa.Column("directory_revision", sa.Integer, sa.ForeignKey("directory_revisions.revision"), nullable=False),
    sa.Column("supersedes", sa.Uuid, sa.ForeignKey("decisions.id")),
    sa.Column("key_id", sa.Uuid, sa.ForeignKey("api_keys.id"), nullable=False),
    sa.Column("patient", sa.String(32)),
    sa.Column("erased_at", Moment),
    sa.Column("rules", sa.LargeBinary),
    sa.Column("outcome", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("organisation", sa.Text),
    sa.Index(None, "decided_at", "id"),
    sa.Index(None, "urgency", "decided_at", "id"),
    sa.Index(None, "facility_id", "decided_at", "id"),
    sa.Index(None, "channel", "decided_at", "id"),
    sa.Index(None, "outcome", "decided_at", "id"),
    sa.Index(
        "ix_decisions_reason",
        "reason",
        "decided_at",
        "id",
        postgresql_where=sa.text("reason IS NOT NULL"),
        sqlite_where=sa.text("reason IS NOT NULL"),
    ),
    sa.Index(None, "ruleset_digest", "decided_at", "id"),
    sa.Index(None, "organisation", "decided_at", "id"),
    sa.Index(None, "patient", "decided_at"),
    sa.Index(
        "ix_decisions_supersedes",
        "supersedes",
        postgresql_where=sa.text("supersedes IS NOT NULL"),
        sqlite_where=sa.text("supersedes IS NOT NULL"),
    ),
)
"""What one searches decisions by; all of a decision stands sealed in `records`, and its entry in the log. `patient` is
a pseudonym, `rules` are the numbers of the rules that fired, `outcome` and `reason` those of the newest outcome.
`organisation` is that of who asked, "" if none was named; NULL is that it was not noted yet. Of a decision that was
erased only when, how urgent, for which organisation, with which ruleset and whether it was followed is left."""

DECISION_CONDITIONS = sa.Table(
    "decision_conditions",
    METADATA,
    sa.Column("decision_id", sa.Uuid, sa.ForeignKey("decisions.id"), primary_key=True),
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("decided_at", Moment, nullable=False),
    sa.Index(None, "code", "decided_at", "decision_id"),
)
"""When it was decided stands here too, so that the newest decisions about a condition are found in the index alone."""

RULE_NAMES = sa.Table(
    "rule_names",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
)
"""A short number for every rule that ever decided; `name` is ruleset and rule, as in a reason."""

DECISION_RULES = sa.Table(
    "decision_rules",
    METADATA,
    sa.Column("rule_number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("decided_at", Moment, primary_key=True),
    sa.Column("decision_id", sa.Uuid, primary_key=True),
    sqlite_with_rowid=False,
)
"""Which rules fired in which decisions, to search by: made by the sequencer of what stands in `decisions.rules`, and
without foreign keys, as nothing else writes here and there are many rows."""

LEGAL_HOLDS = sa.Table(
    "legal_holds",
    METADATA,
    sa.Column("decision_id", sa.Uuid, sa.ForeignKey("decisions.id"), primary_key=True),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("held_at", Moment, nullable=False),
)
"""Decisions that must not be erased for now."""

LOG_ENTRIES = sa.Table(
    "log_entries",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("log", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("logged_at", Moment, nullable=False),
    sa.Column("entry", sa.LargeBinary, nullable=False),
    sa.Column("decision_id", sa.Uuid, sa.ForeignKey("log_entries.id")),
    sa.Column("position", sa.BigInteger),
    sa.Index(
        "ix_log_entries_decision_id",
        "decision_id",
        postgresql_where=sa.text("decision_id IS NOT NULL"),
        sqlite_where=sa.text("decision_id IS NOT NULL"),
    ),
    sa.Index(
        "uq_log_entries_log_position",
        "log",
        "position",
        unique=True,
        postgresql_where=sa.text("position IS NOT NULL"),
        sqlite_where=sa.text("position IS NOT NULL"),
    ),
    sa.Index(
        "ix_log_entries_waiting",
        "log",
        "logged_at",
        "id",
        postgresql_where=sa.text("position IS NULL"),
        sqlite_where=sa.text("position IS NULL"),
    ),
)
"""Entries of logs, each with nothing about a patient in it. They are added without a position in the tree, which the
sequencer gives them shortly afterwards; nothing else of them is ever changed."""

LOG_TILES = sa.Table(
    "log_tiles",
    METADATA,
    sa.Column("log", sa.Text, primary_key=True),
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hashes", sa.LargeBinary, nullable=False),
)
"""The tree of a log: up to 256 hashes of one level in a row."""

LOG_CHECKPOINTS = sa.Table(
    "log_checkpoints",
    METADATA,
    sa.Column("log", sa.Text, primary_key=True),
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("signed_at", Moment, nullable=False),
)
"""What was signed of a log: how many entries it had and what their root is."""

LOG_KEYS = sa.Table(
    "log_keys",
    METADATA,
    sa.Column("log", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("vkey", sa.Text, nullable=False),
    sa.Column("statement", sa.Text),
    sa.Column("added_at", Moment, nullable=False),
)
"""The public keys of a log, in the order in which they signed; each but the first is announced by the one before it
(`statement`). The name in the first is the origin of the log."""

RECORDS = sa.Table(
    "records",
    METADATA,
    sa.Column("id", sa.Uuid, sa.ForeignKey("log_entries.id"), primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
"""All that is known of an entry, encrypted, each under a key of its own."""

RECORD_KEYS = sa.Table(
    "record_keys",
    METADATA,
    sa.Column("id", sa.Uuid, sa.ForeignKey("log_entries.id"), primary_key=True),
    sa.Column("sealing_key", sa.String(16), nullable=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
)
"""The keys of records, each wrapped with the sealing key of this name. Without its key a record is gone."""

UNADOPTED = sa.Table(
    "unadopted",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("record", sa.LargeBinary, nullable=False),
    _digest("record_digest", nullable=False),
)
"""Records from before there was a log with proofs, until `upgrade` has sealed them and given each an entry."""

IDEMPOTENCY_KEYS = sa.Table(
    "idempotency_keys",
    METADATA,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("request", sa.String(64)),
    sa.Column("entry_id", sa.Uuid, nullable=False),
    sa.Column("decision_id", sa.Uuid, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Index(None, "decision_id"),
    sa.Index(None, "made_at"),
)
"""Requests that were carried out under a key of the client: `key` and `request` are fingerprints under a secret of the
installation, from which nobody learns what the client said. Where the decision was erased `request` is gone. Each
request adds a row that is soon taken out again, so there are no foreign keys."""

FEEDS = sa.Table(
    "feeds",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    _digest("configured", nullable=False),
    sa.Column("every_seconds", sa.Integer, nullable=False),
    sa.Column("attempted_at", Moment, nullable=False),
    sa.Column("succeeded_at", Moment),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("error", sa.Text),
    sa.Column("etag", sa.Text),
    sa.Column("last_modified", sa.Text),
    sa.Column("counts", sa.Text),
)
"""The feeds that are pulled, one row each: how that went last. `configured` is a digest of how it was read."""

ACCESS_SUBJECTS = sa.Table(
    "access_subjects",
    METADATA,
    sa.Column("at", Moment, primary_key=True),
    sa.Column("entry_id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("patient", sa.String(32)),
    sa.Column("decision_id", sa.Uuid),
    sa.Column("user_id", sa.Text),
    sa.Column("key_id", sa.Uuid),
    *(
        sa.Index(
            None,
            name,
            "at",
            "entry_id",
            postgresql_where=sa.text(f"{name} IS NOT NULL"),
            sqlite_where=sa.text(f"{name} IS NOT NULL"),
        )
        for name in ("patient", "decision_id", "user_id")
    ),
    sqlite_with_rowid=False,
)
"""What one searches the log of accesses by: a row for each patient or decision of an entry, and one where there is
none. `patient` is a pseudonym; the decision may be erased, or never have been there. Each decision adds a row here, so
there is no more than must be: no foreign key, and no number of rows of SQLite's own."""
