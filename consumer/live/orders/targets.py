"""The take profits: resting orders that only make the position smaller. The stop never depends on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.live.exchange import errors
from consumer.live.exchange.port import LimitOrder
from consumer.live.failpoints import point
from consumer.live.journal import State
from consumer.live.orders import ids
from consumer.live.orders.sender import next_attempt

if TYPE_CHECKING:
    from decimal import Decimal

    from consumer.intents.plan import Leg, Plan
    from consumer.live.journal import IntentRow, OrderRow
    from consumer.live.orders.sender import OrderSender


async def place(
    sender: OrderSender, intent: IntentRow, plan: Plan, executed: Decimal, average: Decimal
) -> None:
    """Send the take profits that were not sent yet. One that fails is written down and left at that."""
    for leg in plan.legs(executed, average):
        letter = ids.TARGETS[leg.target]
        rows = sender.rows(intent, (letter,))
        if not rows or rows[-1].state in (State.PREPARED, State.GONE):
            await _place_one(sender, intent, plan, leg, rows)
        if letter == ids.TARGETS[0]:
            point("after_target_1")
    point("after_targets")


async def _place_one(
    sender: OrderSender, intent: IntentRow, plan: Plan, leg: Leg, rows: list[OrderRow]
) -> None:
    row = rows[-1] if rows and rows[-1].state is State.PREPARED else None
    letter = ids.TARGETS[leg.target]
    row = row or sender.prepare(intent, letter, _request(sender, intent, plan, leg, next_attempt(rows)))
    try:
        await sender.send(row)
    except errors.OutcomeError:
        return  # it is certainly not there, stays prepared, and is sent when the position is next looked at


def _request(sender: OrderSender, intent: IntentRow, plan: Plan, leg: Leg, number: int) -> LimitOrder:
    return LimitOrder(
        symbol=plan.symbol,
        client_id=sender.client_id(intent, ids.TARGETS[leg.target], number),
        side=plan.exit_side,
        position_side=plan.position_side,
        quantity=leg.quantity,
        price=leg.price,
        reduce_only=not plan.is_hedged,
    )
