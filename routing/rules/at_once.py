"""How many tests on one subject can be true of one case at once: the engine keeps so many of them waiting."""

from __future__ import annotations

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence

from routing.rules.condition import Subject, Test

_AS_NUMBER: Mapping[str, str] = {"at least": "<=", "below": ">"}  # U0 is the most urgent


def most_at_once(subject: Subject, found: Sequence[Test]) -> int:
    """How many of `found`, tests on one subject below the same test, can be true of one case at most."""
    if subject.interval:
        low, high = ([test for test in found if test.op in ops] for ops in ((">", ">="), ("<", "<=")))
        return _most_of_number(low) + _most_of_number(high)
    unknown = sum(test.op == "unknown" for test in found)
    known = sum(test.op == "known" for test in found)
    if subject.kind == "choice":
        of_value = max((sum(holds(test, choice) for test in found) for choice in subject.choices), default=0)
    elif subject.kind in ("number", "urgency"):
        of_value = _most_of_number([test for test in found if test.value is not None])
    else:
        of_value = int(any(test.op in ("true", "false") for test in found))
    return max(unknown, known + of_value)


def _most_of_number(found: Sequence[Test]) -> int:
    """As `most_at_once`, for tests that compare one number: counted at every limit and between them."""
    by_op: dict[str, list[float]] = {op: [] for op in ("<", "<=", ">", ">=", "=", "!=")}
    for test in found:
        if isinstance(test.value, int | float):
            by_op[_AS_NUMBER.get(test.op, test.op)].append(test.value)
    less, at_most, more, at_least, equal, other = (sorted(limits) for limits in by_op.values())
    limits = sorted({*less, *at_most, *more, *at_least, *equal, *other})
    if not limits:
        return 0
    between = [(left + right) / 2 for left, right in itertools.pairwise(limits)]
    return max(
        (len(less) - bisect_right(less, point)) + (len(at_most) - bisect_left(at_most, point))
        + bisect_left(more, point) + bisect_right(at_least, point)
        + (bisect_right(equal, point) - bisect_left(equal, point))
        + len(other) - (bisect_right(other, point) - bisect_left(other, point))
        for point in (limits[0] - 1, *limits, *between, limits[-1] + 1)
    )  # fmt: skip


def holds(test: Test, choice: str) -> bool:
    """Whether `test` asks for one of some choices, and holds for this one."""
    return isinstance(test.value, tuple) and (choice in test.value) == (test.op == "in")
