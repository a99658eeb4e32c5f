"""What stands around a position: its stop loss and its take profits.

The stop is part of the entry: placed, looked up, and only then believed. The targets are resting orders that
only make the position smaller; the stop never depends on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.live.exchange import errors
from consumer.live.exchange.port import LimitOrder, StopOrder
from consumer.live.failpoints import point
from consumer.live.journal import OrderPhase
from consumer.live.journal.rows import DOUBTFUL
from consumer.live.orders import ids
from consumer.live.orders.sender import next_attempt

if TYPE_CHECKING:
    from decimal import Decimal

    from consumer.intents.plan import Leg
    from consumer.live.exchange.port import AlgoState, Exchange, OrderState
    from consumer.live.journal import IntentRow, OrderRow
    from consumer.live.orders.sender import OrderSender

#: Seconds within which a stop must be accepted; then the position is closed instead, while 5 s are not over.
PLACE_WITHIN_S = 3.0
#: For so long after its acceptance "not found" means that the answer comes from an older state.
VERIFY_WITHIN_S = 5.0
#: For so long an accepted stop may stay unverified because the exchange answers nothing at all.
SILENCE_S = 60.0
_PAUSE_S = 0.1
#: Pauses, in seconds, between requests that the exchange did not look at; the last one again and again.
_PAUSES_S = (0.1, 0.2, 0.4, 0.8)
#: Pauses, in ms, before a take profit that was refused is sent again: the first and the longest.
FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 2_000, 300_000
_STANDS = (OrderPhase.ACCEPTED, OrderPhase.FILLED)


class StopLeg:
    """The stop of one intent's position."""

    def __init__(self, sender: OrderSender, intent: IntentRow) -> None:
        self._sender = sender
        self._intent = intent

    async def protect(self, average: Decimal) -> OrderRow | None:
        """Return the verified stop of a position that was entered at an average price.

        It is placed now unless there is one. None: close the position.
        """
        give_up_at = self._sender.clock.monotonic() + PLACE_WITHIN_S
        pauses = iter(_PAUSES_S)
        while self._sender.clock.monotonic() < give_up_at:
            rows = self._sender.rows(self._intent, (ids.STOP,))
            standing = next((row for row in rows if row.state in _STANDS), None)
            if standing:
                return await self._verified(standing)
            try:
                if rows and rows[-1].state is OrderPhase.REFUSED and not await self._may_ask_twice(rows):
                    return None
                await self._advance(rows, average)
            except errors.OutcomeError:
                await self._sender.clock.sleep(next(pauses, _PAUSES_S[-1]))
        return None

    async def once_more(self, average: Decimal) -> bool:
        """Send one stop more, though others were refused; tell whether it stands."""
        rows = self._sender.rows(self._intent, (ids.STOP,))
        if not any(row.state in _STANDS for row in rows):
            await self._advance(rows, average)
            rows = self._sender.rows(self._intent, (ids.STOP,))
        standing = next((row for row in rows if row.state in _STANDS), None)
        return standing is not None and await self._verified(standing) is not None

    def request(self, average: Decimal, attempt: int) -> StopOrder:
        """Return the stop as it is sent at an attempt."""
        plan = self._intent.planned.plan
        return StopOrder(
            symbol=plan.symbol,
            client_id=self._sender.client_id(self._intent, ids.STOP, attempt),
            side=plan.exit_side,
            position_side=plan.position_side,
            trigger_price=plan.stop_price(average),
        )

    async def _advance(self, rows: list[OrderRow], average: Decimal) -> None:
        """Take one step: find the stop that may be there, or send one."""
        row = rows[-1] if rows else None
        if row and row.state in DOUBTFUL and await self._is_there(rows):
            return
        if row is None or row.state is not OrderPhase.PREPARED:
            request = self.request(average, next_attempt(rows))
            row = await self._sender.prepare(self._intent, ids.STOP, request)
        sent = await self._sender.send(row)
        if sent.state is OrderPhase.UNKNOWN:
            await self._sender.clock.sleep(_PAUSE_S)

    async def _may_ask_twice(self, rows: list[OrderRow]) -> bool:
        """Tell whether a refusal may have come of an exchange that did not know the position yet.

        "ReduceOnly Order is rejected" says that there is nothing to protect. Where the position shows, it was
        said too early, and once more is tried.
        """
        refused = [row for row in rows if row.state is OrderPhase.REFUSED]
        if len(refused) > 1 or f"({errors.NOTHING_TO_REDUCE})" not in (refused[-1].detail or ""):
            return False
        plan = self._intent.planned.plan
        held = await self._sender.exchange.positions(plan.symbol)
        return any(position.side == plan.position_side for position in held)

    async def _is_there(self, rows: list[OrderRow]) -> bool:
        """Look for a stop of ours by each id, and among those that wait; where one is, no other can be."""
        for row in rows:
            if row.state in DOUBTFUL and await self._sender.ask(row):
                return True
        for waiting in await self._sender.exchange.open_algos(self._intent.symbol):
            own = ids.own(waiting.client_id)
            stem = ids.stem(self._intent.origin_id, self._intent.body_sha256)
            if own and own.leg == ids.STOP and own.stem == stem:
                known = self._sender.journal.order(waiting.client_id)
                if known:
                    await self._sender.note(known, waiting)
                else:
                    await self._adopt(waiting)
                return True
        return False

    async def _adopt(self, algo: AlgoState) -> None:
        """Write down a stop of ours that was sent while the journal failed."""
        request = StopOrder(algo.symbol, algo.client_id, algo.side, algo.position_side, algo.trigger_price)
        await self._sender.adopt(await self._sender.prepare(self._intent, ids.STOP, request), algo)

    async def _verified(self, row: OrderRow) -> OrderRow | None:
        """Return the stop as the exchange itself shows it; None when it shows none, or one that has ended.

        What is asked by its id may be said to be absent while the list has it: one of the two is enough.
        """
        clock = self._sender.clock
        accepted_at = clock.monotonic()
        while True:
            try:
                answered = await self._sender.ask(row)
                if answered:
                    return answered if answered.state in _STANDS else None
                if clock.monotonic() - accepted_at > VERIFY_WITHIN_S:
                    if await self._is_listed(row):
                        return self._sender.row(row.client_id)
                    await self._sender.record(row, OrderPhase.GONE, detail="accepted, and never found")
                    return None
            except errors.OutcomeError:
                if clock.monotonic() - accepted_at > SILENCE_S:
                    return None
            await clock.sleep(_PAUSE_S)

    async def _is_listed(self, row: OrderRow) -> bool:
        for waiting in await self._sender.exchange.open_algos(row.order.symbol):
            if waiting.client_id == row.client_id:
                await self._sender.note(row, waiting)
                return True
        return False


async def resting_targets(exchange: Exchange, symbol: str, position_side: str) -> list[OrderState]:
    """Return our resting take profits of a position. Raises an OutcomeError without an answer."""
    return [
        order
        for order in await exchange.open_orders(symbol)
        if (own := ids.own(order.client_id))
        and own.leg in ids.TARGETS
        and order.position_side == position_side
    ]


def is_due(last: OrderRow, attempts: int, now_ms: int) -> bool:
    """Tell whether a take profit must be sent again: it never arrived, or was refused a while ago.

    The pause after a refusal doubles with each attempt, from FIRST_PAUSE_MS to LONGEST_PAUSE_MS.
    """
    if last.state is not OrderPhase.REFUSED:
        return last.state in (OrderPhase.PREPARED, OrderPhase.GONE)
    pause_ms = min(FIRST_PAUSE_MS << min(attempts - 1, 10), LONGEST_PAUSE_MS)
    return now_ms - last.changed_ms >= pause_ms


class TargetLegs:
    """The take profits of one intent's position."""

    def __init__(self, sender: OrderSender, intent: IntentRow) -> None:
        self._sender = sender
        self._intent = intent
        self._plan = intent.planned.plan

    async def place(self, executed: Decimal, average: Decimal) -> str:
        """Send those that were not sent yet, or are due again; say which are refused, and why."""
        for leg in self._plan.legs(executed, average):
            letter = ids.TARGETS[leg.target]
            rows = self._sender.rows(self._intent, (letter,))
            if not rows or is_due(rows[-1], len(rows), self._sender.clock.now_ms()):
                await self._place_one(leg, rows)
            if letter == ids.TARGETS[0]:
                point("after_target_1")
        point("after_targets")
        return self._note_refused()

    def _note_refused(self) -> str:
        """Say in the state what is refused, for as long as it is."""
        last = [next(reversed(self._sender.rows(self._intent, (letter,))), None) for letter in ids.TARGETS]
        refused = "; ".join(
            f"take profit {row.leg}: {row.detail}" for row in last if row and row.state is OrderPhase.REFUSED
        )
        if refused:
            self._sender.refused_targets.begin(self._intent.symbol, refused)
        else:
            self._sender.refused_targets.over(self._intent.symbol)
        return refused

    async def _place_one(self, leg: Leg, rows: list[OrderRow]) -> None:
        if rows and rows[-1].state is OrderPhase.PREPARED:
            row = rows[-1]
        else:
            request = self._request(leg, next_attempt(rows))
            row = await self._sender.prepare(self._intent, ids.TARGETS[leg.target], request)
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
