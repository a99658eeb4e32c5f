"""The orders that an intent would become: entry, stop and targets, and where each number came from."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from consumer.intents import risk
from consumer.intents.allowance import Allowance
from consumer.intents.describe import number, text
from consumer.intents.levels import Levels, levels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from consumer.intents.filters import Filters, Snapshot
    from consumer.intents.wire import Intent

DRAINED = "skipped_drain"
_ZERO, _ONE = Decimal(0), Decimal(1)
#: Below it, an intent's own confidence tightens its levels; a missing one counts as this much.
MEDIUM_CONFIDENCE = Decimal("0.5")
_NOT_EVALUATED = json.dumps(risk.NEEDS_ACCOUNT, separators=(",", ":"))
_NO_ORDERS = '"entry":null,"stop_loss":null,"take_profits":[]'


class Planned(NamedTuple):
    """What planning came to: status and reason, if no earlier gate objects, and the plan's JSON."""

    status: str
    reason: str
    body: str


class Planner:
    """Plans with what a rehearsal knows: filters, leverage and, perhaps, limits and a reference balance."""

    def __init__(
        self,
        snapshot: Snapshot,
        leverage: Decimal,
        balance: Decimal | None,
        allowances: Mapping[str, Allowance] | None = None,
    ) -> None:
        """Plan with one leverage for all symbols or, where limits were signed off, only what they allow."""
        self._filters = snapshot.symbols
        self._otherwise = Allowance(leverage) if allowances is None else None
        self._allowances = allowances or {}
        self._balance = balance
        self._filters_json = {
            name: _filters_json(snapshot.source, one) for name, one in self._filters.items()
        }

    def plan(self, intent: Intent) -> Planned:
        """Plan an intent that asks for an order."""
        if intent.direction == "close":
            return Planned(DRAINED, "PLAN_INCOMPLETE:position", f'"not_evaluated":{_NOT_EVALUATED}')
        allowance = self._allowances.get(intent.symbol, self._otherwise)
        if allowance is None:
            fault = f"RISK_SYMBOL_NOT_ALLOWED:{intent.symbol} is not in the limits file"
            return Planned(risk.STATUS, fault, f'"not_evaluated":{_NOT_EVALUATED}')
        found = levels(
            allowance.leverage,
            intent.volatility_factor,
            intent.funding_rate,
            intent.exchange_divergence,
            is_doubtful=intent.confidence is not None and intent.confidence < MEDIUM_CONFIDENCE,
        )
        fault = risk.levels_fault(found, allowance.leverage)
        if fault:
            return Planned(risk.STATUS, fault, self._body(intent, allowance, found, _NO_ORDERS))
        price, filters, size = intent.entry_price, self._filters.get(intent.symbol), self._size_usd(intent)
        if price is None or price <= _ZERO or filters is None or size is None:
            known = {"price": price is not None and price > _ZERO, "filters": filters, "balance": size}
            missing = ",".join(name for name, is_known in known.items() if not is_known)
            body = self._body(intent, allowance, found, _NO_ORDERS)
            return Planned(DRAINED, f"PLAN_INCOMPLETE:{missing}", body)
        fault, orders = _orders(intent.direction == "long", size, price, filters, found, allowance=allowance)
        status, reason = (risk.STATUS, fault) if fault else (DRAINED, "DRAIN")
        return Planned(status, reason, self._body(intent, allowance, found, orders))

    def _size_usd(self, intent: Intent) -> Decimal | None:
        if intent.position_size_usd is not None:
            return intent.position_size_usd
        if intent.size_pct is None or self._balance is None:
            return None
        return intent.size_pct * self._balance

    def _body(self, intent: Intent, allowance: Allowance, found: Levels, orders: str) -> str:
        price, balance = "null", "null"
        if intent.entry_price is not None:
            price = f'{{"value":{number(intent.entry_price)},"source":"entry_price"}}'
        if intent.position_size_usd is None and self._balance is not None:
            balance = f'{{"value":{number(self._balance)},"source":"REFERENCE_BALANCE_USD"}}'
        return (
            f'"price":{price},"filters":{self._filters_json.get(intent.symbol, "null")},"balance":{balance},'
            f'{allowance.leverage_json},{_levels_json(found)},{orders},"not_evaluated":{_NOT_EVALUATED}'
        )


def split(steps: int, shares: Sequence[Decimal], least: int) -> list[tuple[int, int]]:
    """Divide a position among the targets: (which target, how many steps), with nothing left over.

    A leg of fewer steps than `least` is merged with the next, at the target nearer to the entry; a last one
    that is too small goes to the leg before it.
    """
    legs: list[tuple[int, int]] = []
    given, share, nearest = 0, _ZERO, 0
    for which, part in enumerate(shares):
        share += part
        wanted = int(steps * share) - given
        if wanted >= least:
            legs.append((nearest, wanted))
            given, nearest = given + wanted, which + 1
    if given < steps:
        which, wanted = legs.pop() if legs else (0, 0)
        legs.append((which, wanted + steps - given))
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


def to_tick(price: Decimal, tick: Decimal, *, up: bool) -> Decimal:
    """Return the nearest multiple of `tick` that is not below the price (`up`), or not above it."""
    below = price // tick * tick
    return below + tick if up and below != price else below


def _orders(
    is_long: bool, size: Decimal, price: Decimal, filters: Filters, distances: Levels, *, allowance: Allowance
) -> tuple[str, str]:
    """Return what forbids the orders, if anything does, and the orders as JSON."""
    stop, targets = triggers(price, distances, filters.tick, is_long=is_long)
    step_usd = price * filters.step
    fault = risk.trigger_fault(price, stop, targets[0], targets[2], is_long=is_long)
    # Whole steps, never one more: what is left of the size stays unused.
    steps = 0 if fault else int(size // step_usd)
    fault = fault or risk.size_fault(steps, step_usd, filters) or allowance.fault(steps * step_usd, size)
    if fault:
        return fault, _NO_ORDERS
    least = risk.least_steps(min(price, targets[2]) * filters.step, filters)
    step = filters.step
    legs = ",".join(
        [
            f'{{"price":{number(targets[which])},"quantity":{number(count * step)}}}'
            for which, count in split(steps, distances.harvest, least)
        ]
    )
    side = "BUY" if is_long else "SELL"
    return "", (
        f'"entry":{{"side":"{side}","type":"MARKET","quantity":{number(steps * step)}}},'
        f'"stop_loss":{{"trigger_price":{number(stop)}}},"take_profits":[{legs}]'
    )


def _filters_json(source: str, filters: Filters) -> str:
    return (
        f'{{"source":{text(source)},"tick":{number(filters.tick)},"step":{number(filters.step)},'
        f'"min_notional":{number(filters.min_notional)},"min_qty":{number(filters.min_quantity)}}}'
    )


def _levels_json(found: Levels) -> str:
    first, second, third = found.harvest
    return (
        f'"levels":{{"lsf":"{found.lsf!s}","tp1":"{found.tp1!s}","tp2":"{found.tp2!s}","tp3":"{found.tp3!s}",'
        f'"sl":"{found.sl!s}","adjustment":"{found.adjustment!s}",'
        f'"harvest":["{first!s}","{second!s}","{third!s}"]}}'
    )
