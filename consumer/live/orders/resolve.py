"""Finding out what became of an order that may have arrived: it is asked about, and not sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.base.errors import ConsumerError
from consumer.live.exchange import errors
from consumer.live.journal import State
from consumer.live.journal.lease import RECV_WINDOW_MS, SLACK_MS
from consumer.live.journal.rows import DOUBTFUL
from consumer.live.orders.sender import request_of

if TYPE_CHECKING:
    from consumer.intents.plan import Plan
    from consumer.live.journal import OrderRow
    from consumer.live.orders.sender import OrderSender

#: After so many seconds without an answer, the intent is `unknown` and trading halts.
GIVE_UP_S = 60.0
_PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8)
#: From these something more is to be learned.
_OPEN = DOUBTFUL | {State.ACCEPTED}


class StillUnknownError(ConsumerError):
    """Raised when an order's fate could not be learned in time."""

    def __init__(self, client_id: str) -> None:
        super().__init__(f"the exchange has not said what became of {client_id}")


async def ask(sender: OrderSender, row: OrderRow) -> OrderRow | None:
    """Ask once, where this order would be; write down what is found. None: the exchange says there is none.

    Raises an OutcomeError when there is no answer.
    """
    symbol, asked_ms = request_of(row).symbol, sender.clock.now_ms()
    if row.kind == "algo":
        algo = await sender.exchange.algo(symbol, row.client_id)
        sender.journal.asked(row.client_id, asked_ms)
        return sender.note(row, algo) if algo else None
    order = await sender.exchange.order(symbol, row.client_id)
    sender.journal.asked(row.client_id, asked_ms)
    return sender.note(row, order) if order else None


def is_conclusive(row: OrderRow) -> bool:
    """Tell whether an order that was not found never will be: no exchange takes its request any more.

    That counts from when the last question left: an answer may have taken long, or been read late.
    """
    return (row.last_asked_ms or 0) > (row.sent_at_ms or 0) + RECV_WINDOW_MS + SLACK_MS


async def entry(sender: OrderSender, row: OrderRow, plan: Plan) -> OrderRow | None:
    """Learn what of an entry was executed, however often it takes. None: it never arrived, and never will.

    Where another instance has learned it meanwhile, return the entry as that one left it.
    Raises StillUnknownError after a minute.
    """
    give_up_at = sender.clock.monotonic() + GIVE_UP_S
    pauses = iter(_PAUSES_S)
    while True:
        try:
            answered = await ask(sender, row)
            if answered and answered.executed:
                return answered
            row = answered or sender.row(row.client_id)
            if row.state not in _OPEN:
                return row
            if not answered and row.state in DOUBTFUL and is_conclusive(row):
                return await by_position(sender, row, plan)
        except errors.OutcomeError:
            pass
        if sender.clock.monotonic() > give_up_at:
            raise StillUnknownError(row.client_id)
        await sender.clock.sleep(next(pauses, _PAUSES_S[-1]))


async def by_position(sender: OrderSender, row: OrderRow, plan: Plan) -> OrderRow | None:
    """Look at the position before an order is called absent: there was none, so one that is there is its."""
    for position in await sender.exchange.positions(plan.symbol):
        if position.side == plan.position_side and (position.amount > 0) == plan.is_long:
            return sender.record(
                row,
                State.FILLED,
                executed=abs(position.amount),
                average_price=position.entry_price,
                detail="seen as a position",
            )
    return None
