"""Positions that nobody here entered: a person's hand, another program, a liquidation, while we run.

What an exchange lists may lag behind what it does, so a position must be strange for a while to count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from consumer.intents.plan import triggers
from consumer.live.exchange.door import urgent
from consumer.live.exchange.port import StopOrder
from consumer.live.journal import OrderPhase
from consumer.live.journal.journaled_plan import Closing
from consumer.live.orders import forgotten, ids
from consumer.live.orders.close import ExitLeg
from consumer.live.orders.sender import next_attempt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from consumer.live.exchange.port import Position
    from consumer.live.journal import IntentRow, OrderRow
    from consumer.live.orders.sender import OrderSender
    from consumer.live.risk.account_picture import AccountPicture

#: How often, in seconds, to look, and for how long a position must be strange: longer than any list lags.
EVERY_S, LAG_S = 2.0, 4.5
_CLOSING_SIDE = {True: "SELL", False: "BUY"}
#: An entry in one of these has come to nothing, and holds nothing.
_CAME_TO_NOTHING = (
    OrderPhase.CANCELED, OrderPhase.EXPIRED, OrderPhase.REFUSED, OrderPhase.GONE, OrderPhase.PREPARED,
)  # fmt: skip # a table, or a call that is read as one


class Sight(NamedTuple):
    """What one look showed: whether any position changed, and which were strange for too long, and why."""

    changed: bool
    strange: list[tuple[str, Position]]


class PositionWatch:
    """Looks for positions that no intent accounts for; one that was turned from ours gets its stop, too."""

    def __init__(self, sender: OrderSender, picture: AccountPicture) -> None:
        self._sender = sender
        self._picture = picture
        self._strange_since: dict[tuple[str, str, str], float] = {}
        self._amounts: dict[tuple[str, str], Decimal] = {}

    async def look(self) -> Sight:
        """Look once. Raises an OutcomeError without an answer."""
        seen = await self._picture.positions(within_s=0.0)
        before, self._amounts = (
            self._amounts,
            {(position.symbol, position.side): position.amount for position in seen},
        )
        return Sight(self._amounts != before, self._strange(seen))

    def _strange(self, seen: Sequence[Position]) -> list[tuple[str, Position]]:
        now = self._sender.clock.monotonic()
        strange = {
            (position.symbol, position.side, why): position
            for position in seen
            if (why := self._why_strange(position))
        }
        self._strange_since = {key: self._strange_since.get(key, now) for key in strange}
        return [
            (key[-1], position)
            for key, position in strange.items()
            if now - self._strange_since[key] >= LAG_S
        ]

    def _why_strange(self, position: Position) -> str:
        named = f"position {position.amount:f} {position.symbol} {position.side}"
        entries = [
            self._entry(intent)
            for intent in self._opened(position)
            if intent.planned.plan.is_long == (position.amount > 0)
        ]
        holding = [row for row in entries if row and (row.executed or row.state not in _CAME_TO_NOTHING)]
        if not holding:
            return f"not in the journal: {named}"
        entered = sum(row.executed or 0 for row in holding)
        if all(row.state.is_end for row in holding) and abs(position.amount) > entered:
            return f"more than was entered, {entered:f}: {named}"
        return ""

    async def protect(self, position: Position) -> None:
        """Give a position its stop that was turned from one of ours, or that the journal has lost."""
        holders = self._opened(position)
        is_long = position.amount > 0
        if not holders:
            filters = self._sender.rules_of(position.symbol)
            with urgent():
                if filters:
                    await forgotten.protect(self._sender.exchange, position, filters.tick)
            return
        if any(intent.planned.plan.is_long == is_long for intent in holders):
            return
        with urgent():
            for algo in await self._sender.exchange.open_algos(position.symbol):
                if (algo.side, algo.position_side) == (_CLOSING_SIDE[is_long], position.side):
                    return
            await self._stop_or_close(holders[-1], position)

    async def _stop_or_close(self, holder: IntentRow, position: Position) -> None:
        sender, plan, is_long = self._sender, holder.planned.plan, position.amount > 0
        entered = position.entry_price.as_integer_ratio()
        stop, *_ = triggers(plan.grid, entered, plan.levels, is_long=is_long)
        rows = sender.rows(holder, (ids.STOP,))
        client_id = sender.client_id(holder, ids.STOP, next_attempt(rows))
        side = _CLOSING_SIDE[is_long]
        request = StopOrder(position.symbol, client_id, side, position.side, stop * plan.tick)
        sent = await sender.send(await sender.prepare(holder, ids.STOP, request))
        if sent.state is OrderPhase.REFUSED:
            closing = Closing(position.symbol, side, position.side, abs(position.amount))
            await ExitLeg(sender, holder, closing).empty()

    def _opened(self, position: Position) -> Sequence[IntentRow]:
        """Return the open intents of the position's symbol and side that opened something, oldest first."""
        return [
            intent
            for intent in self._sender.journal.open_intents()
            if intent.direction != "close"
            and intent.symbol == position.symbol
            and intent.planned.plan.position_side == position.side
        ]

    def _entry(self, intent: IntentRow) -> OrderRow | None:
        return next(reversed(self._sender.rows(intent, (ids.ENTRY,))), None)
