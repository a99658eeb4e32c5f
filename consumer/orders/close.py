"""Closing a position: at once when it cannot have its stop, or because an intent asks for it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from consumer.journal import State
from consumer.orders import ids, outcome, resolve
from consumer.orders.desk import next_attempt
from consumer.ports import MarketOrder

if TYPE_CHECKING:
    from consumer.journal import IntentRow, OrderRow
    from consumer.orders.desk import Desk
    from consumer.ports import Position

GIVE_UP_S = 60.0
#: How long to ask about an exit without an answer before the next one is sent; it can only close, never turn.
DOUBT_S = 0.5
#: For so long a position may still show after its exit was filled.
LAG_S = 5.0
_PAUSE_S = 0.1
_ZERO = Decimal(0)


class Closing(NamedTuple):
    """A position to be closed: which, by what side, and how much of it is known to be there."""

    symbol: str
    side: str
    position_side: str
    quantity: Decimal


async def empty(desk: Desk, intent: IntentRow, closing: Closing) -> None:
    """Close a position at market until the exchange shows it gone, however many attempts it takes.

    Each can only make it smaller, so the next need not wait for what became of the one before. Raises
    StillUnknownError after a minute.
    """
    give_up_at = desk.clock.monotonic() + GIVE_UP_S
    while desk.clock.monotonic() < give_up_at:
        try:
            if await _advance(desk, intent, closing):
                left = await _left(desk, closing)
                if left is None:
                    return
                closed = sum((row.executed or _ZERO for row in desk.rows(intent, (ids.EXIT,))), _ZERO)
                closing = closing._replace(quantity=closed + abs(left.amount))
        except outcome.OutcomeError:
            pass
        await desk.clock.sleep(_PAUSE_S)
    raise resolve.StillUnknownError(f"the exit of {closing.symbol}")


async def _left(desk: Desk, closing: Closing) -> Position | None:
    """Return what is left of a position that was closed, once that cannot be the lag of an answer."""
    give_up_at = desk.clock.monotonic() + LAG_S
    while True:
        position = await held(desk, closing)
        if position is None or desk.clock.monotonic() > give_up_at:
            return position
        await desk.clock.sleep(_PAUSE_S)


async def held(desk: Desk, closing: Closing) -> Position | None:
    """Return the position that would be closed, if it is there."""
    for position in await desk.exchange.positions(closing.symbol):
        is_long = position.amount > 0
        if position.side == closing.position_side and is_long == (closing.side == "SELL"):
            return position
    return None


async def cancel_targets(desk: Desk, symbol: str, position_side: str) -> None:
    """Cancel our resting take profits of a position."""
    for order in await desk.exchange.open_orders(symbol):
        own = ids.own(order.client_id)
        if own and own.leg in ids.TARGETS and order.position_side == position_side:
            await _cancelled(desk, symbol, order.client_id, is_algo=False)


async def cancel_stops(desk: Desk, symbol: str, position_side: str) -> None:
    """Cancel our waiting stops of a position; only once it is flat."""
    for algo in await desk.exchange.open_algos(symbol):
        if ids.own(algo.client_id) and algo.position_side == position_side:
            await _cancelled(desk, symbol, algo.client_id, is_algo=True)


async def _cancelled(desk: Desk, symbol: str, client_id: str, *, is_algo: bool) -> None:
    try:
        if is_algo:
            await desk.exchange.cancel_algo(symbol, client_id)
        else:
            await desk.exchange.cancel(symbol, client_id)
    except outcome.OutcomeError:
        pass  # it may be filled, or gone, or cancelled all the same: the question that follows tells
    row = desk.journal.order(client_id)
    if row:
        await resolve.ask(desk, row)


async def _advance(desk: Desk, intent: IntentRow, closing: Closing) -> bool:
    """Take one step; True once as much was closed as there was, or nothing is left."""
    rows = desk.rows(intent, (ids.EXIT,))
    left = closing.quantity - sum((row.executed or _ZERO for row in rows), _ZERO)
    if left <= _ZERO:
        return True
    last = rows[-1] if rows else None
    if last and last.state in (State.SENT, State.UNKNOWN, State.ACCEPTED):
        found = await resolve.ask(desk, last)
        too_soon = desk.clock.now_ms() - (last.sent_at_ms or 0) < DOUBT_S * 1000
        if (found and found.state is not State.ACCEPTED) or too_soon:
            return False
    if last and last.state in (State.REFUSED, State.EXPIRED):
        position = await held(desk, closing)
        if position is None:
            return True
        # What rests may already cover the position, and hedge mode refuses to close more than there is.
        await cancel_targets(desk, closing.symbol, closing.position_side)
        left = min(left, abs(position.amount))
    await desk.send(_prepared(desk, intent, closing, left, rows))
    return False


def _prepared(
    desk: Desk, intent: IntentRow, closing: Closing, left: Decimal, rows: list[OrderRow]
) -> OrderRow:
    if rows and rows[-1].state is State.PREPARED:
        return rows[-1]
    request = MarketOrder(
        symbol=closing.symbol,
        client_id=desk.client_id(intent, ids.EXIT, next_attempt(rows)),
        side=closing.side,
        position_side=closing.position_side,
        quantity=left,
        reduce_only=closing.position_side == "BOTH",
    )
    return desk.prepare(intent, ids.EXIT, request)
