"""A plan: an entry that may be sent, and all that its exits are made of, whatever happens in between.

Prices in USDT, quantities in the base asset. Inside, prices are counted in ticks and quantities in
steps, as whole numbers.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from consumer.intents.grid import PARTS, Grid, grid_of
from consumer.intents.levels import Levels

if TYPE_CHECKING:
    from consumer.intents.grid import Ratio

#: The entry's side as the exchange names it, by direction.
SIDES = {"long": "BUY", "short": "SELL"}
_OPPOSITE = {"BUY": "SELL", "SELL": "BUY"}
_LEVEL_NAMES = ("lsf", "tp1", "tp2", "tp3", "sl", "adjustment")
_AMOUNT_NAMES = ("quantity", "price", "tick", "step", "min_notional")


class Leg(NamedTuple):
    """One take profit: which of the three targets (0 to 2), at what price, how much."""

    target: int
    price: Decimal
    quantity: Decimal


#: Where the stop and the three targets stand, in ticks; rounded towards the entry.
type Triggers = tuple[int, int, int, int]


class Plan(NamedTuple):
    """An entry that may be sent. `position_side` is BOTH in one-way mode, `min_steps` counts steps."""

    symbol: str
    direction: str
    position_side: str
    quantity: Decimal
    price: Decimal
    tick: Decimal
    step: Decimal
    min_notional: Decimal
    min_steps: int
    levels: Levels

    @property
    def is_long(self) -> bool:
        """Whether the entry buys."""
        return self.direction == "long"

    @property
    def side(self) -> str:
        """The entry's side."""
        return SIDES[self.direction]

    @property
    def exit_side(self) -> str:
        """The side of stop, targets and exit."""
        return _OPPOSITE[self.side]

    @property
    def is_hedged(self) -> bool:
        """Whether the account keeps long and short apart, which makes `reduceOnly` a forbidden word."""
        return self.position_side != "BOTH"

    @property
    def grid(self) -> Grid:
        """The symbol's ticks and steps."""
        return grid_of(self.tick, self.step, self.min_notional, self.min_steps)

    def stop_price(self, average: Decimal) -> Decimal:
        """Return the stop's trigger for a position entered at this average price."""
        price = average.as_integer_ratio()
        return triggers(self.grid, price, self.levels, is_long=self.is_long)[0] * self.tick

    def legs(self, executed: Decimal, average: Decimal) -> list[Leg]:
        """Return the take profits for what was executed; together they are all of it."""
        grid, price = self.grid, average.as_integer_ratio()
        standing = triggers(grid, price, self.levels, is_long=self.is_long)
        steps = grid.whole_steps(executed.as_integer_ratio())
        least = least_steps(grid, price, standing)
        return [
            Leg(which, standing[1 + which] * self.tick, count * self.step)
            for which, count in split(steps, self.levels.taken, least)
        ]

    def document(self) -> dict[str, Any]:
        """Return the plan as JSON for the journal; `read` makes it a plan again."""
        return {
            **{name: getattr(self, name) for name in ("symbol", "direction", "position_side", "min_steps")},
            **{name: f"{getattr(self, name):f}" for name in _AMOUNT_NAMES},
            "levels": {
                **{name: f"{getattr(self.levels, name):f}" for name in _LEVEL_NAMES},
                "harvest": [f"{share:f}" for share in self.levels.harvest],
            },
        }

    @classmethod
    def read(cls, document: dict[str, Any]) -> Plan:
        """Return the plan that `document` gave."""
        quantity, price, tick, step, min_notional = (Decimal(document[name]) for name in _AMOUNT_NAMES)
        return cls(
            document["symbol"],
            document["direction"],
            document["position_side"],
            quantity,
            price,
            tick,
            step,
            min_notional,
            document["min_steps"],
            _read_levels(document["levels"]),
        )


def triggers(grid: Grid, price: Ratio, levels: Levels, *, is_long: bool) -> Triggers:
    """Return where the stop and the three targets of an entry at `price` stand, rounded towards the entry."""
    above, below = price[0] * grid.tick[1], price[1] * grid.tick[0] * PARTS
    if is_long:
        stop, first, second, third = levels.when_long
        targets = above * first // below, above * second // below, above * third // below
        return -(-above * stop // below), *targets
    stop, first, second, third = levels.when_short
    # Twice negated, a division rounds up.
    targets = -above * first // below, -above * second // below, -above * third // below
    return above * stop // below, -targets[0], -targets[1], -targets[2]


def least_steps(grid: Grid, price: Ratio, standing: Triggers) -> int:
    """Return of how many steps an order must be at least, at the entry or the farthest target."""
    farthest = standing[3] * grid.tick[0]
    is_lower = 0 < farthest * price[1] < price[0] * grid.tick[1]
    return grid.least_steps((farthest, grid.tick[1]) if is_lower else price)


def split(steps: int, taken: tuple[int, ...], least: int) -> list[tuple[int, int]]:
    """Divide a position among the targets: (which target, how many steps), with nothing left over.

    `taken` is what all targets up to each take, in parts of 10^8. A leg of fewer steps than `least` is merged
    with the next, at the target nearer to the entry; a last one that is too small goes to the leg before it.
    """
    parts: list[tuple[int, int]] = []
    given = nearest = 0
    for following, share in enumerate(taken, 1):
        wanted = steps * share // PARTS - given
        if wanted >= least:
            parts.append((nearest, wanted))
            given += wanted
            nearest = following
    if given < steps:
        last, wanted = parts.pop() if parts else (0, 0)
        parts.append((last, wanted + steps - given))
    return parts


def _read_levels(document: dict[str, Any]) -> Levels:
    lsf, tp1, tp2, tp3, sl, adjustment = (Decimal(document[name]) for name in _LEVEL_NAMES)
    first, second, third = (Decimal(share) for share in document["harvest"])
    return Levels(
        lsf=lsf, tp1=tp1, tp2=tp2, tp3=tp3, sl=sl, adjustment=adjustment, harvest=(first, second, third)
    )
