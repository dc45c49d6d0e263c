"""Publishing a ruleset with two people: one proposes the files that are installed, another agrees, either withdraws.

What is agreed here puts nothing into force and counts nowhere as published: that only `published.yaml` beside the rules
does, which an operator installs with them. So what decides is never changed by a page, by a race of two, or by a
database that was restored; what the two agreed on is kept with who and when, and is held against the files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from uuid_utils.compat import uuid7

from routing.access_log import uuid_of
from routing.errors import BadInput, NotFound, bad_input
from routing.packaged import ruleset_folders
from routing.rights import Asker
from routing.rules.building import read_ruleset
from routing.rules.publication import Publication, is_same_person, read_published
from routing.rules.releases import read_release
from routing.rules.ruleset import Ruleset
from routing.rules_here import in_force, installed_rulesets
from routing.store import database
from routing.store import proposals as store
from routing.store.proposals import Proposal as Proposal
from routing.world import World

NOTE_MOST = 300

State = Literal["published", "changed", "proposed", "agreed", "nothing"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a ruleset is. `publication` is what `published.yaml` says, `proposal` the open one, else the newest on
    which two agreed, if it is about these very files. `changed`: these are not the files that were published."""

    ruleset: Ruleset
    state: State
    in_force: bool
    publication: Publication | None
    proposal: Proposal | None

    @property
    def name(self) -> str:
        """`NAME/VERSION`."""
        return f"{self.ruleset.name}/{self.ruleset.version}"


def standings(world: World) -> list[Standing]:
    """How far each ruleset that is installed here is. Raises BadData, StoreUnavailable."""
    published = read_published(world.settings.rulesets)
    deciding = in_force(world, world.clock()).digest
    with database.reading(world.engine) as connection:
        known = store.every(connection)
    return [_standing(rules, published, known, deciding) for rules in installed_rulesets(world)]


def newest_first(found: Iterable[Standing]) -> list[Standing]:
    """The same, from the version that decides last to the one that decided first."""
    return sorted(found, key=lambda each: releases_order(each.ruleset), reverse=True)


def releases_order(rules: Ruleset) -> tuple[datetime, list[int]]:
    """By what rulesets are ordered: of two that begin together the later version decides."""
    return rules.effective_from, [int(part) for part in rules.version.split(".")]


def standing_of(world: World, ruleset: str) -> Standing:
    """How far the installed ruleset `NAME/VERSION` is. Raises NotFound, BadData, StoreUnavailable."""
    for each in standings(world):
        if each.name == ruleset:
            return each
    raise NotFound("ruleset", ruleset)


def history(world: World, ruleset: str | None = None) -> list[Proposal]:
    """The proposals, the newest first. Raises StoreUnavailable."""
    with database.reading(world.engine) as connection:
        return store.every(connection, ruleset)


def _standing(
    rules: Ruleset, published: Mapping[str, Publication], known: Sequence[Proposal], deciding: str
) -> Standing:
    name = f"{rules.name}/{rules.version}"
    of_it = [each for each in known if each.ruleset == name]
    found = next((each for each in of_it if each.ended is None), None)
    agreed = next((each for each in of_it if each.ended == "agreed" and each.digest == rules.digest), None)
    publication = published.get(name)
    state: State = "proposed" if found else "agreed" if agreed else "nothing"
    if publication is not None:
        state = "published" if publication.digest == rules.digest else "changed"
    return Standing(rules, state, rules.digest == deciding, publication, found or agreed)


# -- what people do ---------------------------------------------------------------------------------------------------


def propose(world: World, ruleset: str, digest: str, note: str, asker: Asker) -> Proposal:
    """Propose to publish `NAME/VERSION`, whose files `asker` saw under `digest`. Raises BadInput (`no_person`, `note`,
    `files_changed`, `already_published`, `already_proposed`), NotFound, BadData, StoreUnavailable."""
    person, note = _person(asker), " ".join(note.split())
    if not 1 <= len(note) <= NOTE_MOST:
        raise bad_input("note", "note", "must say what this version is for", allowed=f"1 to {NOTE_MOST} characters")
    rules = _files(world, ruleset)
    _check_files(rules, digest)
    if ruleset in read_published(world.settings.rulesets):
        raise bad_input("ruleset", "already_published", "was published before; make a new version", ruleset)
    made = Proposal(
        id=uuid7(),
        ruleset=ruleset,
        digest=rules.digest,
        effective_from=rules.effective_from,
        pending=len(rules.pending),
        note=note,
        proposed_by=person,
        proposed_at=world.clock(),
    )
    with database.writing(world.engine) as connection:
        if not store.add(connection, made):
            raise bad_input("ruleset", "already_proposed", "has a proposal that is open: agree, or withdraw it first")
    return made


def agree(world: World, proposal_id: str, digest: str, asker: Asker) -> Proposal:
    """Agree, as somebody else, to an open proposal that `asker` saw under `digest`; the files are read again and are
    exactly those. Raises BadInput (`no_person`, `same_person`, `files_changed`, `already_ended`, `already_published`),
    NotFound, BadData, StoreUnavailable."""
    person = _person(asker)
    found = _found(world, proposal_id)
    if is_own(found, asker):
        raise bad_input("proposal", "same_person", "it takes two: who proposed it cannot agree to it")
    if digest != found.digest:
        raise _changed()
    _check_files(_files(world, found.ruleset), found.digest)
    if found.ruleset in read_published(world.settings.rulesets):
        raise bad_input("ruleset", "already_published", "was published before; make a new version", found.ruleset)
    return _end(world, found, "agreed", person)


def withdraw(world: World, proposal_id: str, asker: Asker) -> Proposal:
    """Withdraw an open proposal; whoever may publish may. Raises BadInput (`no_person`, `already_ended`), NotFound,
    StoreUnavailable."""
    person = _person(asker)
    return _end(world, _found(world, proposal_id), "withdrawn", person)


def is_own(proposal: Proposal, asker: Asker) -> bool:
    """Whether `asker` made this proposal, and so cannot agree to it."""
    return is_same_person(asker.user, proposal.proposed_by)


def _end(world: World, found: Proposal, ended: store.Ending, person: str) -> Proposal:
    with database.writing(world.engine) as connection:
        if not store.end(connection, found.id, ended, person, world.clock()):
            raise bad_input("proposal", "already_ended", "is not open any more; nothing was changed")
    return _found(world, str(found.id))


def _person(asker: Asker) -> str:
    if asker.session is None or not asker.user:
        raise bad_input("session", "no_person", "only people who signed in can publish, each with an account of theirs")
    return asker.user


def _found(world: World, proposal_id: str) -> Proposal:
    wanted: UUID | None = uuid_of(proposal_id)
    with database.reading(world.engine) as connection:
        found = store.read(connection, wanted) if wanted is not None else None
    if found is None:
        raise NotFound("proposal", proposal_id)
    return found


def _files(world: World, ruleset: str) -> Ruleset:
    """The ruleset `NAME/VERSION` as its files are at this moment, not as they were when the server started."""
    for folder in ruleset_folders(world.settings.rulesets):
        release = read_release(folder)
        if f"{release.name}/{release.version}" == ruleset:
            return read_ruleset(folder, world.words)
    raise NotFound("ruleset", ruleset)


def _check_files(rules: Ruleset, digest: str) -> None:
    if rules.digest != digest:
        raise _changed()


def _changed() -> BadInput:
    return bad_input("digest", "files_changed", "the files are not those that you saw: look at them again")


# -- what an operator does with it ------------------------------------------------------------------------------------


def entry_of(proposal: Proposal) -> str:
    """The lines for `published.yaml` that an operator adds, once two people agreed. As long as a rule is pending nobody
    approved it for care, so it does not say so. Raises BadInput if they did not."""
    if proposal.ended != "agreed" or proposal.ended_at is None:
        raise bad_input("proposal", "not_agreed", "nobody agreed to this proposal", proposal.ruleset)
    approved = json.dumps(None if proposal.pending else proposal.ended_by, ensure_ascii=False)
    lines = [
        f"  {proposal.ruleset}:",
        f"    digest: {proposal.digest}",
        f'    published_on: "{proposal.ended_at.date().isoformat()}"',
        f"    approved_by: {approved}",
        f"    note: {json.dumps(proposal.note, ensure_ascii=False)}",
    ]
    if not proposal.pending:
        lines.append(f"    author: {json.dumps(proposal.proposed_by, ensure_ascii=False)}")
    return "".join(f"{line}\n" for line in lines)


def as_record(proposal: Proposal) -> dict[str, Any]:
    """A proposal as JSON writes it: `{id, ruleset, digest, effective_from, pending, note, proposed_by, proposed_at,
    ended, ended_by, ended_at}`."""
    values = {name: getattr(proposal, name) for name in Proposal.__dataclass_fields__}
    moments = {name: value.isoformat() for name, value in values.items() if isinstance(value, datetime)}
    return {**values, **moments, "id": str(proposal.id)}
