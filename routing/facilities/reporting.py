"""Takes in what places report of themselves: checks every report, and says what to do with it beside what is known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)

from routing.errors import BadInput, Fault, shown
from routing.facilities.status import BED_COUNTS, Beds, Report
from routing.vocabulary import REPORT_KINDS, ReportKind, Vocabulary

CLOCKS_DIFFER_SECONDS = 60
"""How far the clock of who reports may be ahead of ours; what was observed later than that was not observed."""

MOST: Mapping[ReportKind, int] = {"crowding": 500, "waiting_minutes": 1_440, "offload_minutes": 600}
"""The largest number that can be meant: a NEDOCS score, a day of waiting, ten hours at the door."""

MOST_BEDS = 5_000
FURTHEST_END = timedelta(days=31)
"""A stop, or a report, that is to last longer than this is a mistake in a date."""

_MOMENT = re.compile(
    r"2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_A_MOMENT = "a time with offset: 2026-11-21T20:04:00+01:00"


def _moment(value: Any) -> datetime:
    if isinstance(value, str) and _MOMENT.fullmatch(value):
        return datetime.fromisoformat(value).astimezone(UTC)
    raise ValueError("is not a time with an offset")


Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})]
SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/-]{0,63}")
"""What the name of who says something may look like."""

Source = Annotated[str, StringConstraints(pattern=f"^{SOURCE.pattern}$")]


_COUNT = {"type": "integer", "minimum": 0, "maximum": MOST_BEDS}
_VALUE: dict[str, Any] = {
    "description": "Of `stop` and `open` true or false, of `beds` counts, of the others a number; null: not known.",
    "anyOf": [
        {"type": "boolean"},
        {"type": "integer", "minimum": 0, "maximum": max(MOST.values())},
        {
            "type": "object",
            "properties": dict.fromkeys(BED_COUNTS, _COUNT),
            "minProperties": 1,
            "additionalProperties": False,
        },
        {"type": "null"},
    ],
}


class ReportBody(BaseModel):
    """What goes on at a unit (a key of `stop_kinds`) of a place, as it is reported."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    unit: str
    kind: ReportKind
    value: Annotated[Any, WithJsonSchema(_VALUE)] = Field(...)
    observed_at: Moment
    bed: str | None = None
    since: Moment | None = None
    expected_end: Moment | None = None
    valid_until: Moment | None = None
    reason: str | None = None
    source: Source | None = None


_WIRE = TypeAdapter(ReportBody)
_ALLOWED = {
    "kind": ", ".join(REPORT_KINDS),
    "source": "1 to 64 letters, digits, spaces and . _ : / -",
    **dict.fromkeys(("observed_at", "since", "expected_end", "valid_until"), _A_MOMENT),
}


def read_report(wire: Any, words: Vocabulary, received_at: datetime, prefix: str = "") -> Report:
    """The report in `wire` (see the reference of the interface), received at `received_at`. Raises BadInput that lists
    everything that is wrong, with `prefix` before the names of fields."""
    if not isinstance(wire, Mapping):
        raise BadInput((Fault(prefix.rstrip("."), "not_an_object", "a report is an object", shown(wire), "{...}"),))
    try:
        given = _WIRE.validate_python(wire)
    except ValidationError as error:
        raise BadInput(tuple(_shape_faults(error, prefix))) from error
    if faults := tuple(_faults(given, words, received_at)):
        raise BadInput(tuple(replace(fault, field=prefix + fault.field) for fault in faults))
    value = Beds(**given.value) if given.kind == "beds" and given.value is not None else given.value
    said = {name: getattr(given, name) for name in ReportBody.model_fields}
    # a clock that runs ahead must not make later reports of others look old
    return Report(**{**said, "value": value, "observed_at": min(given.observed_at, received_at)})


def _shape_faults(error: ValidationError, prefix: str) -> Iterator[Fault]:
    for problem in error.errors(include_url=False):
        name = ".".join(str(part) for part in problem["loc"])
        allowed = ", ".join(ReportBody.model_fields) if problem["type"] == "extra_forbidden" else _ALLOWED.get(name)
        message = problem["msg"].removeprefix("Value error, ")
        yield Fault(prefix + name, problem["type"], message, shown(problem["input"]), allowed)


def _faults(given: ReportBody, words: Vocabulary, received_at: datetime) -> Iterator[Fault]:
    yield from _unknown_words(given, words)
    yield from _wrong_times(given, received_at)
    if given.value is None:
        return
    if given.kind in ("stop", "open"):
        if not isinstance(given.value, bool):
            yield Fault(
                "value", "wrong_type", f"of `{given.kind}` is yes or no", shown(given.value), "true, false, null"
            )
    elif given.kind == "beds":
        yield from _wrong_beds(given.value)
    elif not _whole(given.value) or not 0 <= given.value <= MOST[given.kind]:
        allowed = f"a whole number from 0 to {MOST[given.kind]}, or null"
        yield Fault("value", "out_of_range", f"is not a possible `{given.kind}`", shown(given.value), allowed)


def _unknown_words(given: ReportBody, words: Vocabulary) -> Iterator[Fault]:
    if given.unit not in words.stop_kinds:
        yield Fault("unit", "unknown_unit", "is not a unit", shown(given.unit), ", ".join(words.stop_kinds))
    if given.reason is not None and given.reason not in words.status_reasons:
        allowed = ", ".join(words.status_reasons)
        yield Fault("reason", "unknown_reason", "is not a reason", shown(given.reason), allowed)
    if given.bed is None:
        return
    if given.kind != "beds":
        yield Fault("bed", "not_about_beds", f"a `{given.kind}` has no kind of bed", shown(given.bed), "nothing")
    elif given.bed not in words.bed_kinds:
        yield Fault("bed", "unknown_bed", "is not a kind of bed", shown(given.bed), ", ".join(words.bed_kinds))
    elif (unit := words.bed_kinds[given.bed].unit) != given.unit:
        yield Fault("bed", "bed_of_another_unit", f"belongs to the unit `{unit}`", given.bed, f"`unit`: `{unit}`")


def _wrong_times(given: ReportBody, received_at: datetime) -> Iterator[Fault]:
    seen, ahead = given.observed_at, (given.observed_at - received_at).total_seconds()
    if ahead > CLOCKS_DIFFER_SECONDS:
        message = f"lies {int(ahead)} seconds in the future"
        yield Fault("observed_at", "in_the_future", message, seen.isoformat(), "a time that has passed")
    if given.since is not None and given.since > seen:
        yield Fault("since", "after_observed", "lies after `observed_at`", given.since.isoformat(), "an earlier time")
    begin = given.since or seen
    for name, moment in (("expected_end", given.expected_end), ("valid_until", given.valid_until)):
        if moment is None:
            continue
        if moment <= begin:
            message = "does not lie after the beginning"
            yield Fault(name, "ends_before_it_begins", message, moment.isoformat(), f"after {begin.isoformat()}")
        elif moment - received_at > FURTHEST_END:
            message = f"lies more than {FURTHEST_END.days} days ahead"
            yield Fault(name, "too_far_ahead", message, moment.isoformat(), "a time within a month")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _wrong_beds(value: Any) -> Iterator[Fault]:
    allowed = f"whole numbers from 0 to {MOST_BEDS}: {', '.join(BED_COUNTS)}; at least one"
    if not isinstance(value, Mapping) or not value:
        yield Fault("value", "wrong_type", "is not a count of beds", shown(value), allowed)
        return
    for name, count in value.items():
        if name not in BED_COUNTS:
            yield Fault(f"value.{name}", "unknown_count", "is not a count of beds", shown(count), allowed)
        elif not _whole(count) or not 0 <= count <= MOST_BEDS:
            yield Fault(f"value.{name}", "out_of_range", "is not a possible number of beds", shown(count), allowed)
    counts = {name: count for name, count in value.items() if _whole(count)}
    # more patients than beds happens, on trolleys; more staffed or free beds than there are does not
    for larger, smaller in (("total", "staffed"), ("total", "available"), ("staffed", "available")):
        if larger in counts and smaller in counts and counts[smaller] > counts[larger]:
            message = f"is more than `{larger}` ({counts[larger]})"
            yield Fault(f"value.{smaller}", "impossible_count", message, counts[smaller], f"at most `{larger}`")
    if {"total", "occupied", "available"} <= counts.keys():
        left = max(0, counts["total"] - counts["occupied"])
        if counts["available"] > left:
            message = f"is more than `total` without `occupied` ({left})"
            yield Fault("value.available", "impossible_count", message, counts["available"], f"at most {left}")


# -- beside what is known ---------------------------------------------------------------------------------------------

Verdict = Literal["taken", "known", "older", "damped"]


@dataclass(frozen=True, slots=True)
class Judged:
    """What to do with a report: `taken` (then `report` is what is kept, and `flip` says whether it changes the value),
    or not: it is `known` already, `older` than what is known, or `damped` because the value changes too often."""

    verdict: Verdict
    report: Report
    flip: bool = False


FLIP_WINDOW = timedelta(minutes=1)
FLIPS_MOST = 4
"""A value that changed so often within the window cannot be relied on: it is kept as unknown until it is quiet."""

SILENCE = timedelta(hours=4)
"""A stop that was not reported again for so long has not gone on all the while."""


def lately(flips: Iterable[datetime], moment: datetime) -> int:
    """How many of the moments at which a value changed lie in the FLIP_WINDOW before `moment`: a file with the history
    of a year does not flip, however fast it is read."""
    return sum(moment - FLIP_WINDOW < flip <= moment for flip in flips)


def judge(report: Report, known: Report | None, flips: int) -> Judged:
    """Hold `report` against the newest known one about the same subject, whose value changed `flips` times within
    FLIP_WINDOW. A newer observation never gives way to an older one. A stop that goes on keeps its beginning; one of
    which nothing was heard for SILENCE is another stop."""
    if known is None:
        return Judged("taken", report)
    if report.observed_at <= known.observed_at:
        same = replace(report, since=known.since) == known or report == known
        return Judged("known" if same else "older", known)
    flip = report.value != known.value
    if flip and flips >= FLIPS_MOST:
        return Judged("damped", known)
    if flip and flips == FLIPS_MOST - 1:
        unsure = replace(report, value=None, reason="flapping", since=None, expected_end=None)
        return Judged("taken", unsure, flip=True)
    goes_on = known.is_stop and report.observed_at - known.observed_at <= SILENCE
    if report.is_stop and goes_on and report.since is None:
        report = replace(report, since=known.began)
    return Judged("taken", report, flip=flip)
