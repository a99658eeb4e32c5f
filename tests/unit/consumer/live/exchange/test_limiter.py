from __future__ import annotations

import pytest
from multidict import CIMultiDict

from consumer.live.exchange.errors import ThrottledError
from consumer.live.exchange.limiter import ORDERS_1M, ORDERS_10S, WEIGHT, Cost, Limit, Limiter

LIMITS = {WEIGHT: Limit(100, 60.0), ORDERS_10S: Limit(10, 10.0), ORDERS_1M: Limit(20, 60.0)}
ORDER, ASK = Cost(orders=1), Cost(weight=1)


def fresh_limiter() -> Limiter:
    return Limiter(LIMITS, exit_share=0.2)


def entry(limiter: Limiter, cost: Cost = ORDER, now_s: float = 0.0) -> float:
    return limiter.wait_s(cost, now_s, is_exit=False)


def leave(limiter: Limiter, cost: Cost = ORDER, now_s: float = 0.0) -> float:
    return limiter.wait_s(cost, now_s, is_exit=True)


def test_nothing_used_means_no_wait() -> None:
    assert entry(fresh_limiter()) == 0.0


def test_entries_use_their_share_to_the_last_and_no_more() -> None:
    limiter = fresh_limiter()
    limiter.sent(Cost(orders=7), 0.0)
    assert entry(limiter, now_s=1.0) == 0.0
    limiter.sent(ORDER, 1.0)
    assert entry(limiter, now_s=1.0) == 9.0


def test_exits_use_what_is_kept_for_them_to_the_last_and_no_more() -> None:
    limiter = fresh_limiter()
    limiter.sent(Cost(orders=9), 0.0)
    assert leave(limiter, now_s=1.0) == 0.0
    limiter.sent(ORDER, 1.0)
    assert leave(limiter, now_s=1.0) == 9.0


def test_an_intent_that_takes_several_orders_waits_for_all_of_them() -> None:
    assert entry(fresh_limiter(), Cost(orders=8)) == 0.0
    limiter = fresh_limiter()
    limiter.sent(ORDER, 0.0)
    assert entry(limiter, Cost(orders=8)) == 10.0


def test_a_window_ends() -> None:
    limiter = fresh_limiter()
    limiter.sent(Cost(orders=10), 5.0)
    assert leave(limiter, now_s=14.9) == pytest.approx(0.1)
    assert leave(limiter, now_s=15.0) == 0.0


def test_the_next_window_begins_empty_and_with_its_first_order() -> None:
    limiter = fresh_limiter()
    limiter.sent(Cost(orders=4), 0.0)
    limiter.sent(ORDER, 10.0)
    assert entry(limiter, Cost(orders=7), 12.0) == 0.0
    assert entry(limiter, Cost(orders=8), 12.0) == 8.0


def test_questions_are_counted_by_their_weight_and_not_as_orders() -> None:
    limiter = fresh_limiter()
    limiter.sent(Cost(weight=80), 0.0)
    assert entry(limiter, ASK) == 60.0
    assert leave(limiter, Cost(weight=20)) == 0.0
    assert leave(limiter, Cost(weight=21)) == 60.0
    assert entry(limiter) == 0.0


def test_the_minute_counts_beside_the_ten_seconds() -> None:
    limiter = fresh_limiter()
    limiter.sent(Cost(orders=10), 0.0)
    limiter.sent(Cost(orders=6), 10.0)
    assert entry(limiter, now_s=20.0) == 40.0


def test_what_costs_nothing_of_a_budget_does_not_wait_for_it() -> None:
    limiter = fresh_limiter()
    limiter.sent(Cost(orders=10), 0.0)
    assert entry(limiter, ASK) == 0.0


def test_an_answer_says_what_others_have_used() -> None:
    limiter = fresh_limiter()
    limiter.answered(CIMultiDict({WEIGHT.lower(): "80"}), 3.0)
    assert entry(limiter, ASK, 3.0) == 60.0
    assert leave(limiter, ASK, 3.0) == 0.0


def test_an_answer_that_is_older_than_our_own_count_does_not_lower_it() -> None:
    limiter = fresh_limiter()
    limiter.sent(Cost(orders=8), 0.0)
    limiter.answered({ORDERS_10S: "1"}, 1.0)
    assert entry(limiter, now_s=1.0) == 9.0


def test_a_higher_count_is_kept_for_a_whole_window() -> None:
    limiter = fresh_limiter()
    limiter.sent(ORDER, 0.0)
    limiter.answered({ORDERS_10S: "9"}, 6.0)
    assert entry(limiter, now_s=10.0) == 6.0


@pytest.mark.parametrize("value", ["", "many", "-5", "1.5", "٣"])
def test_a_count_that_cannot_be_read_changes_nothing(value: str) -> None:
    limiter = fresh_limiter()
    limiter.answered({ORDERS_10S: value}, 0.0)
    assert entry(limiter, Cost(orders=8)) == 0.0


def test_a_refusal_closes_for_exits_too_for_as_long_as_it_says() -> None:
    limiter = fresh_limiter()
    limiter.throttled(ThrottledError("x", retry_after_s=17.0), 100.0, 0)
    assert entry(limiter, now_s=100.0) == 17.0
    assert leave(limiter, ASK, 110.0) == 7.0
    assert leave(limiter, now_s=117.0) == 0.0


def test_an_overload_closes_shortly_and_not_for_exits() -> None:
    limiter = fresh_limiter()
    limiter.throttled(ThrottledError("x", -1008, is_overload=True), 100.0, 0)
    assert entry(limiter, now_s=100.0) == 1.0
    assert leave(limiter, now_s=100.0) == 0.0
    assert entry(limiter, now_s=101.0) == 0.0


def test_a_ban_lasts_until_the_exchanges_own_time_for_it() -> None:
    limiter = fresh_limiter()
    ban = ThrottledError("x", is_banned=True, banned_until_ms=1_000_060_000)
    limiter.throttled(ban, 5.0, 1_000_000_000)
    assert leave(limiter, now_s=5.0) == 60.0


def test_of_two_ends_the_later_counts() -> None:
    limiter = fresh_limiter()
    ban = ThrottledError("x", retry_after_s=90.0, is_banned=True, banned_until_ms=60_000)
    limiter.throttled(ban, 0.0, 0)
    assert leave(limiter) == 90.0


@pytest.mark.parametrize(("is_banned", "wait_s"), [(False, 10.0), (True, 120.0)])
def test_a_refusal_that_names_no_end_has_one(is_banned: bool, wait_s: float) -> None:
    limiter = fresh_limiter()
    limiter.throttled(ThrottledError("x", is_banned=is_banned), 0.0, 0)
    assert leave(limiter) == wait_s


def test_a_later_refusal_does_not_shorten_an_earlier_one() -> None:
    limiter = fresh_limiter()
    limiter.throttled(ThrottledError("x", retry_after_s=50.0), 0.0, 0)
    limiter.throttled(ThrottledError("x", retry_after_s=1.0), 1.0, 0)
    assert leave(limiter, now_s=1.0) == 49.0
