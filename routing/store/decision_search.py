"""Finds decisions, newest first and a page at a time, reading hardly more than the page holds however many there are.

Every single question has an index in which its decisions stand in the order of the pages. Where several are asked at
once, the one whose decisions lie furthest apart leads, and the others are asked of what it finds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from routing.store.cursor import bad_cursor, read_cursor, write_cursor
from routing.store.decisions import Row
from routing.store.rule_index import number_of
from routing.store.tables import DECISION_CONDITIONS, DECISION_RULES, DECISIONS, Moment

NONE = "none"
"""The outcome of decisions of which nothing was recorded."""

READ_AT_ONCE = 1_000
ROUNDS = 4
"""Where several questions are asked, a page looks at no more than READ_AT_ONCE * ROUNDS decisions; what was not found
by then is for the next page."""


@dataclass(frozen=True, slots=True)
class Search:
    """Which decisions are wanted: from `since` (included) to `until` (not included); None asks nothing. `rule` is a
    name as in reasons, `outcome` accepted, overridden or none, `reason` the code of an override. `organisations` are
    those whose decisions are shown at all."""

    since: datetime | None = None
    until: datetime | None = None
    urgency: int | None = None
    condition: str | None = None
    facility_id: str | None = None
    rule: str | None = None
    outcome: str | None = None
    reason: str | None = None
    channel: str | None = None
    ruleset: str | None = None
    organisations: frozenset[str] | None = None


Position = tuple[datetime, UUID]
"""A place in the list of decisions, newest first: when, and which of those of the same moment."""


class Page(NamedTuple):
    """Decisions, newest first, and after which place there may be more; None: there are no more."""

    rows: Sequence[Row]
    after: Position | None


class _Question(NamedTuple):
    """One question: in which lists its decisions stand in order (mostly one), and how it is asked of a decision."""

    decided_at: sa.ColumnElement[datetime]
    decision_id: sa.ColumnElement[UUID]
    listed: tuple[sa.ColumnElement[bool], ...]
    asked: sa.ColumnElement[bool]


def page(connection: sa.Connection, wanted: Search, after: Position | None, limit: int) -> Page:
    """Decisions that fit `wanted`, newest first, from the one that follows `after`, at most `limit`. It may hold fewer
    although more follow, where what is asked together is very rare."""
    questions = _questions(connection, wanted)
    if questions is None:
        return Page((), None)
    rows: list[Row] = []
    for _ in range(ROUNDS):
        lead, end = _furthest(connection, questions, wanted, after)
        rows += _found(connection, lead, [each for each in questions if each is not lead], wanted, after, limit + 1)
        if len(rows) > limit:
            last = rows[limit - 1]
            return Page(rows[:limit], (last.decided_at, last.id))
        if end is None:
            return Page(rows, None)
        after = end
    return Page(rows, after)


def _questions(connection: sa.Connection, wanted: Search) -> Sequence[_Question] | None:
    """What is asked; None if nothing can fit."""
    found = list(_of_columns(wanted))
    if wanted.organisations is not None:
        found.insert(0, _shared(wanted.organisations))
    if wanted.condition is not None:
        found.append(_condition(wanted.condition))
    if wanted.rule is not None:
        if (number := number_of(connection, wanted.rule)) is None:
            return None
        found.append(_rule(number))
    return found or [_Question(DECISIONS.c.decided_at, DECISIONS.c.id, (sa.true(),), sa.true())]


def _of_columns(wanted: Search) -> Iterator[_Question]:
    columns, lead = DECISIONS.c, DECISIONS.alias("lead").c
    asked = {
        "urgency": wanted.urgency,
        "facility_id": wanted.facility_id,
        "channel": wanted.channel,
        "ruleset_digest": wanted.ruleset,
        "outcome": wanted.outcome,
        "reason": wanted.reason,
    }
    for name, value in asked.items():
        if value is not None:
            # a comparison with None asks for what is empty
            value = None if name == "outcome" and value == NONE else value
            yield _Question(lead.decided_at, lead.id, (lead[name] == value,), columns[name] == value)


def _shared(organisations: frozenset[str]) -> _Question:
    """Whether a decision is one of these organisations, of which each has a list of its own."""
    lead = DECISIONS.alias("lead").c
    listed = tuple(lead.organisation == each for each in sorted(organisations))
    return _Question(lead.decided_at, lead.id, listed, DECISIONS.c.organisation.in_(organisations))


def _condition(code: str) -> _Question:
    lead, other = DECISION_CONDITIONS.alias("lead").c, DECISION_CONDITIONS.alias("other").c
    asked = sa.exists().where(other.decision_id == DECISIONS.c.id, other.code == code)
    return _Question(lead.decided_at, lead.decision_id, (lead.code == code,), asked)


def _rule(number: int) -> _Question:
    lead, other = DECISION_RULES.alias("lead").c, DECISION_RULES.alias("other").c
    same = (other.decided_at == DECISIONS.c.decided_at, other.decision_id == DECISIONS.c.id)
    asked = sa.exists().where(other.rule_number == number, *same)
    return _Question(lead.decided_at, lead.decision_id, (lead.rule_number == number,), asked)


def _furthest(
    connection: sa.Connection, questions: Sequence[_Question], wanted: Search, after: Position | None
) -> tuple[_Question, Position | None]:
    """The question whose next READ_AT_ONCE decisions reach furthest back, and how far; None: to the end of its list.
    Where only decisions of some organisations are shown these lead: how far was looked is told, and must tell nothing
    of others."""
    if len(questions) == 1:
        return questions[0], None
    ends = []
    leading = questions if wanted.organisations is None else questions[:1]
    for question in leading:
        query = _list(question, wanted, after, READ_AT_ONCE).offset(READ_AT_ONCE - 1).limit(1)
        last = connection.execute(query).one_or_none()
        if last is None:
            return question, None
        ends.append((last.decided_at, last.id))
    end = min(ends)
    return leading[ends.index(end)], end


def _list(question: _Question, wanted: Search, after: Position | None, limit: int) -> sa.Select[datetime, UUID]:
    """The first `limit` of the list of a question from `after` on: when and which, in the order of the pages."""
    lists = [_one_list(question, each, wanted, after).limit(limit) for each in question.listed]
    if len(lists) == 1:
        return lists[0]
    # each by its own index, and then merged: a question for several at once would sort all that there are
    merged = sa.union_all(*(sa.select(each.subquery()) for each in lists)).subquery()
    return sa.select(merged.c.decided_at, merged.c.id).order_by(merged.c.decided_at.desc(), merged.c.id.desc())


def _one_list(
    question: _Question, listed: sa.ColumnElement[bool], wanted: Search, after: Position | None
) -> sa.Select[datetime, UUID]:
    moment, which = question.decided_at, question.decision_id
    query = sa.select(moment.label("decided_at"), which.label("id")).where(listed)
    if wanted.since is not None:
        query = query.where(moment >= wanted.since)
    if wanted.until is not None:
        query = query.where(moment < wanted.until)
    if after is not None:
        place = sa.tuple_(sa.literal(after[0], Moment), sa.literal(after[1], sa.Uuid))
        query = query.where(sa.tuple_(moment, which) < place)
    return query.order_by(moment.desc(), which.desc())


def _found(
    connection: sa.Connection,
    lead: _Question,
    others: Sequence[_Question],
    wanted: Search,
    after: Position | None,
    limit: int,
) -> list[Row]:
    """The next decisions of the list of `lead` that fit the other questions too."""
    found = connection.execute(_statement(lead, others, wanted, after, limit)).mappings().all()
    conditions = _conditions(connection, [row["id"] for row in found])
    return [Row(conditions=conditions.get(row["id"], {}), **row) for row in found]


_COLUMNS = tuple(name for name in Row.__dataclass_fields__ if name != "conditions")


def _statement(
    lead: _Question, others: Sequence[_Question], wanted: Search, after: Position | None, limit: int
) -> sa.Select[Any]:
    # the limit within keeps the database from thinking of another way to go about it
    most = READ_AT_ONCE if others else limit
    led = _list(lead, wanted, after, most).limit(most).subquery("led")
    return (
        sa.select(*(DECISIONS.c[name] for name in _COLUMNS))
        .join_from(led, DECISIONS, DECISIONS.c.id == led.c.id)
        .where(*(each.asked for each in others))
        .order_by(led.c.decided_at.desc(), led.c.id.desc())
        .limit(limit)
    )


def _conditions(connection: sa.Connection, ids: Sequence[UUID]) -> Mapping[UUID, Mapping[str, str]]:
    if not ids:
        return {}
    table = DECISION_CONDITIONS.c
    query = sa.select(table.decision_id, table.code, table.status).where(table.decision_id.in_(ids))
    found: dict[UUID, dict[str, str]] = {}
    for decision_id, code, status in sorted(map(tuple, connection.execute(query))):
        found.setdefault(decision_id, {})[code] = status
    return found


def cursor(position: Position) -> str:
    """`position` as a cursor."""
    moment, decision_id = position
    return write_cursor(moment.isoformat(), decision_id.hex)


def position(cursor: str) -> Position:
    """The position that `cursor` stands for. Raises BadInput."""
    moment, decision_id = read_cursor(cursor, str, str)
    try:
        found = datetime.fromisoformat(moment), UUID(hex=decision_id)
    except ValueError as error:
        raise bad_cursor(cursor) from error
    if found[0].tzinfo is None:
        raise bad_cursor(cursor)
    return found
