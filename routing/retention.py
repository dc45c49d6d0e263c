"""How long decisions are kept: a policy that gives its reasons, what is due today, and erasing that bit by bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from routing import yamlfile
from routing.erasure import HOLDS, erase_within, settle
from routing.errors import BadData, Erased, Finding, NotFound, bad_input
from routing.log.entry import DECISIONS_LOG
from routing.service import as_id
from routing.store import database, erasing, keeping, log
from routing.store.keeping import Class
from routing.vocabulary import Vocabulary
from routing.world import World

AT_ONCE = 200
CLOCK_AHEAD_MOST = timedelta(days=30)
"""A clock that is further ahead of the newest entry of the log is not believed by itself: nothing would be left."""

Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Source(_Strict):
    """Where a period is written, and whether whoever wrote the policy has read that."""

    title: Words
    href: Words | None = None
    section: Words | None = None
    source_read: bool


class Period(_Strict):
    """How many years decisions of some channels (None: of all others) are kept after the last change, and why."""

    name: Word
    channels: list[Word] | None = Field(None, min_length=1)
    keep_years: int = Field(ge=1, le=200)
    why: Words
    reference: Source


class Policy(_Strict):
    """How long decisions are kept, with their outcomes. The log of accesses has a period of its own, elsewhere."""

    decisions: list[Period] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> Policy:
        rest = [period.name for period in self.decisions if period.channels is None]
        if len(rest) != 1:
            raise ValueError("exactly one period must be without `channels`: it is for all others")
        channels = sorted(channel for period in self.decisions for channel in period.channels or ())
        names = [period.name for period in self.decisions]
        if double := sorted({each for some in (channels, names) for each in some if some.count(each) > 1}):
            raise ValueError(f"these stand twice: {', '.join(double)}")
        return self


def read_policy(path: Path, words: Vocabulary) -> Policy:
    """The policy in the file `path`. Raises BadData with everything that is wrong, with its line."""
    file = yamlfile.read(path)
    try:
        found = Policy.model_validate(file.value)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        raise BadData(tuple(_finding(file, problem) for problem in problems)) from None
    known = words.facts["channel"].values
    for number, period in enumerate(found.decisions):
        if unknown := sorted(set(period.channels or ()) - set(known)):
            message = f"is no channel: {', '.join(unknown)}; there are: {', '.join(known)}"
            raise BadData((file.finding(("decisions", number, "channels"), message),))
    return found


def _finding(file: yamlfile.YamlFile, problem: Any) -> Finding:
    location = tuple(problem["loc"])
    field = ".".join(str(part) for part in location) or "policy"
    return file.finding(location, f"`{field}`: {problem['msg'].removeprefix('Value error, ')}")


# -- what is old enough -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Due:
    """How many decisions of one class and month (UTC) are old enough to be erased, and how many of them are held."""

    period: str
    month: str
    decisions: int
    held: int


def due(world: World, policy: Policy, *, clock_is_right: bool = False) -> list[Due]:
    """What `run` would erase now, by class and month. Raises BadInput if the clock cannot be believed,
    StoreUnavailable."""
    with database.reading(world.engine) as connection:
        now = _believed(world, connection, clock_is_right=clock_is_right)
        return [Due(each.name, *line) for each in _classes(policy, now) for line in keeping.by_month(connection, each)]


def run(world: World, policy: Policy, tell: Callable[[int], None], *, clock_is_right: bool = False) -> int:
    """Erase what is old enough, asked by nobody but the policy, some at a time, each time for good: stopped half-way,
    it goes on where it was when it is run again. `tell` is told how many are done; gives how many were. Raises as
    `due` does."""
    done = 0
    with database.reading(world.engine) as connection:
        classes = _classes(policy, _believed(world, connection, clock_is_right=clock_is_right))
    for each in classes:
        after: tuple[datetime, UUID] | None = None
        while True:
            with database.writing(world.engine) as connection:
                # held against the clock every time: it may step while this runs
                now = _believed(world, connection, clock_is_right=clock_is_right)
                log.lock(connection, DECISIONS_LOG)
                found = keeping.next_due(connection, each, after, AT_ONCE)
                if found:
                    erase_within(connection, [decision_id for _, decision_id in found], "retention", None, now)
            if not found:
                break
            after = found[-1]
            done += len(found)
            tell(done)
    settle(world)
    return done


def _classes(policy: Policy, now: datetime) -> Sequence[Class]:
    named = frozenset(channel for period in policy.decisions for channel in period.channels or ())
    return [
        Class(period.name, frozenset(period.channels) if period.channels else None, named, _years_before(now, period))
        for period in policy.decisions
    ]


def _years_before(now: datetime, period: Period) -> datetime:
    year = now.year - period.keep_years
    with suppress(ValueError):
        return now.replace(year=year)
    return now.replace(year=year, day=28)  # 29 February


def _believed(world: World, connection: database.Connection, *, clock_is_right: bool) -> datetime:
    """The time, unless it cannot be. Raises BadInput."""
    now, newest = world.clock(), keeping.newest_entry(connection)
    if newest is not None and now < newest:
        message = f"the clock says {now.isoformat()}, which is before the newest entry of the log"
        raise bad_input("clock", "clock_behind", message, allowed=f"a clock that is after {newest.isoformat()}")
    if newest is not None and now - newest > CLOCK_AHEAD_MOST and not clock_is_right:
        message = f"the clock says {now.isoformat()}, and the newest entry of the log is of {newest.isoformat()}"
        raise bad_input("clock", "clock_ahead", message, allowed="`--clock-is-right`, if it is")
    return now


# -- what must not be erased ------------------------------------------------------------------------------------------


def hold(world: World, decision_id: str, why: str) -> None:
    """Keep a decision, with its outcomes, from being erased. Raises BadInput, NotFound, Erased, StoreUnavailable."""
    if why not in HOLDS:
        raise bad_input("why", "unknown_value", "is not a reason to hold", why, ", ".join(HOLDS))
    with database.writing(world.engine) as connection:
        found = _locked(connection, decision_id)
        if found.erased_at is not None:
            raise Erased("decision", decision_id)
        erasing.hold(connection, found.id, why, world.clock())


def release(world: World, decision_id: str) -> bool:
    """Let a decision be erased again; whether it was held. Raises NotFound, StoreUnavailable."""
    with database.writing(world.engine) as connection:
        return erasing.release(connection, _locked(connection, decision_id).id)


def _locked(connection: database.Connection, decision_id: str) -> erasing.Erasable:
    for found in erasing.erasable(connection, [as_id("decision", decision_id)], lock=True):
        return found
    raise NotFound("decision", decision_id)


def lines(found: Sequence[Due]) -> Iterator[str]:
    """What is due, a line for each class and month."""
    for each in found:
        held = f", {each.held} of them held: these stay" if each.held else ""
        yield f"{each.period:<16} {each.month}  {each.decisions:>9,}{held}"
