"""The one planner, of both modes: an intent and its terms in, a plan or the first reason against it out.

A rehearsal that plans what live mode would refuse proves nothing, so what is planned here is planned once.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from consumer.intents import risk
from consumer.intents.levels import Levels, levels
from consumer.intents.plan import Plan, Triggers, least_steps, triggers

if TYPE_CHECKING:
    from consumer.intents.filters import Filters
    from consumer.intents.wire import Intent

#: Below it, an intent's own confidence tightens its levels; a missing one counts as this much.
MEDIUM_CONFIDENCE = Decimal("0.5")
_POSITION_SIDES = {"long": "LONG", "short": "SHORT"}
_ZERO = Decimal(0)


class Sourced(NamedTuple):
    """A number, and where it came from."""

    value: Decimal
    source: str


class Terms(NamedTuple):
    """What an entry is made of besides the intent. A rehearsal may lack price, balance or filters.

    `price` and `balance` in USDT. `balance` is None where the intent names its size in USDT itself.
    """

    price: Sourced | None
    leverage: Sourced
    balance: Sourced | None
    filters: Filters | None
    filters_source: str
    is_hedged: bool = False


class Unplanned(NamedTuple):
    """Why an intent gets no orders, and the levels that they would have had."""

    reason: str
    levels: Levels


class Incomplete(NamedTuple):
    """Which terms are missing, of which a plan would be made (price, filters, balance), and its levels."""

    missing: tuple[str, ...]
    levels: Levels


class Planned(NamedTuple):
    """A plan's figures, what was asked for in USDT, and where its exits stand at the planned price."""

    intent: Intent
    terms: Terms
    filters: Filters
    levels: Levels
    price: Decimal
    asked_usd: Decimal
    steps: int
    standing: Triggers
    least: int

    @property
    def quantity(self) -> Decimal:
        """What the entry buys or sells, in the base asset."""
        return self.steps * self.filters.step

    @property
    def position_side(self) -> str:
        """The position's side as the exchange names it: BOTH in one-way mode."""
        return _POSITION_SIDES[self.intent.direction] if self.terms.is_hedged else "BOTH"

    @property
    def plan(self) -> Plan:
        """The entry that may be sent. A rehearsal sends none, and needs none."""
        filters = self.filters
        return Plan(
            self.intent.symbol,
            self.intent.direction,
            self.position_side,
            self.quantity,
            self.price,
            filters.tick,
            filters.step,
            filters.min_notional,
            filters.min_steps,
            self.levels,
        )


def plan(intent: Intent, terms: Terms) -> Planned | Unplanned | Incomplete:
    """Return the orders' figures, rounded down to whole steps and never up, or why there are none."""
    leverage = terms.leverage.value
    distances = _levels(intent, leverage)
    fault = risk.levels_fault(distances, leverage)
    if fault:
        return Unplanned(fault, distances)
    size = size_usd(intent, terms.balance.value if terms.balance else None)
    price, filters = terms.price.value if terms.price else _ZERO, terms.filters
    if size is None or filters is None or price <= _ZERO:
        known = {"price": price > _ZERO, "filters": filters is not None, "balance": size is not None}
        return Incomplete(tuple(name for name, is_known in known.items() if not is_known), distances)
    is_long, exact, grid = intent.direction == "long", price.as_integer_ratio(), filters.grid
    standing = triggers(grid, exact, distances, is_long=is_long)
    if not risk.is_apart(exact, standing, grid.tick, is_long=is_long):
        return Unplanned(f"RISK_LEVELS:the tick is too coarse at {price}", distances)
    steps, least = grid.steps(size.as_integer_ratio(), exact), least_steps(grid, exact, standing)
    fault = risk.size_fault(steps, least, price, filters)
    if fault:
        return Unplanned(fault, distances)
    return Planned(intent, terms, filters, distances, price, size, steps, standing, least)


def size_usd(intent: Intent, balance: Decimal | None) -> Decimal | None:
    """Return the notional in USDT that an intent asks for; a share is one of the balance, if it is known."""
    if intent.position_size_usd is not None:
        return intent.position_size_usd
    if intent.size_pct is None:
        raise AssertionError("an intent without a size is invalid")
    return None if balance is None else intent.size_pct * balance


def _levels(intent: Intent, leverage: Decimal) -> Levels:
    """Return the levels of an intent at the leverage that the account has, not the one that it names."""
    confidence = intent.confidence
    return levels(
        leverage,
        intent.volatility_factor,
        intent.funding_rate,
        intent.exchange_divergence,
        is_doubtful=confidence is not None and confidence < MEDIUM_CONFIDENCE,
    )
