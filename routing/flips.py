"""What becomes of patients when other rules decide: the main points of two answers side by side, counted.

All that is counted are whole numbers under a name of words, so that it does not matter in which parts, or in which
order, decisions were looked at: the sum is the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from routing.decision import Decision, fired_rules

Name = tuple[str, ...]
"""What is counted: `("urgency", "U2", "U1")` are the decisions that were U2 and would be U1."""

Counts = Counter[Name]

NOWHERE = "none"
"""The kind of place, where no place was recommended."""

NO_REGION = "not given"


@dataclass(frozen=True, slots=True)
class Headline:
    """The main points of an answer: how urgent, which conditions, where to, how far, and by which rules. `facility` is
    None for care that is no place in the directory, which still has a kind."""

    urgency: str
    conditions: tuple[str, ...]
    facility: str | None
    kind: str
    minutes: int | None
    rules: tuple[str, ...]


def headline_of_record(record: Mapping[str, Any]) -> Headline:
    """The main points of what was answered then, from its record."""
    result = record["result"]
    found = result["recommendation"]
    place: Mapping[str, Any] = found["facility"] if found else {"id": None, "kind": NOWHERE}
    travel = found["travel"] if found else None
    return Headline(
        urgency=result["urgency"]["level"],
        conditions=tuple(sorted(condition["code"] for condition in result["conditions"])),
        facility=place["id"],
        kind=place["kind"],
        minutes=travel["minutes"] if travel else None,
        rules=tuple(record["evaluators"]["fired"]),
    )


def headline_of_decision(decision: Decision) -> Headline:
    """The main points of `decision`; the same as of its record."""
    first = decision.match.candidates[0]
    return Headline(
        urgency=decision.triage.urgency.level,
        conditions=tuple(sorted(found.code for found in decision.triage.conditions)),
        facility=first.facility.id if first.facility else None,
        kind=first.kind,
        minutes=first.travel.minutes if first.travel else None,
        rules=tuple(fired_rules(decision)),
    )


def region_of(record: Mapping[str, Any]) -> str:
    """The region of the case, as far as it was given."""
    region: str = record["case"].get("region") or NO_REGION
    return region


# -- one decision -----------------------------------------------------------------------------------------------------


def changed(then: Headline, now: Headline) -> bool:
    """Whether anything differs that a patient or a place of care would notice."""
    return _noticed(then) != _noticed(now)


def _noticed(seen: Headline) -> tuple[object, ...]:
    return seen.urgency, seen.conditions, seen.facility, seen.kind, seen.minutes


def changed_case(decision_id: str, decided_at: str, then: Headline, now: Headline) -> dict[str, Any]:
    """What the list of changed cases says of one: nothing of the patient, and which rules explain it."""
    return {
        "id": decision_id,
        "decided_at": decided_at,
        "urgency": {"then": then.urgency, "now": now.urgency},
        "conditions": {"then": list(then.conditions), "now": list(now.conditions)},
        "facility": {"then": then.facility, "now": now.facility},
        "kind": {"then": then.kind, "now": now.kind},
        "minutes": {"then": then.minutes, "now": now.minutes},
        "rules": {
            "only_then": [rule for rule in then.rules if rule not in now.rules],
            "only_now": [rule for rule in now.rules if rule not in then.rules],
        },
    }


def counted(then: Headline, now: Headline, region: str) -> Iterator[Name]:
    """Everything that one decision adds one to."""
    yield "urgency", then.urgency, now.urgency
    yield "kinds", then.kind, now.kind
    yield "regions", region, "total"
    if changed(then, now):
        yield "regions", region, "changed"
    elif set(then.rules) != set(now.rules):
        yield ("by_other_rules",)
    yield from (("conditions", code, "gained") for code in now.conditions if code not in then.conditions)
    yield from (("conditions", code, "lost") for code in then.conditions if code not in now.conditions)
    yield from (("conditions", code, "kept") for code in now.conditions if code in then.conditions)
    yield from (("inflow", seen.facility, side) for side, seen in _sides(then, now) if seen.facility is not None)
    if then.minutes is not None and now.minutes is not None:
        yield "minutes", str(then.minutes), str(now.minutes)


def _sides(then: Headline, now: Headline) -> tuple[tuple[str, Headline], ...]:
    return ("then", then), ("now", now)


# -- all of them ------------------------------------------------------------------------------------------------------


def summed(parts: Iterable[Mapping[Name, int]]) -> Counts:
    """All counts together; the order of `parts` does not matter."""
    found: Counts = Counter()
    for part in parts:
        found.update(part)
    return found


def report(counts: Mapping[Name, int]) -> dict[str, Any]:
    """The counts as an answer to what would change: matrices then -> now, gains and losses, inflow and minutes."""
    return {
        "urgency": _matrix(counts, "urgency"),
        "kinds": _matrix(counts, "kinds"),
        "conditions": _table(counts, "conditions", ("gained", "lost", "kept")),
        "regions": _table(counts, "regions", ("changed", "total")),
        "inflow": _table(counts, "inflow", ("then", "now")),
        "minutes": _minutes(_matrix(counts, "minutes")),
        "by_other_rules": counts.get(("by_other_rules",), 0),
    }


def _matrix(counts: Mapping[Name, int], part: str) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for name in sorted(name for name in counts if name[0] == part):
        found.setdefault(name[1], {})[name[2]] = counts[name]
    return found


def _table(counts: Mapping[Name, int], part: str, columns: tuple[str, ...]) -> dict[str, dict[str, int]]:
    return {row: {column: told.get(column, 0) for column in columns} for row, told in _matrix(counts, part).items()}


QUANTILES = {"p10": 10, "p50": 50, "p90": 90, "p99": 99}
BUCKETS: tuple[tuple[int | None, int | None], ...] = (
    (None, -61), (-60, -31), (-30, -16), (-15, -6), (-5, -1), (0, 0), (1, 5), (6, 15), (16, 30), (31, 60), (61, None),
)  # fmt: skip
"""So many minutes longer, from and up to and including; None is no limit."""


def _minutes(pairs: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    counts = [(int(then), int(now), n) for then, row in pairs.items() for now, n in row.items()]
    before, after, shift = Counter[int](), Counter[int](), Counter[int]()
    for then, now, n in counts:
        before[then] += n
        after[now] += n
        shift[now - then] += n
    return {
        "n": shift.total(),
        "gained": {"n": _many(shift, -1), "sum": -sum(n * by for by, n in shift.items() if by < 0)},
        "lost": {"n": _many(shift, 1), "sum": sum(n * by for by, n in shift.items() if by > 0)},
        "sum": sum(n * by for by, n in shift.items()),
        "then": _quantiles(before),
        "now": _quantiles(after),
        "histogram": _histogram(shift),
    }


def _many(shift: Mapping[int, int], sign: int) -> int:
    return sum(n for by, n in shift.items() if by * sign > 0)


def _quantiles(counts: Counter[int]) -> dict[str, int | None]:
    """Of each quantile the smallest number of minutes that at least so many percent do not exceed."""
    return {name: _quantile(counts, percent) for name, percent in QUANTILES.items()}


def _quantile(counts: Counter[int], percent: int) -> int | None:
    seen, total = 0, counts.total()
    for minutes in sorted(counts):
        seen += counts[minutes]
        if seen * 100 >= total * percent:
            return minutes
    return None


def _histogram(shift: Mapping[int, int]) -> list[dict[str, int | None]]:
    return [{"from": low, "to": high, "n": sum(_within(shift, low, high))} for low, high in BUCKETS]


def _within(shift: Mapping[int, int], low: int | None, high: int | None) -> Iterator[int]:
    return (n for by, n in shift.items() if (low is None or by >= low) and (high is None or by <= high))
