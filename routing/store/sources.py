"""Keeps every vocabulary and ruleset that decided something, so that it can be asked again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from routing.errors import NotFound
from routing.rules.agreements import OVERLAY_FILE
from routing.rules.ruleset import Ruleset
from routing.store.database import insert_if_absent
from routing.store.packing import pack_content, unpack_content
from routing.store.tables import RULESETS, VOCABULARIES
from routing.vocabulary import Vocabulary


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


def national_rulesets(
    connection: sa.Connection, digest: str, name: str, version: str
) -> Mapping[str, Mapping[str, Any]]:
    """Digest -> content of the rulesets that have decided and have this `digest`, or this `name` and `version`; of the
    latter only those that are of no region. Raises BadRecord."""
    columns = RULESETS.c
    named = sa.and_(columns.name == name, columns.version == version)
    rows = connection.execute(sa.select(columns.digest, columns.content).where(sa.or_(named, columns.digest == digest)))
    found = {row.digest: unpack_content(row.content, row.digest) for row in rows}
    return {key: content for key, content in found.items() if key == digest or OVERLAY_FILE not in content}
