"""A server that does not answer is left alone for a while, and then tried by one question."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from routing.travel.breaker import Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def breaker() -> tuple[Breaker, Clock]:
    clock = Clock()
    return Breaker(clock, failures_most=3, rest_seconds=30), clock


def test_a_server_that_took_all_the_time_is_left_alone_at_once() -> None:
    it, _ = breaker()
    assert it.may_ask()
    it.failed(late=True)
    assert (it.may_ask(), it.state) == (False, "open")


def test_a_server_that_fails_quickly_is_left_alone_after_three_times() -> None:
    it, _ = breaker()
    for expected in (True, True, True, False):
        assert it.may_ask() is expected
        it.failed(late=False)


def test_failures_count_in_a_row_only() -> None:
    it, _ = breaker()
    for _ in range(5):
        it.failed(late=False)
        it.failed(late=False)
        it.answered()
    assert it.state == "closed"


def test_after_the_rest_one_question_tries_it_and_all_others_wait_for_that() -> None:
    it, clock = breaker()
    it.failed(late=True)
    clock.now = 29.9
    assert not it.may_ask()
    clock.now = 30
    assert it.state == "half_open"
    assert [it.may_ask() for _ in range(4)] == [True, False, False, False]
    it.answered()
    assert [it.may_ask() for _ in range(4)] == [True] * 4


def test_a_server_that_fails_when_it_is_tried_again_is_left_alone_again() -> None:
    it, clock = breaker()
    it.failed(late=True)
    clock.now = 30
    assert it.may_ask()
    it.failed(late=False)
    clock.now = 59
    assert not it.may_ask()
    clock.now = 60
    assert it.may_ask()


def test_a_question_that_never_comes_back_keeps_nobody_from_trying_later() -> None:
    it, clock = breaker()
    it.failed(late=True)
    clock.now = 30
    assert it.may_ask()
    clock.now = 61
    assert it.may_ask()


@given(st.lists(st.tuples(st.sampled_from(["late", "failed", "answered"]), st.floats(0, 20)), max_size=40))
def test_within_one_rest_at_most_one_question_waits_for_all_its_time(steps: list[tuple[str, float]]) -> None:
    it, clock = breaker()
    waited: list[float] = []
    for step, passed in steps:
        clock.now += passed
        if it.may_ask():
            if step == "answered":
                it.answered()
                waited.clear()
                continue
            it.failed(late=step == "late")
            if step == "late":
                assert not waited or clock.now - waited[-1] >= 30
                waited.append(clock.now)
