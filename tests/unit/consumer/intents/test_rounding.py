"""What is sent is never more than was asked for, and its parts are never more or less than the whole."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.intents import plan
from consumer.intents.filters import Filters, Snapshot
from consumer.intents.grid import grid_of
from consumer.intents.levels import Levels
from consumer.intents.rehearsal import Rehearsal
from consumer.intents.wire import Intent

D = Decimal
THIRDS = (D("0.4"), D("0.4"), D("0.2"))
LEVELS = Levels(
    lsf=D(1), tp1=D("0.01"), tp2=D("0.02"), tp3=D("0.03"), sl=D("0.005"), adjustment=D(1), harvest=THIRDS
)


def standing(
    price: Decimal, distances: Levels, tick: Decimal, *, is_long: bool
) -> tuple[Decimal, list[Decimal]]:
    prices = plan.triggers(grid_of(tick, D(1), D(1), 1), price.as_integer_ratio(), distances, is_long=is_long)
    return prices[0] * tick, [target * tick for target in prices[1:]]


FILTERS = Filters(D("0.1"), D("0.001"), D("0.001"), D(1000), D(50), 1, 1_000_000)


@pytest.mark.parametrize(
    ("steps", "least", "legs"),
    [
        (10, 1, [(0, 4), (1, 4), (2, 2)]),
        (10, 2, [(0, 4), (1, 4), (2, 2)]),
        (10, 3, [(0, 4), (1, 6)]),
        (10, 4, [(0, 4), (1, 6)]),
        (10, 5, [(0, 10)]),
        (10, 8, [(0, 10)]),
        (10, 10, [(0, 10)]),
        (10, 11, [(0, 10)]),
        (9, 1, [(0, 3), (1, 4), (2, 2)]),
        (3, 1, [(0, 1), (1, 1), (2, 1)]),
        (2, 1, [(0, 1), (2, 1)]),
        (1, 1, [(0, 1)]),
        (0, 1, []),
    ],
)
def test_a_leg_that_is_too_small_goes_to_the_nearer_target(
    steps: int, least: int, legs: list[tuple[int, int]]
) -> None:
    assert plan.split(steps, LEVELS.taken, least) == legs


@given(st.integers(0, 100_000), st.integers(1, 50_000))
def test_legs_are_the_whole_position_and_none_is_below_the_least(steps: int, least: int) -> None:
    legs = plan.split(steps, LEVELS.taken, least)
    assert sum(count for _, count in legs) == steps
    assert [which for which, _ in legs] == sorted({which for which, _ in legs})
    assert steps < least or all(count >= least for _, count in legs)


def test_shares_that_leave_something_over_leave_it_to_the_last_leg() -> None:
    taken = LEVELS._replace(harvest=(D("0.3"), D("0.3"), D("0.3"))).taken
    assert plan.split(10, taken, 1) == [(0, 3), (1, 3), (2, 4)]
    assert plan.split(10, taken, 4) == [(0, 10)]


NOTHING_AWAY = LEVELS._replace(tp1=D(0), tp2=D(0), tp3=D(0), sl=D(0))


@pytest.mark.parametrize(
    ("price", "tick", "up", "rounded"),
    [
        ("100.04", "0.1", True, "100.1"),
        ("100.04", "0.1", False, "100.0"),
        ("100.1", "0.1", True, "100.1"),
        ("100.1", "0.1", False, "100.1"),
        ("7", "5", True, "10"),
        ("7", "5", False, "5"),
    ],
)
def test_a_price_is_rounded_to_the_tick_in_the_direction_asked_for(
    price: str, tick: str, up: bool, rounded: str
) -> None:
    stop, targets = standing(D(price), NOTHING_AWAY, D(tick), is_long=up)
    assert stop == D(rounded)
    stop, targets = standing(D(price), NOTHING_AWAY, D(tick), is_long=not up)
    assert targets == [D(rounded)] * 3


def test_a_long_has_its_stop_below_and_its_targets_above_each_rounded_towards_the_entry() -> None:
    stop, targets = standing(D("100.07"), LEVELS, D("0.1"), is_long=True)
    assert stop == D("99.6")
    assert targets == [D("101.0"), D("102.0"), D("103.0")]


def test_a_short_has_its_stop_above_and_its_targets_below_each_rounded_towards_the_entry() -> None:
    stop, targets = standing(D("100.07"), LEVELS, D("0.1"), is_long=False)
    assert stop == D("100.5")
    assert targets == [D("99.1"), D("98.1"), D("97.1")]


def test_steps_are_worth_at_least_what_is_asked_of_an_order() -> None:
    stop, targets = standing(D(100), LEVELS, D("0.1"), is_long=True)
    assert (stop, targets[0]) == (D("99.5"), D("101.0"))


def intent(direction: str = "long", **given_: Any) -> Intent:
    values: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "side": "BUY" if direction == "long" else "SELL",
        "direction": direction,
        "position_size_usd": D(1000),
        "size_pct": None,
        "entry_price": D(100),
        "confidence": D("0.8"),
        **dict.fromkeys(
            (
                "volatility_factor",
                "funding_rate",
                "exchange_divergence",
                "leverage",
                "stop_loss",
                "take_profit",
            )
        ),
        "timestamp_ms": None,
        "shape": "flat",
        "source": None,
        "trace_id": None,
        "model": None,
    }
    return Intent(**{**values, **given_})


def planned(asked: Intent, filters: Filters = FILTERS, balance: Decimal | None = None) -> dict[str, Any]:
    rehearsal = Rehearsal(Snapshot("test", {"BTCUSDT": filters}), D(1), balance)
    shown = rehearsal.plan(asked)
    body: dict[str, Any] = json.loads("{" + shown.members + "}")
    return {"status": shown.status, "reason": shown.reason, **body}


def test_a_rehearsed_entry_is_rounded_down_to_whole_steps() -> None:
    shown = planned(intent(position_size_usd=D("1000.99"), entry_price=D(300)))
    assert shown["entry"] == {"side": "BUY", "type": "MARKET", "quantity": "3.336"}
    assert sum(D(leg["quantity"]) for leg in shown["take_profits"]) == D("3.336")


def test_a_rehearsed_short_sells() -> None:
    assert planned(intent("short"))["entry"] == {"side": "SELL", "type": "MARKET", "quantity": "10.000"}


def test_a_size_in_dollars_wins_over_a_share() -> None:
    assert planned(intent(size_pct=D("0.5")), balance=D(500))["entry"]["quantity"] == "10.000"


def test_a_share_is_one_of_the_balance() -> None:
    shown = planned(intent(position_size_usd=None, size_pct=D("0.5")), balance=D(500))
    assert shown["entry"]["quantity"] == "2.500"


def test_a_share_without_a_balance_has_no_plan() -> None:
    shown = planned(intent(position_size_usd=None, size_pct=D("0.5")))
    assert shown["reason"] == "PLAN_INCOMPLETE:balance"
    assert shown["entry"] is None


@pytest.mark.parametrize(
    ("size", "reason"),
    [
        ("50", "DRAIN"),
        ("49.99", "RISK_MIN_NOTIONAL:49.900 is below 50"),
        ("0.05", "RISK_MIN_QUANTITY:0.000 is below 0.001"),
    ],
)
def test_an_entry_is_never_raised_to_a_minimum(size: str, reason: str) -> None:
    assert planned(intent(position_size_usd=D(size)))["reason"] == reason
