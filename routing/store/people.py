"""The shape of what is kept of people who sign in: accounts, sessions, tries that failed, and unfinished cases."""

from __future__ import annotations

import sqlalchemy as sa

from routing.store.tables import METADATA, Moment

USERS = sa.Table(
    "users",
    METADATA,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("facilities", sa.Text),
    sa.Column("organisation", sa.Text),
    sa.Column("password", sa.Text),
    sa.Column("password_set_at", Moment),
    sa.Column("code_sha256", sa.String(64)),
    sa.Column("code_until", Moment),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("disabled_at", Moment),
    sa.Column("signed_in_at", Moment),
)
"""Accounts. `password` is an argon2id hash with its salt and cost, `code_sha256` the hash of a random code of 100 bits
with which a password is set, once and until `code_until`."""

SESSIONS = sa.Table(
    "sessions",
    METADATA,
    sa.Column("id_sha256", sa.String(64), primary_key=True),
    sa.Column("key_id", sa.Uuid, sa.ForeignKey("api_keys.id"), nullable=False),
    sa.Column("account", sa.String(64), sa.ForeignKey("users.name")),
    sa.Column("user_id", sa.String(64), nullable=False),
    sa.Column("roles", sa.Text),
    sa.Column("facilities", sa.Text),
    sa.Column("organisation", sa.Text),
    sa.Column("state_sha256", sa.String(64)),
    sa.Column("began_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("ends_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.Index(None, "account"),
    sa.Index(None, "ends_at"),
    sa.Index(None, "state_sha256", unique=True),
)
"""People who signed in. With an `account` it is that which says what they may do; without one an issuer said it when
they came, and `state_sha256` is what they came back with, which counts once. `ends_at` is when it ends at the latest,
`ended_at` when it was ended before that."""

SIGN_IN_ATTEMPTS = sa.Table(
    "sign_in_attempts",
    METADATA,
    sa.Column("about", sa.String(64), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("failed_at", Moment, nullable=False),
    sa.Index(None, "failed_at"),
)
"""How often it went wrong in a row for a name, or from an address: `about` is a fingerprint of either, under a secret
of the installation. What somebody typed stands nowhere."""

DRAFTS = sa.Table(
    "drafts",
    METADATA,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("began_at", Moment, nullable=False),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("sealing_key", sa.String(16), nullable=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Index(None, "owner", "changed_at"),
    sa.Index(None, "changed_at"),
)
"""Cases that somebody is filling in at the desk, sealed as records are, until they are decided or a day old. `owner`
is who may see it: a client and the person there."""
