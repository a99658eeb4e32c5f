"""The exit brain against golden values, and the rules that its levels must keep."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.intents.levels import (
    Levels,
    adjustment,
    harvest,
    leverage_factor,
    stop_distance,
    target_distances,
)
from consumer.intents.levels import levels as adjusted
from consumer.intents.risk import levels_fault

#: Leverage → LSF, TP1, TP2, TP3, SL, and SL at a volatility factor of 1; all other inputs 0.
GOLDEN = {
    1: (0.590616, 0.011906, 0.014953, 0.019477, 0.006638, 0.007965),
    5: (0.358197, 0.009582, 0.013791, 0.018895, 0.007567, 0.009081),
    10: (0.294300, 0.008943, 0.013471, 0.018736, 0.007823, 0.009387),
    15: (0.265070, 0.008651, 0.013325, 0.018663, 0.007940, 0.009528),
    20: (0.247248, 0.008472, 0.013236, 0.018618, 0.008011, 0.009613),
    30: (0.225531, 0.008255, 0.013128, 0.018564, 0.008098, 0.009717),
    50: (0.202765, 0.008028, 0.013014, 0.018507, 0.008189, 0.009827),
    100: (0.178091, 0.007781, 0.012890, 0.018445, 0.008288, 0.009945),
}


def levels(leverage: float, volatility: float = 0, *, is_doubtful: bool = False) -> Levels:
    return adjusted(Decimal(leverage), Decimal(volatility), None, None, is_doubtful=is_doubtful)


@pytest.mark.parametrize("leverage", GOLDEN)
def test_levels_equal_the_golden_values(leverage: int) -> None:
    distances = (
        leverage_factor(leverage),
        *target_distances(leverage, 0),
        stop_distance(leverage, 0, 0),
        stop_distance(leverage, 1, 0),
    )
    assert distances == pytest.approx(GOLDEN[leverage], abs=5.1e-7)


@pytest.mark.parametrize("leverage", GOLDEN)
def test_levels_of_an_intent_are_the_golden_values_rounded(leverage: int) -> None:
    distances = levels(leverage)
    shown = [
        float(level) for level in (distances.lsf, distances.tp1, distances.tp2, distances.tp3, distances.sl)
    ]
    assert shown == pytest.approx(GOLDEN[leverage][:5], abs=5.2e-7)


def test_leverage_below_one_counts_as_one() -> None:
    assert leverage_factor(0) == leverage_factor(1)


def test_volatility_and_divergence_widen_the_stop() -> None:
    calm = stop_distance(10, 0, 0)
    assert stop_distance(10, 1, 0) / calm == pytest.approx(1.2)
    assert stop_distance(10, 0, 0.5) / calm == pytest.approx(1.2)


def test_funding_moves_the_targets() -> None:
    ratios = [
        paid / plain for paid, plain in zip(target_distances(10, 0.5), target_distances(10, 0), strict=True)
    ]
    assert ratios == pytest.approx([1.4] * 3)


def test_targets_and_stop_have_floors_and_the_stop_a_ceiling() -> None:
    assert target_distances(10, -10) == (0.003, 0.003, 0.003)
    assert (stop_distance(10, 0, -10), stop_distance(10, 0, 10)) == (0.0015, 0.02)


def test_a_missing_input_counts_as_zero() -> None:
    nothing = adjusted(Decimal(5), None, None, None, is_doubtful=False)
    assert nothing == adjusted(Decimal(5), Decimal(0), Decimal("0.0"), Decimal("-0"), is_doubtful=False)


@pytest.mark.parametrize(
    ("average_pnl", "is_doubtful", "expected"),
    [
        (0, False, 1.0),
        (0, True, 0.95),
        (-0.1, False, 0.9),
        (-0.1, True, 0.85),
        (0.31, False, 1.1),
        (0.3, True, 0.95),
    ],
)
def test_the_adjustment_follows_result_and_confidence(
    average_pnl: float, is_doubtful: bool, expected: float
) -> None:
    assert adjustment(average_pnl, is_doubtful=is_doubtful) == pytest.approx(expected)


def test_the_adjustment_multiplies_all_four_distances() -> None:
    sure, doubtful = (levels(10, is_doubtful=doubt) for doubt in (False, True))
    named = [(getattr(doubtful, name), getattr(sure, name)) for name in ("tp1", "tp2", "tp3", "sl")]
    ratios = [float(level / other) for level, other in named]
    assert ratios == pytest.approx([0.95] * 4, abs=1e-5)


@pytest.mark.parametrize(
    ("leverage", "shares"),
    [
        (1, "0.3 0.3 0.4"),
        (10, "0.3 0.3 0.4"),
        (10.5, "0.4 0.4 0.2"),
        (30, "0.4 0.4 0.2"),
        (31, "0.5 0.3 0.2"),
    ],
)
def test_the_harvest_scheme_follows_the_leverage(leverage: float, shares: str) -> None:
    assert " ".join(map(str, harvest(leverage))) == shares
    assert sum(harvest(leverage)) == 1


def test_levels_are_fractions_never_percents() -> None:
    distances = levels(20)
    assert (distances.tp1, distances.sl) == (Decimal("0.00847248"), Decimal("0.00801101"))


def test_the_stop_is_valid_to_75x_and_not_at_100x() -> None:
    near, far = (levels(leverage, 1) for leverage in (75, 100))
    assert levels_fault(near._replace(tp1=Decimal("0.0105")), Decimal(75)) == ""
    assert "beyond 0.8 / leverage 100" in levels_fault(far._replace(tp1=Decimal("0.0105")), Decimal(100))


@pytest.mark.parametrize(
    "wrong",
    [
        {"sl": "0"},
        {"sl": "-0.01"},
        {"sl": "0.012"},
        {"tp1": "0.015"},
        {"tp2": "0.02"},
        {"tp3": "0.2"},
        {"tp3": "84.7"},
    ],
)
def test_levels_out_of_order_are_refused(wrong: dict[str, str]) -> None:
    distances = levels(1)._replace(**{name: Decimal(text) for name, text in wrong.items()})
    assert levels_fault(distances, Decimal(1)).startswith("RISK_LEVELS:")


def test_levels_of_zero_are_refused() -> None:
    zero = levels(1)._replace(**dict.fromkeys(("tp1", "tp2", "tp3", "sl"), Decimal(0)))
    assert levels_fault(zero, Decimal(1)).startswith("RISK_LEVELS:")


NUMBERS = st.decimals("-1e11", "1e11", allow_nan=False)


@settings(deadline=None)  # the machine may be busy
@given(st.decimals(1, 125), st.decimals(0, 5), NUMBERS, NUMBERS, st.booleans())
def test_whatever_the_inputs_levels_are_in_order_or_refused(
    leverage: Decimal, volatility: Decimal, funding: Decimal, divergence: Decimal, is_doubtful: bool
) -> None:
    distances = adjusted(leverage, volatility, funding, divergence, is_doubtful=is_doubtful)
    in_order = 0 < distances.sl < distances.tp1 < distances.tp2 < distances.tp3 < Decimal("0.2")
    is_near = distances.sl * leverage <= Decimal("0.8")
    assert (levels_fault(distances, leverage) == "") == (in_order and is_near)
