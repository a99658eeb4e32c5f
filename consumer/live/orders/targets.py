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

    from consumer.intents.plan import Leg
    from consumer.live.journal import IntentRow, OrderRow
    from consumer.live.orders.sender import OrderSender


class TargetLegs:
    """The take profits of one intent's position."""

    def __init__(self, sender: OrderSender, intent: IntentRow) -> None:
        self._sender = sender
        self._intent = intent
        self._plan = intent.planned.plan

    async def place(self, executed: Decimal, average: Decimal) -> None:
        """Send those that were not sent yet. One that fails is written down and left at that."""
        for leg in self._plan.legs(executed, average):
            letter = ids.TARGETS[leg.target]
            rows = self._sender.rows(self._intent, (letter,))
            if not rows or rows[-1].state in (State.PREPARED, State.GONE):
                await self._place_one(leg, rows)
            if letter == ids.TARGETS[0]:
                point("after_target_1")
        point("after_targets")

    async def _place_one(self, leg: Leg, rows: list[OrderRow]) -> None:
        if rows and rows[-1].state is State.PREPARED:
            row = rows[-1]
        else:
            request = self._request(leg, next_attempt(rows))
            row = self._sender.prepare(self._intent, ids.TARGETS[leg.target], request)
        try:
            await self._sender.send(row)
        except errors.OutcomeError:
            return  # it is certainly not there, stays prepared, and is sent at the next look at the position

    def _request(self, leg: Leg, attempt: int) -> LimitOrder:
        return LimitOrder(
            symbol=self._plan.symbol,
            client_id=self._sender.client_id(self._intent, ids.TARGETS[leg.target], attempt),
            side=self._plan.exit_side,
            position_side=self._plan.position_side,
            quantity=leg.quantity,
            price=leg.price,
            reduce_only=not self._plan.is_hedged,
        )
