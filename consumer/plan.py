"""The orders that an intent would become: entry, stop and targets, and where each number came from."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from consumer.describe import number, text
from consumer.gates import risk
from consumer.levels import Levels, levels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.filters import Filters, Snapshot
    from consumer.wire import Intent

DRAINED = "skipped_drain"
_ZERO, _ONE = Decimal(0), Decimal(1)
_MEDIUM_CONFIDENCE = Decimal("0.5")
_NOT_EVALUATED = json.dumps(risk.NEEDS_ACCOUNT, separators=(",", ":"))
_NO_ORDERS = '"entry":null,"stop_loss":null,"take_profits":[]'


class Planned(NamedTuple):
    """What planning came to: status and reason, if no earlier gate objects, and the plan's JSON."""

    status: str
    reason: str
    body: str


class Leg(NamedTuple):
    """One target: its price, and how much of the position it closes."""

    price: Decimal
    quantity: Decimal


class Exit(NamedTuple):
    """The distances for one combination of inputs, what is wrong with them, and both as JSON."""

    levels: Levels
    fault: str
    body: str


class Planner:
    """Plans with what a rehearsal knows: filters, one leverage and, perhaps, a reference balance."""

    def __init__(self, snapshot: Snapshot, leverage: Decimal, balance: Decimal | None) -> None:
        self._filters = snapshot.symbols
        self._leverage = leverage
        self._balance = balance
        self._filters_json = {
            name: _filters_json(snapshot.source, one) for name, one in self._filters.items()
        }
        self._leverage_json = f'"leverage":{{"value":{number(leverage)},"source":"LEVERAGE"}}'

    def plan(self, intent: Intent) -> Planned:
        """Plan an intent that asks for an order."""
        if intent.direction == "close":
            return Planned(DRAINED, "PLAN_INCOMPLETE:position", f'"not_evaluated":{_NOT_EVALUATED}')
        found = exits(
            self._leverage,
            intent.volatility_factor,
            intent.funding_rate,
            intent.exchange_divergence,
            intent.confidence,
        )
        price, filters = intent.entry_price, self._filters.get(intent.symbol)
        missing = self._missing(intent)
        if found.fault or missing or price is None or filters is None:
            status, reason = (
                (risk.STATUS, found.fault) if found.fault else (DRAINED, f"PLAN_INCOMPLETE:{missing}")
            )
            return Planned(status, reason, self._body(intent, found, _NO_ORDERS))
        return self._orders(intent, price, filters, found)

    def _missing(self, intent: Intent) -> str:
        wanting = {
            "price": intent.entry_price is None or intent.entry_price <= _ZERO,
            "filters": intent.symbol not in self._filters,
            "balance": intent.position_size_usd is None and self._balance is None,
        }
        return ",".join(name for name, is_missing in wanting.items() if is_missing)

    def _orders(self, intent: Intent, price: Decimal, filters: Filters, found: Exit) -> Planned:
        is_long = intent.direction == "long"
        stop, targets = triggers(price, found.levels, filters.tick, is_long=is_long)
        fault = risk.trigger_fault(price, stop, targets, is_long=is_long)
        if not fault:
            size = intent.position_size_usd or (self._balance or _ZERO) * (intent.size_pct or _ZERO)
            quantity = quantity_of(size, price, filters.step)
            fault = risk.size_fault(quantity, price, filters)
        if fault:
            return Planned(risk.STATUS, fault, self._body(intent, found, _NO_ORDERS))
        legs = split(quantity, targets, found.levels.harvest, filters)
        orders = _orders_json("BUY" if is_long else "SELL", quantity, stop, legs)
        return Planned(DRAINED, "DRAIN", self._body(intent, found, orders))

    def _body(self, intent: Intent, found: Exit, orders: str) -> str:
        price, balance = "null", "null"
        if intent.entry_price is not None:
            price = f'{{"value":{number(intent.entry_price)},"source":"entry_price"}}'
        if intent.position_size_usd is None and self._balance is not None:
            balance = f'{{"value":{number(self._balance)},"source":"REFERENCE_BALANCE_USD"}}'
        return (
            f'"price":{price},"filters":{self._filters_json.get(intent.symbol, "null")},"balance":{balance},'
            f'{self._leverage_json},{found.body},{orders},"not_evaluated":{_NOT_EVALUATED}'
        )


@lru_cache(maxsize=4096)
def exits(
    leverage: Decimal,
    volatility: Decimal | None,
    funding: Decimal | None,
    divergence: Decimal | None,
    confidence: Decimal | None,
) -> Exit:
    """Return the distances for these inputs; a missing one counts as 0, a missing confidence as 0.5."""
    found = levels(
        float(leverage),
        float(volatility or 0),
        float(funding or 0),
        float(divergence or 0),
        float(_MEDIUM_CONFIDENCE if confidence is None else confidence),
    )
    return Exit(found, risk.levels_fault(found, leverage), _levels_json(found))


def split(
    quantity: Decimal, targets: Sequence[Decimal], shares: Sequence[Decimal], filters: Filters
) -> list[Leg]:
    """Divide a position among its targets by their shares, in whole steps, with nothing left over.

    A leg that the exchange would find too small is merged with the next, at the price nearer to the entry; a
    last one that is too small goes to the leg before it.
    """
    legs: list[Leg] = []
    given, share, price = _ZERO, _ZERO, None
    for target, part in zip(targets, shares, strict=True):
        price = price or target
        share += part
        wanted = quantity * share // filters.step * filters.step - given
        if wanted >= filters.min_quantity and wanted * price >= filters.min_notional:
            legs.append(Leg(price, wanted))
            given, price = given + wanted, None
    rest = quantity - given
    if rest and legs:
        legs[-1] = Leg(legs[-1].price, legs[-1].quantity + rest)
    elif rest:
        legs.append(Leg(targets[0], rest))
    return legs


def triggers(
    price: Decimal, distances: Levels, tick: Decimal, *, is_long: bool
) -> tuple[Decimal, list[Decimal]]:
    """Return the stop's and the three targets' prices, each rounded to the tick towards the entry."""
    ahead = (distances.tp1, distances.tp2, distances.tp3)
    if is_long:
        targets = [to_tick(price * (_ONE + distance), tick, up=False) for distance in ahead]
        return to_tick(price * (_ONE - distances.sl), tick, up=True), targets
    targets = [to_tick(price * (_ONE - distance), tick, up=True) for distance in ahead]
    return to_tick(price * (_ONE + distances.sl), tick, up=False), targets


def quantity_of(size_usd: Decimal, price: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of `step` whose value at `price` is not above `size_usd`."""
    return size_usd // (price * step) * step


def to_tick(price: Decimal, tick: Decimal, *, up: bool) -> Decimal:
    """Return the nearest multiple of `tick` that is not below the price (`up`), or not above it."""
    below = price // tick * tick
    return below + tick if up and below != price else below


def _orders_json(side: str, quantity: Decimal, stop: Decimal, legs: Sequence[Leg]) -> str:
    targets = ",".join(f'{{"price":{number(leg.price)},"quantity":{number(leg.quantity)}}}' for leg in legs)
    return (
        f'"entry":{{"side":"{side}","type":"MARKET","quantity":{number(quantity)}}},'
        f'"stop_loss":{{"trigger_price":{number(stop)}}},"take_profits":[{targets}]'
    )


def _filters_json(source: str, filters: Filters) -> str:
    return (
        f'{{"source":{text(source)},"tick":{number(filters.tick)},"step":{number(filters.step)},'
        f'"min_notional":{number(filters.min_notional)},"min_qty":{number(filters.min_quantity)}}}'
    )


def _levels_json(found: Levels) -> str:
    harvest = ",".join(number(share) for share in found.harvest)
    return (
        f'"levels":{{"lsf":{number(found.lsf)},"tp1":{number(found.tp1)},"tp2":{number(found.tp2)},'
        f'"tp3":{number(found.tp3)},"sl":{number(found.sl)},"adjustment":{number(found.adjustment)},'
        f'"harvest":[{harvest}]}}'
    )
