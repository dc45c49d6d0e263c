"""Whatever the table of points: a score over unknown rows lies between the least and the most they can still give."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from routing.rules.condition import All, AnyOf, Condition, Not, Test
from routing.rules.rule import Facts, FactValue, Interval, Reference
from routing.rules.scores import Band, Item, Score, calculation, points
from routing.vocabulary import Text

quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])

NUMBERS, FLAGS, GATES = ("n0", "n1"), ("f0", "f1"), ("g0", "g1")
DOMAINS: dict[str, Sequence[FactValue]] = {
    **dict.fromkeys(NUMBERS, (-1, 0, 0.5, 1, 1.5, 2, 2.5, 3, 4)),
    **dict.fromkeys((*FLAGS, *GATES), (True, False)),
}
BOOK = Reference("book", "A book", "https://example.org", None, "read")

some_points = st.integers(-2, 4)
gates: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Test, st.sampled_from(GATES), st.sampled_from(["true", "false"])),
    st.sampled_from(GATES).map(lambda name: Not(Test(name, "true"))),
    st.just(All((Test("g0", "true"), Test("g1", "false")))),
    st.just(AnyOf((Test("g0", "true"), Test("g1", "true")))),
)


@st.composite
def bands(draw: st.DrawFn) -> tuple[Band, ...]:
    ends = sorted(draw(st.sets(st.integers(0, 3), max_size=3)))
    closed = [Band(draw(some_points), **{draw(st.sampled_from(["upto", "below"])): end}) for end in ends]
    return (*closed, Band(draw(some_points)))


def item(fact: str, gate: st.SearchStrategy[Condition | None]) -> st.SearchStrategy[Item]:
    if fact in NUMBERS:
        return st.builds(lambda rows, only_if: Item(fact, rows, None, only_if), bands(), gate)
    values = st.fixed_dictionaries({"true": some_points, "false": some_points})
    return st.builds(lambda by_value, only_if: Item(fact, (), by_value, only_if), values, gate)


def score(items: Sequence[Item], not_for: Condition | None = None) -> Score:
    return Score("made_up", Text("x", "x"), -99, 99, tuple(items), BOOK, "made up", not_for)


@st.composite
def independent(draw: st.DrawFn) -> Score:
    """Every row about a fact of its own, behind a gate of its own or none."""
    free = list(draw(st.permutations(GATES)))
    found = []
    for fact in draw(st.sets(st.sampled_from((*NUMBERS, *FLAGS)), min_size=1)):
        gate = Test(free.pop(), draw(st.sampled_from(["true", "false"]))) if free and draw(st.booleans()) else None
        found.append(draw(item(fact, st.just(gate))))
    return score(found)


anything = st.builds(
    score,
    st.lists(
        st.sampled_from((*NUMBERS, *FLAGS)).flatmap(lambda fact: item(fact, st.one_of(st.none(), gates))),
        min_size=1,
        max_size=4,
    ),
    st.one_of(st.none(), gates),
)


@st.composite
def some_facts(draw: st.DrawFn) -> dict[str, FactValue]:
    return {name: draw(st.sampled_from(values)) for name, values in DOMAINS.items() if draw(st.booleans())}


def completions(facts: Facts) -> Iterator[Facts]:
    unknown = [name for name in DOMAINS if name not in facts]
    for values in itertools.product(*(DOMAINS[name] for name in unknown)):
        yield {**facts, **dict(zip(unknown, values, strict=True))}


@quick
@given(independent(), some_facts())
def test_a_score_lies_exactly_between_the_least_and_most_of_what_can_still_be(table: Score, facts: Facts) -> None:
    given_points = points(table)
    found = given_points(facts)
    truths = [truth for whole in completions(facts) if (truth := given_points(whole)) is not None]
    assert found is not None
    for part in (0, 1):
        assert all(truth[part].low == truth[part].high for truth in truths)
        reached = [truth[part].low for truth in truths]
        assert found[part] == Interval(min(reached), max(reached))


@quick
@given(anything, some_facts())
def test_a_score_never_excludes_what_it_may_turn_out_to_be(table: Score, facts: Facts) -> None:
    given_points = points(table)
    found = given_points(facts)
    for whole in completions(facts):
        truth = given_points(whole)
        if found is None:
            assert truth is None
        elif truth is not None:
            for part in (0, 1):
                assert found[part].low <= truth[part].low == truth[part].high <= found[part].high


@quick
@given(anything, some_facts(), st.data())
def test_learning_more_never_widens_a_score(table: Score, more: dict[str, FactValue], data: st.DataObject) -> None:
    kept = data.draw(st.sets(st.sampled_from(sorted(DOMAINS))))
    before = points(table)({name: value for name, value in more.items() if name in kept})
    after = points(table)(more)
    if before is not None and after is not None:
        for part in (0, 1):
            assert before[part].low <= after[part].low <= after[part].high <= before[part].high


@quick
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=4))
def test_the_lowest_is_at_most_every_part_and_the_highest_at_least(values: list[float]) -> None:
    names = [f"n{number}" for number in range(len(values))]
    facts = dict(zip(names, values, strict=True))
    now = datetime(2026, 11, 18, tzinfo=UTC)
    assert calculation({"lowest": names})(facts, now) == min(values)
    assert calculation({"highest": names})(facts, now) == max(values)
    assert calculation({"sum": names})(facts, now) == sum(values)


@quick
@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
    st.integers(0, 60 * 24 * 400),
    st.integers(0, 59),
    st.integers(-12, 14),
    st.integers(-12, 14),
)
def test_minutes_do_not_depend_on_the_offset_in_which_a_time_is_told(
    onset: datetime, minutes: int, seconds: int, told_in: int, asked_in: int
) -> None:
    start = onset.replace(tzinfo=UTC)
    now = start + timedelta(minutes=minutes, seconds=seconds)

    def in_offset(moment: datetime, hours: int) -> datetime:
        local = (moment + timedelta(hours=hours)).replace(tzinfo=None)
        return datetime.fromisoformat(f"{local.isoformat()}{'-' if hours < 0 else '+'}{abs(hours):02}:00")

    facts = {"onset_at": in_offset(start, told_in).isoformat()}
    assert calculation({"minutes_since": "onset_at"})(facts, in_offset(now, asked_in)) == minutes
