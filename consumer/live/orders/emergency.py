"""A position whose journal fails still gets its stop, or is closed: without it, and under ids that say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.live.exchange import errors
from consumer.live.exchange.port import MarketOrder
from consumer.live.orders import ids
from consumer.live.orders.stop import StopLeg

if TYPE_CHECKING:
    from decimal import Decimal

    from consumer.intents.plan import Plan
    from consumer.live.exchange.port import OrderState
    from consumer.live.journal import IntentRow
    from consumer.live.orders.sender import OrderSender

WITHIN_S = 30.0
_PAUSE_S = 0.2


async def protect(sender: OrderSender, intent: IntentRow) -> None:
    """Protect what an intent may have entered, as far as the exchange can be reached."""
    if intent.direction == "close":
        return
    plan = intent.planned.plan
    give_up_at = sender.clock.monotonic() + WITHIN_S
    while sender.clock.monotonic() < give_up_at:
        try:
            entry = await sender.exchange.order(plan.symbol, sender.client_id(intent, ids.ENTRY, 0))
            if entry is None or not entry.executed or await _protected(sender, intent, plan, entry):
                return
        except errors.OutcomeError:
            pass
        await sender.clock.sleep(_PAUSE_S)


async def _protected(sender: OrderSender, intent: IntentRow, plan: Plan, entry: OrderState) -> bool:
    waiting = await sender.exchange.open_algos(plan.symbol)
    if any(ids.own(algo.client_id) and algo.position_side == plan.position_side for algo in waiting):
        return True
    average = entry.average_price or plan.price
    try:
        await sender.exchange.place_stop(StopLeg(sender, intent).request(average, ids.MAX_ATTEMPT))
    except errors.RefusedError:
        await sender.exchange.place(_exit(sender, intent, plan, entry.executed))
        return True
    return False  # the next look finds it


def _exit(sender: OrderSender, intent: IntentRow, plan: Plan, quantity: Decimal) -> MarketOrder:
    return MarketOrder(
        symbol=plan.symbol,
        client_id=sender.client_id(intent, ids.EXIT, ids.MAX_ATTEMPT),
        side=plan.exit_side,
        position_side=plan.position_side,
        quantity=quantity,
        reduce_only=not plan.is_hedged,
    )
