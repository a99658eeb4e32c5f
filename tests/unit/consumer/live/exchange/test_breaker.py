from __future__ import annotations

import pytest

from consumer.live.exchange.breaker import Breaker, is_failure
from consumer.live.exchange.errors import (
    AbsentError,
    ExistsError,
    NotSentError,
    OrderRefusedError,
    OutcomeError,
    ThrottledError,
    UnknownError,
)

FAILED = UnknownError("timed out")


def failing(times: int, at_s: float = 0.0) -> Breaker:
    breaker = Breaker(threshold=3, first_pause_s=5.0, longest_pause_s=12.0)
    for _ in range(times):
        breaker.note(FAILED, at_s)
    return breaker


@pytest.mark.parametrize("outcome", [FAILED, NotSentError("x"), ThrottledError("x")])
def test_what_lies_with_the_exchange_is_a_failure(outcome: OutcomeError) -> None:
    assert is_failure(outcome)


@pytest.mark.parametrize("outcome", [None, OrderRefusedError("x"), AbsentError("x"), ExistsError("x")])
def test_an_answer_is_none(outcome: OutcomeError | None) -> None:
    assert not is_failure(outcome)


def test_a_new_breaker_lets_intents_be_read() -> None:
    assert failing(0).is_closed


def test_one_failure_less_than_the_threshold_changes_nothing() -> None:
    breaker = failing(2)
    assert breaker.is_closed
    assert breaker.pause_s(0.0) == 0.0


def test_the_last_of_so_many_failures_in_a_row_ends_reading_and_lets_a_probe_tell_at_once() -> None:
    breaker = failing(3, at_s=100.0)
    assert not breaker.is_closed
    assert breaker.pause_s(100.0) == 0.0


def test_a_probe_that_fails_pauses() -> None:
    breaker = failing(4, at_s=100.0)
    assert breaker.pause_s(101.0) == 4.0


def test_an_answer_in_between_begins_the_count_anew() -> None:
    breaker = failing(2)
    breaker.note(None, 0.0)
    breaker.note(FAILED, 0.0)
    breaker.note(FAILED, 0.0)
    assert breaker.is_closed


def test_after_the_pause_a_probe_is_due_and_reading_is_not() -> None:
    breaker = failing(4)
    assert breaker.pause_s(5.0) == 0.0
    assert breaker.pause_s(99.0) == 0.0
    assert not breaker.is_closed


def test_a_probe_that_is_answered_closes_it() -> None:
    breaker = failing(3)
    breaker.note(OrderRefusedError("but alive"), 5.0)
    assert breaker.is_closed


def test_each_probe_that_fails_doubles_the_pause_up_to_the_longest() -> None:
    breaker = failing(4)
    breaker.note(FAILED, 5.0)
    assert breaker.pause_s(5.0) == 10.0
    breaker.note(FAILED, 15.0)
    assert breaker.pause_s(15.0) == 12.0


def test_failures_during_the_pause_do_not_lengthen_it() -> None:
    breaker = failing(4)
    breaker.note(FAILED, 4.9)
    assert breaker.pause_s(4.9) == pytest.approx(0.1)


def test_once_closed_it_begins_with_the_first_pause_again() -> None:
    breaker = failing(4)
    breaker.note(FAILED, 5.0)
    breaker.note(None, 20.0)
    for _ in range(4):
        breaker.note(FAILED, 30.0)
    assert breaker.pause_s(30.0) == 5.0
