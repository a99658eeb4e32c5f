"""The exit brain: how far from the entry stop and targets lie. Fractions of the price, never percents.

Formulas of the adaptive leverage engine v2, with v1's adjustment:

    LSF  = 1 / (1 + ln(max(l, 1) + 1))
    TP_i = max(b_tp · c_i · (1 + 0.8 f), 0.003),  c = (0.6 + LSF, 1.2 + LSF/2, 1.8 + LSF/4)
    SL   = clamp(max(b_sl · (1 + 0.8 (1 - LSF)) · (1 + 0.4 x + 0.2 v), 0.0015), 0.001, 0.02)
    A    = clamp(1 - 0.1 [avg_pnl < 0] + 0.1 [avg_pnl > 0.3] - 0.05 [confidence < 0.5], 0.8, 1.2)

with l leverage, v volatility factor, f funding rate, x exchange divergence, b_tp = 0.01, b_sl = 0.005.
"""

from __future__ import annotations

import math
from decimal import Decimal
from typing import NamedTuple

BASE_TP = 0.01
BASE_SL = 0.005

#: Levels are kept to a hundredth of a millionth of the price.
_PARTS, _PART = 10**8, Decimal("0.00000001")
_GOOD_PNL = 0.3
_SMALL_LEVERAGE, _MIDDLE_LEVERAGE = 10, 30


class Levels(NamedTuple):
    """Distances from the entry as fractions of its price, and the position's shares for the three targets."""

    lsf: Decimal
    tp1: Decimal
    tp2: Decimal
    tp3: Decimal
    sl: Decimal
    adjustment: Decimal
    harvest: tuple[Decimal, Decimal, Decimal]


class Raw(NamedTuple):
    """What the v2 formulas give, before the adjustment."""

    lsf: float
    tp1: float
    tp2: float
    tp3: float
    sl: float


def leverage_factor(leverage: float) -> float:
    """Return LSF, which falls from 0.59 as leverage rises."""
    return 1 / (1 + math.log(max(leverage, 1) + 1))


def v2_levels(leverage: float, volatility: float = 0, funding: float = 0, divergence: float = 0) -> Raw:
    """Return the distances by the v2 formulas."""
    lsf = leverage_factor(leverage)
    base = BASE_TP * (1 + 0.8 * funding)
    tp1, tp2, tp3 = base * (0.6 + lsf), base * (1.2 + lsf / 2), base * (1.8 + lsf / 4)
    sl = max(BASE_SL * (1 + 0.8 * (1 - lsf)) * (1 + 0.4 * divergence + 0.2 * volatility), 0.0015)
    return Raw(lsf, max(tp1, 0.003), max(tp2, 0.003), max(tp3, 0.003), min(max(sl, 0.001), 0.02))


def adjustment(average_pnl: float, *, is_doubtful: bool) -> float:
    """Return A, by which all four distances are multiplied; doubtful means a confidence below 0.5."""
    factor = 1 - 0.1 * (average_pnl < 0) + 0.1 * (average_pnl > _GOOD_PNL) - 0.05 * is_doubtful
    return min(max(factor, 0.8), 1.2)


def harvest(leverage: float) -> tuple[Decimal, Decimal, Decimal]:
    """Return the shares of the position that the three targets take; the higher the leverage, the sooner."""
    if leverage <= _SMALL_LEVERAGE:
        return Decimal("0.3"), Decimal("0.3"), Decimal("0.4")
    if leverage <= _MIDDLE_LEVERAGE:
        return Decimal("0.4"), Decimal("0.4"), Decimal("0.2")
    return Decimal("0.5"), Decimal("0.3"), Decimal("0.2")


def levels(
    leverage: float, volatility: float, funding: float, divergence: float, *, is_doubtful: bool
) -> Levels:
    """Return the adjusted levels, rounded. There is no feed of past results, so their average is 0."""
    raw = v2_levels(leverage, volatility, funding, divergence)
    factor = adjustment(0, is_doubtful=is_doubtful)
    return Levels(
        _rounded(raw.lsf),
        _rounded(raw.tp1 * factor),
        _rounded(raw.tp2 * factor),
        _rounded(raw.tp3 * factor),
        _rounded(raw.sl * factor),
        _rounded(factor),
        harvest(leverage),
    )


def _rounded(value: float) -> Decimal:
    return Decimal(round(value * _PARTS)) * _PART
