"""Closing a position: at once when it cannot have its stop, or because an intent asks for it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from consumer.live.exchange import errors
from consumer.live.exchange.port import MarketOrder
from consumer.live.journal import State
from consumer.live.orders import ids, resolve
from consumer.live.orders.sender import next_attempt

if TYPE_CHECKING:
    from consumer.live.exchange.port import Position
    from consumer.live.journal import IntentRow, OrderRow
    from consumer.live.journal.journaled_plan import Closing
    from consumer.live.orders.sender import OrderSender

GIVE_UP_S = 60.0
#: How long to ask about an exit without an answer before the next one is sent; it can only close, never turn.
DOUBT_S = 0.5
#: For so long a position may still show after its exit was filled.
LAG_S = 5.0
_PAUSE_S = 0.1
_ZERO = Decimal(0)


async def empty(sender: OrderSender, intent: IntentRow, closing: Closing) -> None:
    """Close a position at market until the exchange shows it gone, however many attempts it takes.

    Each can only make it smaller, so the next need not wait for what became of the one before. Raises
    StillUnknownError after a minute.
    """
    give_up_at = sender.clock.monotonic() + GIVE_UP_S
    while sender.clock.monotonic() < give_up_at:
        try:
            if await _advance(sender, intent, closing):
                left = await _left(sender, closing)
                if left is None:
                    return
                closed = sum((row.executed or _ZERO for row in sender.rows(intent, (ids.EXIT,))), _ZERO)
                closing = closing._replace(quantity=closed + abs(left.amount))
        except errors.OutcomeError:
            pass
        await sender.clock.sleep(_PAUSE_S)
    raise resolve.StillUnknownError(f"the exit of {closing.symbol}")


async def _left(sender: OrderSender, closing: Closing) -> Position | None:
    """Return what is left of a position that was closed, once that cannot be the lag of an answer."""
    give_up_at = sender.clock.monotonic() + LAG_S
    while True:
        position = await held(sender, closing)
        if position is None or sender.clock.monotonic() > give_up_at:
            return position
        await sender.clock.sleep(_PAUSE_S)


async def held(sender: OrderSender, closing: Closing) -> Position | None:
    """Return the position that would be closed, if it is there."""
    for position in await sender.exchange.positions(closing.symbol):
        is_long = position.amount > 0
        if position.side == closing.position_side and is_long == (closing.side == "SELL"):
            return position
    return None


async def cancel_targets(sender: OrderSender, symbol: str, position_side: str) -> None:
    """Cancel our resting take profits of a position."""
    for order in await sender.exchange.open_orders(symbol):
        own = ids.own(order.client_id)
        if own and own.leg in ids.TARGETS and order.position_side == position_side:
            await _cancelled(sender, symbol, order.client_id, is_algo=False)


async def cancel_stops(sender: OrderSender, symbol: str, position_side: str) -> None:
    """Cancel our waiting stops of a position; only once it is flat."""
    for algo in await sender.exchange.open_algos(symbol):
        if ids.own(algo.client_id) and algo.position_side == position_side:
            await _cancelled(sender, symbol, algo.client_id, is_algo=True)


async def _cancelled(sender: OrderSender, symbol: str, client_id: str, *, is_algo: bool) -> None:
    try:
        if is_algo:
            await sender.exchange.cancel_algo(symbol, client_id)
        else:
            await sender.exchange.cancel(symbol, client_id)
    except errors.OutcomeError:
        pass  # it may be filled, or gone, or cancelled all the same: the question that follows tells
    row = sender.journal.order(client_id)
    if row:
        await resolve.ask(sender, row)


async def _advance(sender: OrderSender, intent: IntentRow, closing: Closing) -> bool:
    """Take one step; True once as much was closed as there was, or nothing is left."""
    rows = sender.rows(intent, (ids.EXIT,))
    left = closing.quantity - sum((row.executed or _ZERO for row in rows), _ZERO)
    if left <= _ZERO:
        return True
    last = rows[-1] if rows else None
    if last and last.state in (State.SENT, State.UNKNOWN, State.ACCEPTED):
        asked = await resolve.ask(sender, last)
        too_soon = sender.clock.now_ms() - (last.sent_at_ms or 0) < DOUBT_S * 1000
        if (asked and asked.state is not State.ACCEPTED) or too_soon:
            return False
    if last and last.state in (State.REFUSED, State.EXPIRED):
        position = await held(sender, closing)
        if position is None:
            return True
        # What rests may already cover the position, and hedge mode refuses to close more than there is.
        await cancel_targets(sender, closing.symbol, closing.position_side)
        left = min(left, abs(position.amount))
    await sender.send(_prepared(sender, intent, closing, left, rows))
    return False


def _prepared(
    sender: OrderSender, intent: IntentRow, closing: Closing, left: Decimal, rows: list[OrderRow]
) -> OrderRow:
    if rows and rows[-1].state is State.PREPARED:
        return rows[-1]
    request = MarketOrder(
        symbol=closing.symbol,
        client_id=sender.client_id(intent, ids.EXIT, next_attempt(rows)),
        side=closing.side,
        position_side=closing.position_side,
        quantity=left,
        reduce_only=closing.position_side == "BOTH",
    )
    return sender.prepare(intent, ids.EXIT, request)
