"""Everything that can go wrong, in one tree, each with words for the person who reads it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


class WegwijsError(Exception):
    """The root of all errors that Wegwijs raises on purpose."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with one field of the input.

    `field` is a dotted path (`observations.heart_rate`), `value` what was seen (cut short), `allowed` what would have
    been right, `code` a stable word for software (`unknown_fact`).
    """

    field: str
    code: str
    message: str
    value: Any = None
    allowed: str | None = None


class BadInput(WegwijsError):
    """The case, profile or request holds something that cannot be accepted; nothing of it is kept."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(f"`{fault.field}`: {fault.message}" for fault in faults))
        self.faults = faults


def bad_input(field: str, code: str, message: str, value: Any = None, allowed: str | None = None) -> BadInput:
    """A `BadInput` with a single fault."""
    return BadInput((Fault(field, code, message, shown(value), allowed),))


class BrokenFeed(BadInput):
    """A feed cannot be read any further; the records before `where` (`line 12`) were whole and were handed on."""

    def __init__(self, where: str, code: str, message: str, allowed: str | None = None) -> None:
        super().__init__((Fault(where, code, message, None, allowed),))
        self.where = where


class NotFound(WegwijsError):
    """What was asked for does not exist (or not any more)."""

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"no {what} `{name}`")
        self.what = what
        self.name = name


class NotAllowed(WegwijsError):
    """The asker may do this, but not to this record."""


class SignInRefused(WegwijsError):
    """Nobody is signed in; says no more than whoever tries may know."""


class TooManyAttempts(WegwijsError):
    """Signing in went wrong too often just now: nothing was looked at, and it may be tried again in a while."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"signing in went wrong too often; try again in {seconds} seconds")
        self.seconds = seconds


class Changed(WegwijsError):
    """What was to be changed is not any more what the asker had seen; nothing was changed. `tag` is that of what is
    there now, None if nothing is."""

    def __init__(self, name: str, tag: str | None = None) -> None:
        super().__init__(f"`{name}` is not as it was when you read it: read it again")
        self.name = name
        self.tag = tag


class InFlight(WegwijsError):
    """The same request is being carried out at this moment; what comes of it can be asked for shortly."""


class KeyReused(WegwijsError):
    """An idempotency key stands for another request, which was carried out; nothing was done with this one."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One error or warning about a data file: where it is, what is wrong and what would be right."""

    file: str
    line: int | None
    message: str
    rule: str | None = None

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line is not None else self.file
        return f"{place}: {f'rule `{self.rule}`: ' if self.rule else ''}{self.message}"


class BadData(WegwijsError):
    """A vocabulary, ruleset or directory file does not hold what it must; names file, line and rule."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings))
        self.findings = findings


class NotPublished(BadData):
    """What `published.yaml` says does not fit the files here, or lets none decide where only published ones may."""


class NotWritten(WegwijsError):
    """A file could not be written; what was there before is there still."""


class EngineFault(WegwijsError):
    """The rule engine did not behave as the fence demands; the reference evaluator decides alone, with an alarm."""


class StoreUnavailable(WegwijsError):
    """The database cannot be reached or does not accept the record, so nothing may be answered."""


class KeysUnusable(StoreUnavailable):
    """The secret keys are not there, cannot be read, or are not those of this log: nothing can be recorded."""


class NotRecorded(StoreUnavailable):
    """A ruleset was published in its file, and the database did not take the record that two people agreed."""

    def __init__(self, ruleset: str, effective_from: datetime) -> None:
        super().__init__(f"{ruleset} was published, and that two people agreed could not be recorded")
        self.ruleset = ruleset
        self.effective_from = effective_from


class Erased(WegwijsError):
    """What is asked for was there and was erased on purpose; that it was, and when, stands in the log."""

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"{what} `{name}` was erased")
        self.what = what
        self.name = name


class OtherSoftware(WegwijsError):
    """What was stored with a decision has a form that this version does not read; the version that wrote it does."""


class Stopped(WegwijsError):
    """Long work ended before it was done. What was finished is kept, if it was to be kept."""


class BadRecord(WegwijsError):
    """A stored entry cannot be read back or does not match its digest."""


def shown(value: Any) -> Any:
    """`value` as it may stand in an error message: at most 80 characters, containers only by their kind.

    >>> shown("x" * 100)[-1]
    '…'
    """
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, str):
        return value if len(value) <= 80 else value[:79] + "…"
    return "object" if isinstance(value, dict) else "list" if isinstance(value, list) else type(value).__name__
