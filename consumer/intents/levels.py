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
from functools import cached_property, lru_cache
from typing import NamedTuple

BASE_TP = 0.01
BASE_SL = 0.005
#: The farthest that any stop stands from its entry, as a fraction of the price.
FARTHEST_SL = Decimal("0.02")

#: Levels are kept to a hundredth of a millionth of the price.
_PARTS, _WHOLE, _PART = 10**8, Decimal(10**8), Decimal("0.00000001")
_ZERO = Decimal(0)
_GOOD_PNL = 0.3
_SMALL_LEVERAGE, _MIDDLE_LEVERAGE = 10, 30


class _Distances(NamedTuple):
    """Distances from the entry as fractions of its price, and the position's shares for the three targets."""

    lsf: Decimal
    tp1: Decimal
    tp2: Decimal
    tp3: Decimal
    adjustment: Decimal
    harvest: tuple[Decimal, Decimal, Decimal]
    sl: Decimal


class Levels(_Distances):
    """Levels, and what every plan with them makes of them, worked out once for each object."""

    @cached_property
    def when_long(self) -> tuple[int, int, int, int]:
        """Where the stop and the three targets of a long position stand, in parts of 10^8 of the price."""
        return (
            _PARTS - _parts(self.sl),
            _PARTS + _parts(self.tp1),
            _PARTS + _parts(self.tp2),
            _PARTS + _parts(self.tp3),
        )

    @cached_property
    def when_short(self) -> tuple[int, int, int, int]:
        """Where the stop and the three targets of a short position stand, in parts of 10^8 of the price."""
        return (
            _PARTS + _parts(self.sl),
            _PARTS - _parts(self.tp1),
            _PARTS - _parts(self.tp2),
            _PARTS - _parts(self.tp3),
        )

    @property
    def taken(self) -> tuple[int, ...]:
        """How much of a position all targets up to each take, in parts of 10^8."""
        return _taken(self.harvest)

    @cached_property
    def shown(self) -> str:
        """The levels as the JSON object that a decision shows."""
        first, second, third = self.harvest
        return (
            f'{{"lsf":"{self.lsf!s}","tp1":"{self.tp1!s}","tp2":"{self.tp2!s}",'
            f'"tp3":"{self.tp3!s}","sl":"{self.sl!s}","adjustment":"{self.adjustment!s}",'
            f'"harvest":["{first!s}","{second!s}","{third!s}"]}}'
        )


def leverage_factor(leverage: float) -> float:
    """Return LSF, which falls from 0.59 as leverage rises."""
    return 1 / (1 + math.log(max(leverage, 1) + 1))


def target_distances(leverage: float, funding: float) -> tuple[float, float, float]:
    """Return TP1 to TP3, before the adjustment."""
    lsf, base = leverage_factor(leverage), BASE_TP * (1 + 0.8 * funding)
    tp1, tp2, tp3 = base * (0.6 + lsf), base * (1.2 + lsf / 2), base * (1.8 + lsf / 4)
    return max(tp1, 0.003), max(tp2, 0.003), max(tp3, 0.003)


def stop_distance(leverage: float, volatility: float, divergence: float) -> float:
    """Return SL, before the adjustment."""
    widened = (
        BASE_SL * (1 + 0.8 * (1 - leverage_factor(leverage))) * (1 + 0.4 * divergence + 0.2 * volatility)
    )
    return min(max(widened, 0.0015, 0.001), float(FARTHEST_SL))


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
    leverage: Decimal,
    volatility: Decimal | None,
    funding: Decimal | None,
    divergence: Decimal | None,
    *,
    is_doubtful: bool,
) -> Levels:
    """Return the adjusted levels, rounded; a missing input counts as 0.

    There is no feed of past results yet, so their average is 0. Targets and stop are kept apart, since the
    inputs of the targets hardly change from one intent to the next.
    """
    stop = _stop(leverage, volatility or _ZERO, divergence or _ZERO, is_doubtful)
    return Levels(*_targets(leverage, funding or _ZERO, is_doubtful), stop)


@lru_cache(maxsize=1024)
def _targets(
    leverage: Decimal, funding: Decimal, is_doubtful: bool
) -> tuple[Decimal, Decimal, Decimal, Decimal, Decimal, tuple[Decimal, Decimal, Decimal]]:
    plain, factor = float(leverage), adjustment(0, is_doubtful=is_doubtful)
    tp1, tp2, tp3 = (_rounded(distance * factor) for distance in target_distances(plain, float(funding)))
    return _rounded(leverage_factor(plain)), tp1, tp2, tp3, _rounded(factor), harvest(plain)


def _stop(leverage: Decimal, volatility: Decimal, divergence: Decimal, is_doubtful: bool) -> Decimal:
    distance = stop_distance(float(leverage), float(volatility), float(divergence))
    return _rounded(distance * adjustment(0, is_doubtful=is_doubtful))


@lru_cache(maxsize=64)
def _taken(shares: tuple[Decimal, Decimal, Decimal]) -> tuple[int, ...]:
    return tuple(_parts(sum(shares[: count + 1], _ZERO)) for count in range(len(shares)))


def _parts(fraction: Decimal) -> int:
    return int(fraction * _WHOLE)


def _rounded(value: float) -> Decimal:
    return Decimal(round(value * _PARTS)) * _PART
