"""How many decisions there were, by what they were about and when; counted by the database, whatever their number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from routing.errors import BadInput, bad_input
from routing.facilities.opening import TIME_ZONE
from routing.overrules import FEW as FEW
from routing.store import database
from routing.store import figures as store
from routing.store.decision_search import NONE
from routing.store.figures import Span
from routing.vocabulary import URGENCIES
from routing.world import World

BY = ("urgency", "condition", "facility", "channel", "hour", "weekday", "rule", "outcome")
WEEKDAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
CROSS = ":"
"""Between two that are counted together: `condition:facility`."""


@dataclass(frozen=True, slots=True)
class Row:
    """How many decisions had these values; None: fewer than FEW, but at least one."""

    values: tuple[str | int | None, ...]
    n: int | None


def read_parts(text: str | None) -> tuple[tuple[str, ...], ...]:
    """What is asked by `urgency,condition:facility`; None asks all single ones. Raises BadInput."""
    if text is None:
        return tuple((name,) for name in BY)
    parts = tuple(tuple(part.split(CROSS)) for part in text.split(","))
    for part in parts:
        if len(part) > 2 or len(set(part)) < len(part) or not set(part) <= set(BY) or ("rule" in part and part[1:]):
            raise _not_a_part(CROSS.join(part))
    return tuple(dict.fromkeys(parts))


def _not_a_part(text: str) -> BadInput:
    allowed = f"{', '.join(BY)}, or two of them as `condition{CROSS}facility` (rule only alone)"
    return bad_input("by", "unknown_value", "is nothing that decisions are counted by", text, allowed)


def total(world: World, span: Span) -> store.Total:
    """How many decisions there are, and how many more were erased. Raises StoreUnavailable."""
    with database.reading(world.engine) as connection:
        return store.total(connection, span)


def part(world: World, by: tuple[str, ...], span: Span) -> Iterator[Row]:
    """The figures by `by`, row by row as the database counts them. Raises StoreUnavailable."""
    # the day of the week is that of the hour: the clock of the country is what counts, also in summer
    asked = tuple(dict.fromkeys("hour" if name == "weekday" else name for name in by))
    with database.reading(world.engine) as connection:
        counted = (
            (tuple(_SAID.get(name, _same)(value) for name, value in zip(asked, values, strict=True)), n)
            for values, n in store.counts(connection, asked, span)
        )
        for values, n in _by_the_clock(counted, asked, by).items() if "hour" in asked else counted:
            yield Row(values, None if len(by) > 1 and n < FEW else n)


def days(world: World, span: Span) -> list[tuple[str, int]]:
    """How many decisions there were on each day (`2026-11-29`) of the calendar here that has any, in their order.
    Raises StoreUnavailable."""
    found: Counter[str] = Counter()
    with database.reading(world.engine) as connection:
        for (moment,), n in store.counts(connection, ("hour",), span):
            found[moment.astimezone(TIME_ZONE).date().isoformat()] += n
    return sorted(found.items())


def figures(world: World, parts: Sequence[tuple[str, ...]], span: Span) -> dict[str, Any]:
    """All figures at once: `{"since", "until", "decisions", "erased", "figures": [{"by", "rows": [{..., "n"}]}]}`.
    Raises StoreUnavailable."""
    found = total(world, span)
    return {
        "since": span.since.isoformat() if span.since else None,
        "until": span.until.isoformat() if span.until else None,
        "decisions": found.decisions,
        "erased": found.erased,
        "figures": [
            {
                "by": list(by),
                "rows": [{**dict(zip(by, row.values, strict=True)), "n": row.n} for row in part(world, by, span)],
            }
            for by in parts
        ],
    }


Values = tuple[Any, ...]


def _by_the_clock(counted: Iterable[tuple[Values, int]], asked: Values, by: Values) -> dict[Values, int]:
    """The same by the hour and day of the week here, of which there are few: the counts of all days together."""
    found: Counter[Values] = Counter()
    for values, n in counted:
        seen = dict(zip(asked, values, strict=True))
        here: datetime = seen["hour"].astimezone(TIME_ZONE)
        told = {**seen, "hour": here.hour, "weekday": here.weekday()}
        found[tuple(told[name] for name in by)] += n
    ordered = sorted(found.items(), key=lambda each: [(value is not None, value) for value in each[0]])
    place = by.index("weekday") if "weekday" in by else None
    return {
        tuple(WEEKDAYS[value] if index == place else value for index, value in enumerate(values)): n
        for values, n in ordered
    }


def _same(value: Any) -> Any:
    return value


_SAID: Mapping[str, Callable[[Any], Any]] = {
    "urgency": lambda level: URGENCIES[level],
    "outcome": lambda outcome: outcome or NONE,
}
"""How values are told, where it is not as they are kept."""
