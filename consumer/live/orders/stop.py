"""The stop loss, which is part of the entry: placed, looked up, and only then believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.live.exchange import errors
from consumer.live.exchange.port import StopOrder
from consumer.live.journal import State
from consumer.live.journal.rows import DOUBTFUL
from consumer.live.orders import ids, resolve
from consumer.live.orders.sender import next_attempt

if TYPE_CHECKING:
    from decimal import Decimal

    from consumer.intents.plan import Plan
    from consumer.live.exchange.port import AlgoState
    from consumer.live.journal import IntentRow, OrderRow
    from consumer.live.orders.sender import OrderSender

#: Seconds within which a stop must be accepted; then the position is closed instead, while 5 s are not over.
PLACE_WITHIN_S = 3.0
#: For so long after its acceptance "not found" means that the answer comes from an older state.
VERIFY_WITHIN_S = 5.0
#: For so long an accepted stop may stay unverified because the exchange answers nothing at all.
SILENCE_S = 60.0
_PAUSE_S = 0.1
_STANDS = (State.ACCEPTED, State.FILLED)


async def protect(sender: OrderSender, intent: IntentRow, plan: Plan, average: Decimal) -> OrderRow | None:
    """Return the verified stop of a position, placed now unless there is one. None: close the position."""
    give_up_at = sender.clock.monotonic() + PLACE_WITHIN_S
    while sender.clock.monotonic() < give_up_at:
        rows = sender.rows(intent, (ids.STOP,))
        standing = next((row for row in rows if row.state in _STANDS), None)
        if standing:
            return await _verified(sender, standing)
        if rows and rows[-1].state is State.REFUSED:
            return None
        try:
            await _advance(sender, intent, plan, average, rows)
        except errors.OutcomeError:
            await sender.clock.sleep(_PAUSE_S)
    return None


async def _advance(
    sender: OrderSender, intent: IntentRow, plan: Plan, average: Decimal, rows: list[OrderRow]
) -> None:
    """Take one step: find the stop that may be there, or send one."""
    row = rows[-1] if rows else None
    if row and row.state in DOUBTFUL and await _found(sender, intent, rows):
        return
    if row is None or row.state is not State.PREPARED:
        row = sender.prepare(intent, ids.STOP, request(sender, intent, plan, average, next_attempt(rows)))
    sent = await sender.send(row)
    if sent.state is State.UNKNOWN:
        await sender.clock.sleep(_PAUSE_S)


async def _found(sender: OrderSender, intent: IntentRow, rows: list[OrderRow]) -> bool:
    """Look for a stop of ours by each id, and among those that wait; one stops all others from existing."""
    for row in rows:
        if row.state in DOUBTFUL and await resolve.ask(sender, row):
            return True
    for waiting in await sender.exchange.open_algos(intent.symbol):
        own = ids.own(waiting.client_id)
        if own and own.leg == ids.STOP and own.stem == ids.stem(intent.origin_id, intent.body_sha256):
            row = sender.journal.order(waiting.client_id) or _adopted(sender, intent, waiting)
            sender.note(row, waiting)
            return True
    return False


def _adopted(sender: OrderSender, intent: IntentRow, algo: AlgoState) -> OrderRow:
    """Write down a stop of ours that was sent while the journal failed."""
    request = StopOrder(algo.symbol, algo.client_id, algo.side, algo.position_side, algo.trigger_price)
    sender.prepare(intent, ids.STOP, request)
    sender.journal.mark_sent(algo.client_id, sender.clock.now_ms(), None)
    return sender.row(algo.client_id)


async def _verified(sender: OrderSender, row: OrderRow) -> OrderRow | None:
    """Return the stop as the exchange itself shows it; None when it shows none, or one that has ended."""
    accepted_at = sender.clock.monotonic()
    while True:
        try:
            answered = await resolve.ask(sender, row)
            if answered:
                return answered if answered.state in _STANDS else None
            if sender.clock.monotonic() - accepted_at > VERIFY_WITHIN_S:
                sender.record(row, State.GONE, detail="accepted, and never found")
                return None
        except errors.OutcomeError:
            if sender.clock.monotonic() - accepted_at > SILENCE_S:
                return None
        await sender.clock.sleep(_PAUSE_S)


def request(sender: OrderSender, intent: IntentRow, plan: Plan, average: Decimal, number: int) -> StopOrder:
    """Return the stop of a position that was entered at an average price."""
    return StopOrder(
        symbol=plan.symbol,
        client_id=sender.client_id(intent, ids.STOP, number),
        side=plan.exit_side,
        position_side=plan.position_side,
        trigger_price=plan.stop_price(average),
    )
