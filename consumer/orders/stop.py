"""The stop loss, which is part of the entry: placed, looked up, and only then believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.journal import State
from consumer.journal.rows import DOUBTFUL
from consumer.orders import ids, outcome, resolve
from consumer.orders.desk import next_attempt
from consumer.ports import StopOrder

if TYPE_CHECKING:
    from decimal import Decimal

    from consumer.journal import IntentRow, OrderRow
    from consumer.orders.desk import Desk
    from consumer.orders.quantity import Plan
    from consumer.ports import AlgoState

#: Seconds within which a stop must be accepted; then the position is closed instead, while 5 s are not over.
PLACE_WITHIN_S = 3.0
#: For so long after its acceptance "not found" means that the answer comes from an older state.
VERIFY_WITHIN_S = 5.0
#: For so long an accepted stop may stay unverified because the exchange answers nothing at all.
SILENCE_S = 60.0
_PAUSE_S = 0.1
_STANDS = (State.ACCEPTED, State.FILLED)


async def protect(desk: Desk, intent: IntentRow, plan: Plan, average: Decimal) -> OrderRow | None:
    """Return the verified stop of a position, placed now unless there is one. None: close the position."""
    give_up_at = desk.clock.monotonic() + PLACE_WITHIN_S
    while desk.clock.monotonic() < give_up_at:
        rows = desk.rows(intent, (ids.STOP,))
        standing = next((row for row in rows if row.state in _STANDS), None)
        if standing:
            return await _verified(desk, standing)
        if rows and rows[-1].state is State.REFUSED:
            return None
        try:
            await _advance(desk, intent, plan, average, rows)
        except outcome.OutcomeError:
            await desk.clock.sleep(_PAUSE_S)
    return None


async def _advance(desk: Desk, intent: IntentRow, plan: Plan, average: Decimal, rows: list[OrderRow]) -> None:
    """Take one step: find the stop that may be there, or send one."""
    row = rows[-1] if rows else None
    if row and row.state in DOUBTFUL and await _found(desk, intent, rows):
        return
    if row is None or row.state is not State.PREPARED:
        row = desk.prepare(intent, ids.STOP, request(desk, intent, plan, average, next_attempt(rows)))
    sent = await desk.send(row)
    if sent.state is State.UNKNOWN:
        await desk.clock.sleep(_PAUSE_S)


async def _found(desk: Desk, intent: IntentRow, rows: list[OrderRow]) -> bool:
    """Look for a stop of ours by each id, and among those that wait; one stops all others from existing."""
    for row in rows:
        if row.state in DOUBTFUL and await resolve.ask(desk, row):
            return True
    for waiting in await desk.exchange.open_algos(intent.symbol):
        own = ids.own(waiting.client_id)
        if own and own.leg == ids.STOP and own.stem == ids.stem(intent.origin_id, intent.body_sha256):
            row = desk.journal.order(waiting.client_id) or _adopted(desk, intent, waiting)
            desk.note(row, waiting)
            return True
    return False


def _adopted(desk: Desk, intent: IntentRow, found: AlgoState) -> OrderRow:
    """Write down a stop of ours that was sent while the journal failed."""
    request = StopOrder(found.symbol, found.client_id, found.side, found.position_side, found.trigger_price)
    desk.prepare(intent, ids.STOP, request)
    desk.journal.mark_sent(found.client_id, desk.clock.now_ms(), None)
    return desk.row(found.client_id)


async def _verified(desk: Desk, row: OrderRow) -> OrderRow | None:
    """Return the stop as the exchange itself shows it; None when it shows none, or one that has ended."""
    accepted_at = desk.clock.monotonic()
    while True:
        try:
            found = await resolve.ask(desk, row)
            if found:
                return found if found.state in _STANDS else None
            if desk.clock.monotonic() - accepted_at > VERIFY_WITHIN_S:
                desk.record(row, State.GONE, detail="accepted, and never found")
                return None
        except outcome.OutcomeError:
            if desk.clock.monotonic() - accepted_at > SILENCE_S:
                return None
        await desk.clock.sleep(_PAUSE_S)


def request(desk: Desk, intent: IntentRow, plan: Plan, average: Decimal, number: int) -> StopOrder:
    """Return the stop of a position that was entered at an average price."""
    return StopOrder(
        symbol=plan.symbol,
        client_id=desk.client_id(intent, ids.STOP, number),
        side=plan.exit_side,
        position_side=plan.position_side,
        trigger_price=plan.stop_price(average),
    )
