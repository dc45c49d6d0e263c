"""Keeps every vocabulary, ruleset and directory that decided something, so that it can be asked again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from routing.errors import NotFound
from routing.rules.ruleset import Ruleset
from routing.store.database import insert_if_absent
from routing.store.packing import pack_content, unpack_content
from routing.store.tables import DIRECTORY_REVISIONS, RULESETS, VOCABULARIES
from routing.vocabulary import Vocabulary, digest_of


def keep_vocabulary(connection: sa.Connection, words: Vocabulary, now: datetime) -> None:
    """Keep a vocabulary, unless it is there already."""
    values = {"digest": words.digest, "content": pack_content(words.source), "first_seen": now}
    insert_if_absent(connection, VOCABULARIES, values)


def read_vocabulary_source(connection: sa.Connection, digest: str) -> Mapping[str, Any]:
    """The content of a vocabulary, as `vocabulary_from_source` reads it. Raises NotFound, BadRecord."""
    packed = connection.scalar(sa.select(VOCABULARIES.c.content).where(VOCABULARIES.c.digest == digest))
    return _unpacked(packed, "vocabulary", digest)


def keep_ruleset(connection: sa.Connection, rules: Ruleset, now: datetime) -> None:
    """Keep a ruleset, unless it is there already."""
    values = {
        "digest": rules.digest,
        "name": rules.name,
        "version": rules.version,
        "effective_from": rules.effective_from,
        "content": pack_content(rules.source),
        "first_seen": now,
    }
    insert_if_absent(connection, RULESETS, values)


def read_ruleset_source(connection: sa.Connection, digest: str) -> Mapping[str, Any]:
    """The content of a ruleset, as `ruleset_from_source` reads it. Raises NotFound, BadRecord."""
    packed = connection.scalar(sa.select(RULESETS.c.content).where(RULESETS.c.digest == digest))
    return _unpacked(packed, "ruleset", digest)


def _unpacked(packed: bytes | None, what: str, digest: str) -> Mapping[str, Any]:
    if packed is None:
        raise NotFound(what, digest)
    content: Mapping[str, Any] = unpack_content(packed, digest)
    return content


def newest_revision(connection: sa.Connection) -> int | None:
    """The number of the newest directory; None if there is none yet."""
    newest: int | None = connection.scalar(sa.select(sa.func.max(DIRECTORY_REVISIONS.c.revision)))
    return newest


def add_directory_if_new(connection: sa.Connection, content: Mapping[str, Any], source: str, now: datetime) -> int:
    """Add a directory as the newest revision, unless the newest of the same `source` is the same; the number of that
    revision. The caller holds the lock of upgrades."""
    columns = DIRECTORY_REVISIONS.c
    query = sa.select(columns.revision, columns.digest).where(columns.source == source)
    last = connection.execute(query.order_by(columns.revision.desc()).limit(1)).one_or_none()
    digest = digest_of(content)
    if last is not None and last.digest == digest:
        return int(last.revision)
    revision = (newest_revision(connection) or 0) + 1
    values = {"revision": revision, "digest": digest, "content": pack_content(content)}
    connection.execute(DIRECTORY_REVISIONS.insert(), {**values, "source": source, "received_at": now})
    return revision


def read_directory_source(connection: sa.Connection, revision: int) -> Mapping[str, Any]:
    """The directory of `revision`, as `read_directory` reads it. Raises NotFound, BadRecord."""
    columns = DIRECTORY_REVISIONS.c
    found = connection.execute(sa.select(columns.content, columns.digest).where(columns.revision == revision)).first()
    if found is None:
        raise NotFound("directory revision", str(revision))
    content: Mapping[str, Any] = unpack_content(found.content, found.digest)
    return content
