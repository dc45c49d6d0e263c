"""Publishing a ruleset with two people: one proposes the files that are installed, another agrees, either withdraws.

Only `published.yaml` beside the rules says what is published. Who adds to it depends on the server: an operator, with
lines that are given here, or the server itself when the second person agrees (`WEGWIJS_DESK_PUBLISHES`). In both ways
what the database keeps of the two, who and when, decides nothing: neither a race of two nor a database that was
restored changes what does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from uuid_utils.compat import uuid7

from routing.access_log import uuid_of
from routing.errors import (
    BadData,
    BadInput,
    Fault,
    Finding,
    NotFound,
    NotRecorded,
    NotWritten,
    StoreUnavailable,
    bad_input,
)
from routing.green_light import not_green
from routing.packaged import NAME_OF_RULESET, packaged_directory, ruleset_folders
from routing.publishing_files import add_entry
from routing.rights import Asker
from routing.rules.building import read_ruleset
from routing.rules.publication import Publication, is_same_person, read_published
from routing.rules.releases import read_release
from routing.rules.ruleset import Ruleset
from routing.rules_here import deciding_now, installed_folders, make_ready_beside, published_fault
from routing.store import database
from routing.store import proposals as store
from routing.store.proposals import Proposal as Proposal
from routing.tested import not_tested
from routing.vocabulary import Text
from routing.world import World

NOTE_MOST = 300

State = Literal["published", "changed", "proposed", "agreed", "nothing", "unknown"]

Begins = Literal["decides", "later", "at_once", "never"]
"""From when a ruleset decides if it is published: it does already, from its moment on, as soon as it is published (its
moment has passed), or never, as a later one decides already or it has another name."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a ruleset is. `publication` is what `published.yaml` says, `proposal` the open one, else the newest on
    which two agreed, if it is about these very files. `changed`: these are not the files that were published.
    `unknown`: `published.yaml` cannot be read. `not_green`: what keeps the desk from publishing what is proposed."""

    ruleset: Ruleset
    folder: Path
    state: State
    in_force: bool
    begins: Begins
    publication: Publication | None
    proposal: Proposal | None
    not_green: tuple[Text, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether there is a proposal that is open."""
        return self.proposal is not None and self.proposal.ended is None

    @property
    def unrecorded(self) -> bool:
        """Whether two people published it at the desk, by the file, and the database does not know that they agreed."""
        return self.is_open and self.publication is not None and _is_of(self.publication, self.proposal)

    @property
    def name(self) -> str:
        """`NAME/VERSION`."""
        return f"{self.ruleset.name}/{self.ruleset.version}"


def standings(world: World) -> list[Standing]:
    """How far each ruleset that is installed here is. Raises BadData, StoreUnavailable."""
    published, now = _published_or_none(world), world.clock()
    deciding = deciding_now(world)
    with database.reading(world.engine) as connection:
        known = store.every(connection)
    found = [_standing(*each, published, known, deciding, now) for each in installed_folders(world)]
    return [_with_checks(each, now) for each in found] if world.settings.desk_publishes else found


def _with_checks(found: Standing, now: datetime) -> Standing:
    if found.state != "proposed":
        return found
    return replace(found, not_green=tuple(_not_green(found.folder, found.ruleset, now)))


def _not_green(folder: Path, rules: Ruleset, now: datetime) -> Iterator[Text]:
    yield from not_green(folder, rules, now.astimezone(rules.effective_from.tzinfo).date())
    yield from not_tested(folder, rules, packaged_directory(rules.vocabulary).digest)


def file_faults(world: World) -> tuple[Finding, ...]:
    """What is wrong with `published.yaml` as it is now: it cannot be read, or, where only what it names may decide, not
    be used. Until that is mended nothing can be published."""
    try:
        read_published(world.settings.rulesets)
    except BadData as error:
        return error.findings
    return published_fault(world)


def _published_or_none(world: World) -> Mapping[str, Publication] | None:
    try:
        return read_published(world.settings.rulesets)
    except BadData:
        return None


def _published(world: World) -> Mapping[str, Publication]:
    if (found := _published_or_none(world)) is None:
        raise _unusable(file_faults(world))
    return found


def _unusable(faults: Iterable[Finding]) -> BadInput:
    said = "; ".join(map(str, faults))
    return bad_input("published.yaml", "unusable", f"cannot be used, and nothing can be published until it can: {said}")


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
    folder: Path,
    rules: Ruleset,
    published: Mapping[str, Publication] | None,
    known: Sequence[Proposal],
    deciding: Ruleset | None,
    now: datetime,
) -> Standing:
    name = f"{rules.name}/{rules.version}"
    of_it = [each for each in known if each.ruleset == name]
    found = next((each for each in of_it if each.ended is None), None)
    agreed = next((each for each in of_it if each.ended == "agreed" and each.digest == rules.digest), None)
    publication = published.get(name) if published is not None else None
    state: State = "proposed" if found else "agreed" if agreed else "nothing"
    if published is None:
        state = "unknown"
    elif publication is not None:
        state = "published" if publication.digest == rules.digest else "changed"
    begins = _begins(rules, deciding, now)
    return Standing(rules, folder, state, begins == "decides", begins, publication, found or agreed)


def _begins(rules: Ruleset, deciding: Ruleset | None, now: datetime) -> Begins:
    if deciding is not None and rules.digest == deciding.digest:
        return "decides"
    earlier = deciding is not None and releases_order(rules) < releases_order(deciding)
    if rules.name != NAME_OF_RULESET or earlier:
        return "never"
    return "later" if rules.effective_from > now else "at_once"


def _is_of(publication: Publication, proposal: Proposal | None) -> bool:
    """Whether it is this proposal that two people agreed to, by what the file says of them."""
    if proposal is None or publication.agreed_by is None:
        return False
    same = is_same_person(publication.proposed_by, proposal.proposed_by)
    return same and publication.digest == proposal.digest


# -- what people do ---------------------------------------------------------------------------------------------------


def propose(world: World, ruleset: str, digest: str, note: str, asker: Asker) -> Proposal:
    """Propose to publish `NAME/VERSION`, whose files `asker` saw under `digest`. Raises BadInput (`no_person`, `note`,
    `files_changed`, `unusable`, `already_published`, `already_proposed`), NotFound, BadData, StoreUnavailable."""
    person, note = _person(asker), " ".join(note.split())
    if not 1 <= len(note) <= NOTE_MOST:
        raise bad_input("note", "note", "must say what this version is for", allowed=f"1 to {NOTE_MOST} characters")
    _, rules = _files(world, ruleset)
    _check_files(rules, digest)
    if ruleset in _published(world):
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
    exactly those. Where the desk publishes they are published by that: the agreement is kept only with the lines in
    `published.yaml`. Raises BadInput (`no_person`, `same_person`, `files_changed`, `already_ended`, `unusable`,
    `already_published`, `unrecorded`, `not_green`, `unreadable`), NotFound, BadData, EngineFault, NotWritten,
    NotRecorded, StoreUnavailable."""
    person = _person(asker)
    found = _found(world, proposal_id)
    if is_own(found, asker):
        raise bad_input("proposal", "same_person", "it takes two: who proposed it cannot agree to it")
    if digest != found.digest:
        raise _changed()
    folder, rules = _files(world, found.ruleset)
    _check_files(rules, found.digest)
    if _found(world, proposal_id).ended is not None:
        raise _ended()
    published = _published(world)  # looked at once: somebody else may be publishing it at this moment
    _refuse_published(published, found)
    if found.ruleset in published:
        raise bad_input("ruleset", "already_published", "was published before; make a new version", found.ruleset)
    if not world.settings.desk_publishes:
        return _end(world, found, "agreed", person, world.clock())
    assert world.settings.rulesets is not None, "the settings see to that"
    if faults := file_faults(world):
        raise _unusable(faults)
    if reasons := list(_not_green(folder, rules, world.clock())):
        raise BadInput(tuple(Fault("ruleset", "not_green", each.en) for each in reasons))
    make_ready_beside(world, rules)  # what the rule engine cannot take must not be published
    return _publish(world, found, rules, person, world.settings.rulesets)


def _publish(world: World, found: Proposal, rules: Ruleset, person: str, root: Path) -> Proposal:
    """Publish and record it. The database lets one of two go on and keeps nothing before the file is there: if we are
    killed between, the file says who agreed, and `record` brings that into the database."""
    now = world.clock()
    agreed = replace(found, ended="agreed", ended_by=person, ended_at=now)
    try:
        with database.writing(world.engine) as connection:
            _end_once(connection, found, "agreed", person, now)
            add_entry(root, rules, entry_of(agreed) + _desk_lines(agreed))
    except (NotWritten, StoreUnavailable) as error:
        if _stands(world, agreed):
            raise NotRecorded(agreed.ruleset, agreed.effective_from) from error
        raise
    return agreed


def _stands(world: World, agreed: Proposal) -> bool:
    """Whether `published.yaml` says of this agreement that it was given."""
    publication = (_published_or_none(world) or {}).get(agreed.ruleset)
    return publication is not None and _is_of(publication, agreed) and publication.agreed_moment == agreed.ended_at


def record(world: World, proposal_id: str, asker: Asker) -> Proposal:
    """Record of an open proposal that two people agreed to it, who and when, as `published.yaml` says: a server that
    was killed or lost its database had published it and could not record that. Raises BadInput (`no_person`,
    `unusable`, `not_published`, `already_ended`), NotFound, StoreUnavailable."""
    _person(asker)
    found = _found(world, proposal_id)
    publication = _published(world).get(found.ruleset)
    if publication is None or not _is_of(publication, found):
        raise bad_input("proposal", "not_published", "is not what was published at the desk", found.ruleset)
    assert publication.agreed_by is not None and publication.agreed_moment is not None
    return _end(world, found, "agreed", publication.agreed_by, publication.agreed_moment)


def withdraw(world: World, proposal_id: str, asker: Asker) -> Proposal:
    """Withdraw an open proposal; whoever may publish may. Raises BadInput (`no_person`, `unusable`, `unrecorded`,
    `already_ended`), NotFound, StoreUnavailable."""
    person = _person(asker)
    found = _found(world, proposal_id)
    with database.writing(world.engine) as connection:
        _end_once(connection, found, "withdrawn", person, world.clock())
        # not before: until we have our turn somebody else may be publishing it
        _refuse_published(_published(world), found)
    return _found(world, proposal_id)


def is_own(proposal: Proposal, asker: Asker) -> bool:
    """Whether `asker` made this proposal, and so cannot agree to it."""
    return is_same_person(asker.user, proposal.proposed_by)


def _refuse_published(published: Mapping[str, Publication], found: Proposal) -> None:
    publication = published.get(found.ruleset)
    if publication is not None and _is_of(publication, found):
        raise bad_input("proposal", "unrecorded", "was published already: record that two people agreed", found.ruleset)


def _end(world: World, found: Proposal, ended: store.Ending, person: str, at: datetime) -> Proposal:
    with database.writing(world.engine) as connection:
        _end_once(connection, found, ended, person, at)
    return _found(world, str(found.id))


def _end_once(connection: database.Connection, found: Proposal, ended: store.Ending, person: str, at: datetime) -> None:
    if not store.end(connection, found.id, ended, person, at):
        raise _ended()


def _ended() -> BadInput:
    return bad_input("proposal", "already_ended", "is not open any more; nothing was changed")


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


def _files(world: World, ruleset: str) -> tuple[Path, Ruleset]:
    """The folder of the ruleset `NAME/VERSION`, and its rules as the files are at this moment, not as when the server
    started."""
    for folder in ruleset_folders(world.settings.rulesets):
        release = read_release(folder)
        if f"{release.name}/{release.version}" == ruleset:
            return folder, read_ruleset(folder, world.words)
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


def _desk_lines(agreed: Proposal) -> str:
    """The lines about who agreed at the desk, that are added where the desk publishes: the file must say so itself, as
    the database may be another one tomorrow."""
    assert agreed.ended_by is not None and agreed.ended_at is not None
    said = {
        "proposed_by": agreed.proposed_by,
        "agreed_by": agreed.ended_by,
        "agreed_at": agreed.ended_at.isoformat(),
    }
    return "".join(f"    {name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in said.items())


def as_record(proposal: Proposal) -> dict[str, Any]:
    """A proposal as JSON writes it: `{id, ruleset, digest, effective_from, pending, note, proposed_by, proposed_at,
    ended, ended_by, ended_at}`."""
    values = {name: getattr(proposal, name) for name in Proposal.__dataclass_fields__}
    moments = {name: value.isoformat() for name, value in values.items() if isinstance(value, datetime)}
    return {**values, **moments, "id": str(proposal.id)}
