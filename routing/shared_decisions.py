"""Which decisions somebody may see and continue, where organisations are kept apart (`WEGWIJS_DECISIONS_SHARED`)."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from routing.errors import NotFound
from routing.log_here import record_of
from routing.rights import Asker, organisations_seen
from routing.store import database, decisions
from routing.world import World


def organisations_of(world: World, asker: Asker) -> frozenset[str] | None:
    """The organisations whose decisions `asker` may see here; None is all of them."""
    return organisations_seen(asker, world.settings.decisions_shared)


def may_see(world: World, decision: UUID, asker: Asker) -> bool:
    """Whether `asker`, who may read decisions, may read this one. Raises StoreUnavailable."""
    theirs = organisations_of(world, asker)
    if theirs is None:
        return True
    with database.reading(world.engine) as connection:
        return decisions.exists(connection, decision, theirs)


def check_shared(world: World, connection: database.Connection, decision: UUID, asker: Asker) -> None:
    """Refuse a decision of which `asker` may not even know that there is one. Raises NotFound."""
    theirs = organisations_of(world, asker)
    if theirs is not None and not decisions.exists(connection, decision, theirs):
        raise NotFound("decision", str(decision))


def shared_record(world: World, connection: database.Connection, decision: UUID, asker: Asker) -> bytes:
    """The canonical record of a decision that `asker` may see. Raises NotFound, Erased, BadRecord, KeysUnusable."""
    check_shared(world, connection, decision, asker)
    return record_of(world, connection, "decision", decision)


def as_place_of_others(world: World, connection: database.Connection, decision: UUID, asker: Asker) -> Asker:
    """`asker`, who has no more rights than a place has where the decision is one of others: a hospital that triages
    itself answers for patients whom others send to it, and does nothing else with them."""
    theirs = organisations_of(world, asker)
    if theirs is None or decisions.exists(connection, decision, theirs):
        return asker
    return replace(asker, roles=asker.roles & {"facility"})
