"""A symbol's ticks and steps as whole numbers, so that prices and quantities are computed exactly.

A price or a size is taken apart into a ratio of integers once; ticks, steps and fractions (in parts of 10^8)
are integers too. What comes out are counts of ticks and steps. Nothing is rounded on the way.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from decimal import Decimal

#: A fraction of 1 in whole parts: levels are kept to a hundredth of a millionth of the price.
PARTS = 10**8

type Ratio = tuple[int, int]


class Grid(NamedTuple):
    """One symbol's multiples as ratios of integers. Prices and `min_notional` in USDT."""

    tick: Ratio
    step: Ratio
    min_notional: Ratio
    min_steps: int

    def steps(self, size: Ratio, price: Ratio) -> int:
        """Return how many whole steps at `price` are worth at most `size`: never one more."""
        return (size[0] * price[1] * self.step[1]) // (size[1] * price[0] * self.step[0])

    def whole_steps(self, quantity: Ratio) -> int:
        """Return how many whole steps a quantity has."""
        return quantity[0] * self.step[1] // (quantity[1] * self.step[0])

    def least_steps(self, price: Ratio) -> int:
        """Return of how many steps an order at `price` must be at least."""
        above = self.min_notional[0] * price[1] * self.step[1]
        least = -(-above // (self.min_notional[1] * price[0] * self.step[0]))
        return max(self.min_steps, least)


@lru_cache(maxsize=4096)
def grid_of(tick: Decimal, step: Decimal, min_notional: Decimal, min_steps: int) -> Grid:
    """Return the grid of a symbol. Amounts as its filters have them, `min_steps` in steps."""
    return Grid(tick.as_integer_ratio(), step.as_integer_ratio(), min_notional.as_integer_ratio(), min_steps)
