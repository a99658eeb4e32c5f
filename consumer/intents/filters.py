"""The exchange's rules for a symbol's prices and quantities, from a pinned snapshot of its exchangeInfo."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from consumer.base.errors import RefusedError
from consumer.intents.describe import number
from consumer.intents.grid import Grid, grid_of

if TYPE_CHECKING:
    from collections.abc import Mapping

SNAPSHOT = Path(__file__).parent / "data" / "exchange_info.json"


class _Rules(NamedTuple):
    """One symbol's rules: multiples for prices and quantities, and the least and most of a market order.

    Quantities in the base asset, `_steps` in multiples of `step`, the notional in USDT. `band` are the lowest
    and the highest price of an order, as fractions of the mark price; None where the exchange names none.
    """

    tick: Decimal
    step: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    min_notional: Decimal
    min_steps: int
    max_steps: int
    band: tuple[Decimal, Decimal] | None = None


class Filters(_Rules):
    """One symbol's rules, and what every plan of the symbol makes of them.

    What is kept here belongs to this object: filters that are equal in value may be written differently, as
    0.1 and 0.10 are, and must not share their text.
    """

    def plans_like(self, other: Filters) -> bool:
        """Tell whether every intent is planned the same by other rules; the band plays no part in it."""
        return self[:-1] == other[:-1]

    @cached_property
    def grid(self) -> Grid:
        """The symbol's ticks and steps as whole numbers."""
        return grid_of(self.tick, self.step, self.min_notional, self.min_steps)

    @cached_property
    def shown(self) -> str:
        """The rules as members of the JSON object that a decision shows."""
        return (
            f'"tick":{number(self.tick)},"step":{number(self.step)},'
            f'"min_notional":{number(self.min_notional)},"min_qty":{number(self.min_quantity)}'
        )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The rules of every known symbol, and a name that says which file they came from."""

    source: str
    symbols: Mapping[str, Filters]


def load(path: Path = SNAPSHOT) -> Snapshot:
    """Read a snapshot in the exchange's own format. Raises RefusedError when it cannot be used."""
    try:
        content = path.read_bytes()
        symbols = {symbol["symbol"]: parse(symbol["filters"]) for symbol in json.loads(content)["symbols"]}
    except (OSError, ValueError, KeyError, TypeError, InvalidOperation) as error:
        raise RefusedError(
            f"The filters in {path} cannot be used: {error!r}.",
            "TRADE_INTENT_FILTERS_FILE must name a saved exchangeInfo answer; leave it out for the built-in.",
        ) from error
    return Snapshot(f"{path.name}@{hashlib.sha256(content).hexdigest()[:12]}", symbols)


def parse(rules: list[Mapping[str, Any]]) -> Filters:
    """Read the exchange's own list of a symbol's rules. Raises KeyError, ValueError or InvalidOperation."""
    named = {rule["filterType"]: rule for rule in rules}
    lot = named.get("MARKET_LOT_SIZE", named["LOT_SIZE"])
    tick, step = Decimal(named["PRICE_FILTER"]["tickSize"]), Decimal(named["LOT_SIZE"]["stepSize"])
    least, most = Decimal(named["LOT_SIZE"]["minQty"]), Decimal(lot["maxQty"])
    notional = Decimal(named["MIN_NOTIONAL"]["notional"])
    if not all(rule.is_finite() and rule > 0 for rule in (tick, step, least, most, notional)):
        raise ValueError(f"a filter is not above 0: {rules}")
    least_steps, most_steps = math.ceil(least / step), int(most // step)
    return Filters(tick, step, least, most, notional, least_steps, most_steps, _band(named))


def _band(named: Mapping[str, Mapping[str, Any]]) -> tuple[Decimal, Decimal] | None:
    band = named.get("PERCENT_PRICE")
    return (Decimal(band["multiplierDown"]), Decimal(band["multiplierUp"])) if band else None
