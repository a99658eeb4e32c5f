"""A position whose journal fails still gets its stop, or is closed: without it, and under ids that say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.orders import ids, outcome, stop
from consumer.orders.quantity import plan_of
from consumer.ports import MarketOrder

if TYPE_CHECKING:
    from decimal import Decimal

    from consumer.journal import IntentRow
    from consumer.orders.desk import Desk
    from consumer.orders.quantity import Plan
    from consumer.ports import OrderState

WITHIN_S = 30.0
_PAUSE_S = 0.2


async def protect(desk: Desk, intent: IntentRow) -> None:
    """Protect what an intent may have entered, as far as the exchange can be reached."""
    if intent.direction == "close":
        return
    plan = plan_of(intent)
    give_up_at = desk.clock.monotonic() + WITHIN_S
    while desk.clock.monotonic() < give_up_at:
        try:
            entry = await desk.exchange.order(plan.symbol, desk.client_id(intent, ids.ENTRY, 0))
            if entry is None or not entry.executed or await _protected(desk, intent, plan, entry):
                return
        except outcome.OutcomeError:
            pass
        await desk.clock.sleep(_PAUSE_S)


async def _protected(desk: Desk, intent: IntentRow, plan: Plan, entry: OrderState) -> bool:
    waiting = await desk.exchange.open_algos(plan.symbol)
    if any(ids.own(one.client_id) and one.position_side == plan.position_side for one in waiting):
        return True
    average = entry.average_price or plan.price
    try:
        await desk.exchange.place_stop(stop.request(desk, intent, plan, average, ids.MAX_ATTEMPT))
    except outcome.RefusedError:
        await desk.exchange.place(_exit(desk, intent, plan, entry.executed))
        return True
    return False  # the next look finds it


def _exit(desk: Desk, intent: IntentRow, plan: Plan, quantity: Decimal) -> MarketOrder:
    return MarketOrder(
        symbol=plan.symbol,
        client_id=desk.client_id(intent, ids.EXIT, ids.MAX_ATTEMPT),
        side=plan.exit_side,
        position_side=plan.position_side,
        quantity=quantity,
        reduce_only=not plan.is_hedged,
    )
