"""What an intent becomes, in figures: the entry before it is sent, stop and targets from what was filled."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from consumer.intents import risk
from consumer.intents.describe import intent_json
from consumer.intents.levels import Levels, levels
from consumer.intents.planner import MEDIUM_CONFIDENCE, split, triggers

if TYPE_CHECKING:
    from consumer.intents.filters import Filters
    from consumer.intents.wire import Intent
    from consumer.live.journal import IntentRow

_SIDES = {"long": "BUY", "short": "SELL"}
_OPPOSITE = {"BUY": "SELL", "SELL": "BUY"}
_LEVEL_NAMES = ("lsf", "tp1", "tp2", "tp3", "sl", "adjustment")


class Sourced(NamedTuple):
    """A number, and where it came from."""

    value: Decimal
    source: str

    def document(self) -> dict[str, str]:
        """Return it as the decision shows it."""
        return {"value": f"{self.value:f}", "source": self.source}


class Terms(NamedTuple):
    """What an entry is made of besides the intent."""

    price: Sourced
    leverage: Sourced
    balance: Sourced | None
    filters: Filters
    filters_source: str
    is_hedged: bool


class Leg(NamedTuple):
    """One take profit: which of the three targets (0 to 2), at what price, how much."""

    target: int
    price: Decimal
    quantity: Decimal


class Plan(NamedTuple):
    """An entry that may be sent, and all that its exits will be made of, whatever happens in between."""

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
        return _SIDES[self.direction]

    @property
    def exit_side(self) -> str:
        """The side of stop, targets and exit."""
        return _OPPOSITE[self.side]

    @property
    def is_hedged(self) -> bool:
        """Whether the account keeps long and short apart, which makes `reduceOnly` a forbidden word."""
        return self.position_side != "BOTH"

    def stop_price(self, average: Decimal) -> Decimal:
        """Return the stop's trigger for a position entered at this average price."""
        return triggers(average, self.levels, self.tick, is_long=self.is_long)[0]

    def legs(self, executed: Decimal, average: Decimal) -> list[Leg]:
        """Return the take profits for what was executed; together they are all of it."""
        targets = triggers(average, self.levels, self.tick, is_long=self.is_long)[1]
        least = least_steps(min(average, targets[2]), self.step, self.min_notional, self.min_steps)
        parts = split(int(executed // self.step), self.levels.harvest, least)
        return [Leg(which, targets[which], steps * self.step) for which, steps in parts]

    def document(self) -> dict[str, Any]:
        """Return the plan as JSON for the journal; `read` makes it a plan again."""
        return {
            **{name: getattr(self, name) for name in ("symbol", "direction", "position_side", "min_steps")},
            **{
                name: f"{getattr(self, name):f}"
                for name in ("quantity", "price", "tick", "step", "min_notional")
            },
            "levels": _levels(self.levels),
        }

    @classmethod
    def read(cls, document: dict[str, Any]) -> Plan:
        """Return the plan that `document` gave."""
        return cls(
            document["symbol"],
            document["direction"],
            document["position_side"],
            Decimal(document["quantity"]),
            Decimal(document["price"]),
            Decimal(document["tick"]),
            Decimal(document["step"]),
            Decimal(document["min_notional"]),
            document["min_steps"],
            _read_levels(document["levels"]),
        )


def plan_of(intent: IntentRow) -> Plan:
    """Return the plan that was written down with an intent that opens."""
    return Plan.read(json.loads(intent.plan)["orders"])


class Unplanned(NamedTuple):
    """Why an intent gets no orders."""

    reason: str


def size_usd(intent: Intent, available_usd: Decimal) -> Decimal:
    """Return the notional that an intent asks for; a share is one of the balance that is available."""
    if intent.position_size_usd is not None:
        return intent.position_size_usd
    if intent.size_pct is None:
        raise AssertionError("an intent without a size is invalid")
    return intent.size_pct * available_usd


def plan(intent: Intent, terms: Terms, available_usd: Decimal) -> Plan | Unplanned:
    """Return the orders' figures, rounded down to whole steps and never up, or why there are none."""
    found = levels(
        terms.leverage.value,
        intent.volatility_factor,
        intent.funding_rate,
        intent.exchange_divergence,
        is_doubtful=intent.confidence is not None and intent.confidence < MEDIUM_CONFIDENCE,
    )
    fault = risk.levels_fault(found, terms.leverage.value)
    if fault:
        return Unplanned(fault)
    filters, price, is_long = terms.filters, terms.price.value, intent.direction == "long"
    stop, targets = triggers(price, found, filters.tick, is_long=is_long)
    fault = risk.trigger_fault(price, stop, targets[0], targets[2], is_long=is_long)
    if fault:
        return Unplanned(fault)
    step_usd = price * filters.step
    steps = int(size_usd(intent, available_usd) // step_usd)
    fault = risk.size_fault(steps, step_usd, filters)
    if fault:
        return Unplanned(fault)
    least = least_steps(min(price, targets[2]), filters.step, filters.min_notional, filters.min_steps)
    if steps < least:
        return Unplanned(f"RISK_MIN_NOTIONAL:{steps * filters.step:f} is too little for a take profit")
    return Plan(
        intent.symbol,
        intent.direction,
        {"long": "LONG", "short": "SHORT"}[intent.direction] if terms.is_hedged else "BOTH",
        steps * filters.step,
        price,
        filters.tick,
        filters.step,
        filters.min_notional,
        filters.min_steps,
        found,
    )


def least_steps(price: Decimal, step: Decimal, min_notional: Decimal, min_steps: int) -> int:
    """Return of how many steps an order at this price must be at least."""
    return max(min_steps, math.ceil(min_notional / (price * step)))


def described(intent: Intent, terms: Terms | None, planned: Plan | None) -> dict[str, Any]:
    """Return the plan as a decision shows it: what was asked for, what was known, what would be sent."""
    document: dict[str, Any] = {"intent": json.loads(intent_json(intent))}
    if terms:
        document |= {
            "price": terms.price.document(),
            "filters": _filters(terms),
            "balance": terms.balance.document() if terms.balance else None,
            "leverage": terms.leverage.document(),
        }
    if terms and planned:
        price = terms.price.value
        document |= {
            "levels": _levels(planned.levels),
            "entry": {"side": planned.side, "type": "MARKET", "quantity": f"{planned.quantity:f}"},
            "stop_loss": {"trigger_price": f"{planned.stop_price(price):f}"},
            "take_profits": [
                {"price": f"{leg.price:f}", "quantity": f"{leg.quantity:f}"}
                for leg in planned.legs(planned.quantity, price)
            ],
            "position_side": planned.position_side,
            "not_evaluated": [],
        }
    return document


def _filters(terms: Terms) -> dict[str, str]:
    filters = terms.filters
    return {
        "source": terms.filters_source,
        "tick": f"{filters.tick:f}",
        "step": f"{filters.step:f}",
        "min_notional": f"{filters.min_notional:f}",
        "min_qty": f"{filters.min_quantity:f}",
    }


def _levels(found: Levels) -> dict[str, Any]:
    named = {name: f"{getattr(found, name):f}" for name in _LEVEL_NAMES}
    return {**named, "harvest": [f"{share:f}" for share in found.harvest]}


def _read_levels(document: dict[str, Any]) -> Levels:
    lsf, tp1, tp2, tp3, sl, adjustment = (Decimal(document[name]) for name in _LEVEL_NAMES)
    first, second, third = (Decimal(share) for share in document["harvest"])
    return Levels(
        lsf=lsf, tp1=tp1, tp2=tp2, tp3=tp3, sl=sl, adjustment=adjustment, harvest=(first, second, third)
    )
