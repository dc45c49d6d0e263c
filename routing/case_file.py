"""All that is known of one decision at once, and all decisions about one case in their order: for who looks at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from routing.access_log import note, noted
from routing.errors import BadRecord, NotFound, WegwijsError
from routing.log.access import Subject
from routing.log.canonical import plain
from routing.log.record import answer
from routing.log_here import records_of
from routing.outcome_state import in_order, shown_outcome
from routing.outcomes import outcomes_within
from routing.rights import Asker
from routing.service import as_id
from routing.shared_decisions import organisations_of, shared_record
from routing.store import database, decisions, outcomes
from routing.store.accesses import subjects_of
from routing.vocabulary import URGENCIES
from routing.webhooks.shown import pre_alerts_within
from routing.world import World


def decision_file(world: World, decision_id: str, asker: Asker) -> dict[str, Any]:
    """One decision with all that belongs to it: `{"decision", "case", "decided_by", "state", "outcomes", "pre_alerts",
    "superseded_by": [{"id", "decided_at"}], "superseded_elsewhere"}`. `decision` is what was answered, `case` what was
    given, `decided_by` which key, organisation and roles asked; `superseded_elsewhere` says that another organisation
    decided anew, which `asker` may not see; the rest as of `outcomes_of` and `pre_alerts_of`. That `asker` read it is
    noted once. Raises NotFound, Erased, BadRecord, StoreUnavailable."""
    decision, now = as_id("decision", decision_id), world.clock()
    theirs = organisations_of(world, asker)

    def read(connection: database.Connection) -> dict[str, Any]:
        record = plain(shared_record(world, connection, decision, asker))
        later = decisions.superseding(connection, decision)
        return {
            "decision": answer(record),
            "case": record["case"],
            "decided_by": record["asker"],
            **outcomes_within(world, connection, record),
            "pre_alerts": pre_alerts_within(connection, decision, now),
            "superseded_by": [
                {"id": str(each), "decided_at": at.isoformat()} for each, at, whose in later if _seen(whose, theirs)
            ],
            "superseded_elsewhere": any(not _seen(whose, theirs) for _, _, whose in later),
        }

    return noted(world, asker, "read", decision, read)


def timeline(world: World, decision_id: str, asker: Asker) -> list[dict[str, Any]]:
    """The decision with all that it supersedes and that supersede it, the oldest first: `[{"id", "decided_at",
    "supersedes", "urgency", "conditions", "facility", "outcome", "reason", "erased", "outcomes"}]`, of each the
    outcomes in full, the oldest first. Of what was erased only that and when. That `asker` read all of them is noted at
    once. Raises NotFound, BadRecord, StoreUnavailable."""
    decision = as_id("decision", decision_id)
    with database.writing(world.engine) as connection:
        theirs = organisations_of(world, asker)
        rows = [row for row in decisions.chain_of(connection, decision) if _seen(row.organisation, theirs)]
        rows = rows if any(row.id == decision for row in rows) else []
        about = [Subject(row.patient, row.id) for row in rows] or subjects_of(connection, [decision])
        fault: WegwijsError | None = None if rows else NotFound("decision", decision_id)
        recorded: Mapping[UUID, Sequence[Mapping[str, Any]]] = {}
        try:
            recorded = _recorded(world, connection, [row.id for row in rows])
        except BadRecord as error:
            fault = error
        outcome = "ok" if fault is None else "failed"
        note(connection, asker, "read", world.clock(), subjects=about, outcome=outcome)
    if fault is not None:
        raise fault
    shown = {row.id for row in rows}
    return [_step(row, recorded.get(row.id, ()), row.supersedes in shown) for row in rows]


def _seen(whose: str | None, theirs: frozenset[str] | None) -> bool:
    return theirs is None or whose in theirs


def _recorded(
    world: World, connection: database.Connection, ids: Sequence[UUID]
) -> dict[UUID, Sequence[Mapping[str, Any]]]:
    of_each = outcomes.of_decisions(connection, ids)
    records = records_of(world, connection, [each for theirs in of_each.values() for each in theirs])
    return {
        decision: in_order(plain(records[each]) for each in theirs if each in records)
        for decision, theirs in of_each.items()
    }


def _step(row: decisions.Row, recorded: Sequence[Mapping[str, Any]], earlier_shown: bool) -> dict[str, Any]:
    erased = row.erased_at is not None
    return {
        "id": str(row.id),
        "decided_at": row.decided_at.isoformat(),
        "supersedes": str(row.supersedes) if earlier_shown else None,
        "urgency": URGENCIES[row.urgency],
        "conditions": list(row.conditions),
        "facility": row.facility_id,
        "outcome": None if erased else row.outcome,
        "reason": row.reason,
        "erased": erased,
        "outcomes": [shown_outcome(record) for record in recorded],
    }
