"""Shows that a change of a score changes nothing: no rule asks for it at a number where it would be otherwise."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from routing.rules.condition import Condition, Test, compare, tests
from routing.rules.ruleset import Ruleset
from routing.rules.scores import Item, Score, band_of
from routing.rules.telling_apart import tidy

Pair = tuple[float, float]
"""What an item, or the score, gives before and after the change."""

PAIRS_MOST = 20_000


def is_same(before: Score, after: Score, ruleset: Ruleset, step: float) -> bool:
    """Whether every comparison of the rules with the score, or with its highest item, comes out the same for whatever
    the items can give. An item that is not known gives its least or its most; both are among what it can give."""
    asked = [test for test in _asked(ruleset) if test.subject in (before.id, f"{before.id}.highest_item")]
    totals: set[tuple[Pair, Pair]] = {((0, 0), (0, 0))}
    for was, now in zip(before.items, after.items, strict=True):
        pairs = set(_pairs(was, now, step))
        totals = {
            ((total[0] + one[0], total[1] + one[1]), (max(high[0], one[0]), max(high[1], one[1])))
            for (total, high), one in itertools.product(totals, pairs)
        }
        if len(totals) > PAIRS_MOST:
            return False
    return all(
        compare(test, pair[0]) is compare(test, pair[1])
        for test in asked
        for pair in (found[test.subject != before.id] for found in totals)
    )


def _asked(ruleset: Ruleset) -> Iterator[Test]:
    conditions: Iterable[Condition | None] = (
        *(rule.when for rule in ruleset.rules),
        *(one.when for one in (*ruleset.selection.asked_first, *ruleset.selection.not_asked)),
        *(score.not_for for score in ruleset.scores.values()),
        *(item.only_if for score in ruleset.scores.values() for item in score.items),
    )
    for condition in conditions:
        if condition is not None:
            yield from tests(condition)


def _pairs(was: Item, now: Item, step: float) -> Iterator[Pair]:
    """What an item can give before and after: at every value, where nothing is known of it, where it does not count."""
    if was.only_if is not None:
        yield 0, 0
    if was.values is not None and now.values is not None:
        points = [(was.values[value], now.values[value]) for value in was.values]
    else:
        ends = [band.upto if band.upto is not None else band.below for one in (was, now) for band in one.bands]
        limits = sorted(end for end in ends if end is not None)
        beside = {tidy(limit + part * step) for limit in limits for part in (-1, -0.5, 0, 0.5, 1)}
        middle = {(left + right) / 2 for left, right in itertools.pairwise(limits)}
        values = sorted(beside | middle)
        points = [(band_of(was.bands, value).points, band_of(now.bands, value).points) for value in values]
    yield from points
    given = tuple(zip(*points, strict=True))
    yield min(given[0]), min(given[1])
    yield max(given[0]), max(given[1])
