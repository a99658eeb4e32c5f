"""Sending an order, once: written down, sent, and what came of it written down. Every order goes this way."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from consumer.base.errors import ConsumerError
from consumer.base.log import logger
from consumer.live.exchange import errors
from consumer.live.exchange.port import AlgoState, StopOrder
from consumer.live.failpoints import point
from consumer.live.journal import OrderChangedError, OrderPhase, OrderStateError
from consumer.live.journal.lease import LeaseLostError
from consumer.live.journal.rows import written
from consumer.live.orders import ids

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from consumer.intents.filters import Filters
    from consumer.live.exchange.port import Exchange, ExchangeClock, Order, OrderState
    from consumer.live.journal import IntentRow, Journal, OrderRow
    from consumer.live.journal.lease import Lease
    from consumer.live.journal.thread import JournalThread
    from consumer.live.orders.ids import Leg

#: The steps that crash tests know by name.
_NAMES: dict[str, str] = {ids.ENTRY: "entry", ids.STOP: "stop"}
#: What protects and closes is sent however long it was held up; all else might arrive though it was given up.
_AT_ANY_TIME = (ids.STOP, ids.EXIT)
#: What an exchange's words for an order mean. An end with something executed is a fill, whatever its name.
_STATES = {
    "NEW": OrderPhase.ACCEPTED, "PARTIALLY_FILLED": OrderPhase.ACCEPTED, "FILLED": OrderPhase.FILLED,
    "CANCELED": OrderPhase.CANCELED, "EXPIRED": OrderPhase.EXPIRED, "EXPIRED_IN_MATCH": OrderPhase.EXPIRED,
    "REJECTED": OrderPhase.EXPIRED,
}  # fmt: skip # a table, or a call that is read as one
#: And for a conditional order: one that has triggered has done what it is for.
_ALGO_STATES = {
    "NEW": OrderPhase.ACCEPTED, "TRIGGERING": OrderPhase.ACCEPTED,
    "TRIGGERED": OrderPhase.FILLED, "FINISHED": OrderPhase.FILLED,
    "CANCELED": OrderPhase.CANCELED, "EXPIRED": OrderPhase.EXPIRED, "REJECTED": OrderPhase.EXPIRED,
}  # fmt: skip # a table, or a call that is read as one


class NotNowError(ConsumerError):
    """Raised when an intent cannot be carried on at present. Nothing is lost: its entry stays pending."""


class StillUnknownError(ConsumerError):
    """Raised when an order's fate could not be learned in time."""

    def __init__(self, client_id: str) -> None:
        super().__init__(f"the exchange has not said what became of {client_id}")


class HaltSetter(Protocol):
    """Whoever halts."""

    def set(self, code: str, detail: str) -> None:
        """Halt from now on, until a person resumes."""

    async def written(self) -> None:
        """Return once every halt is on the disk. Raises JournalError."""


class Troubles:
    """What keeps a position from something that it should have, by symbol, as long as it does."""

    def __init__(self, event: str, over: str) -> None:
        """Note nothing yet; `event` and `over` are how the log calls a beginning and an end."""
        self.present: dict[str, str] = {}
        self._event, self._over = event, over

    def begin(self, symbol: str, why: str) -> None:
        """Note why; a line in the log for each reason that is new."""
        if self.present.get(symbol) != why:
            self.present[symbol] = why
            logger().error(self._event, symbol=symbol, why=why)

    def over(self, symbol: str) -> None:
        """Note that it has it, or is gone."""
        if self.present.pop(symbol, None):
            logger().warning(self._over, symbol=symbol)


class OrderSender:
    """An exchange, a journal, a lease and a clock: all that it takes to send an order.

    What is read of the journal is read at once; what is written waits for its thread. Writing raises
    JournalError.
    """

    def __init__(
        self,
        exchange: Exchange,
        journal: Journal,
        thread: JournalThread,
        lease: Lease,
        clock: ExchangeClock,
        *,
        halts: HaltSetter,
        rules_of: Callable[[str], Filters | None] = lambda _symbol: None,
    ) -> None:
        """Make a sender; `rules_of` gives the exchange's present rules of a symbol, where they are known."""
        self.exchange = exchange
        self.journal = journal
        self.write = thread.write
        self.lease = lease
        self.clock = clock
        self.halts = halts
        self.rules_of = rules_of
        self.troubles = Troubles("unprotected", "protected_again")
        self.refused_targets = Troubles("targets_refused", "targets_are_well")
        self._acted_s: dict[str, float] = {}
        #: When, on the clock that only moves on, something of a position was last seen closed.
        self.closed_s = float("-inf")

    def acted_s(self, symbol: str) -> float:
        """Return when, on the clock that only moves on, an order of a symbol changed last."""
        return self._acted_s.get(symbol, float("-inf"))

    @property
    def last_acted_s(self) -> float:
        """When an order of any symbol changed last."""
        return max(self._acted_s.values(), default=float("-inf"))

    async def prepare(self, intent: IntentRow, leg: Leg, request: Order) -> OrderRow:
        """Write down an order that is about to be sent."""
        own = ids.own(request.client_id)
        if own is None:
            raise AssertionError(f"{request.client_id} is not one of our ids")
        try:
            row = await self.write(
                self.journal.prepare_order,
                request.client_id,
                intent.origin_id,
                leg,
                own.attempt,
                "algo" if isinstance(request, StopOrder) else "order",
                written(request),
                self.clock.now_ms(),
            )
        except OrderChangedError:
            if leg == ids.ENTRY:
                raise
            # A write that was given up has come about after all: what it prepared is as good.
            row = self.row(request.client_id)
        self._pass("after_prepare_{}", leg)
        return row

    async def send(self, row: OrderRow) -> OrderRow:
        """Send a prepared order and return its row with what came of it: accepted, refused, or unknown.

        Refused because of our clock, which is measured again: an entry is PREPARED as before, all else is
        sent once more. An entry needs the lease. Raises NotSentError and ThrottledError, and NotNowError
        without the lease: then it certainly did not arrive, and is prepared as before.
        """
        try:
            return await self._send(row)
        except errors.OrderRefusedError:
            await self.exchange.time_ms()
            if row.leg == ids.ENTRY:  # whether it may still be sent is for others to say
                return self.row(row.client_id)
            return await self._send(row, last=True)

    async def ask(self, row: OrderRow) -> OrderRow | None:
        """Ask once, where this order would be; write down the answer. None: the exchange says there is none.

        Raises an OutcomeError when there is no answer.
        """
        symbol, asked_ms = row.order.symbol, self.clock.now_ms()
        ask = self.exchange.algo if row.kind == "algo" else self.exchange.order
        order = await ask(symbol, row.client_id)
        await self.write(self.journal.asked, row.client_id, asked_ms)
        return await self.note(row, order) if order else None

    async def cancel(self, symbol: str, client_id: str, *, is_algo: bool) -> None:
        """Cancel an order, and ask what became of one that is written down.

        Raises an OutcomeError when that question has no answer.
        """
        cancel = self.exchange.cancel_algo if is_algo else self.exchange.cancel
        with suppress(errors.OutcomeError):  # it may be filled, or gone, or cancelled all the same
            await cancel(symbol, client_id)
        row = self.journal.order(client_id)
        if row:
            await self.ask(row)

    async def adopt(self, row: OrderRow, order: OrderState | AlgoState) -> OrderRow:
        """Write down an order that is at the exchange, though the journal does not say that it was sent.

        Raises NotNowError where another instance carries it on.
        """
        return await self.note(await self._mark_sent(row, self.clock.now_ms()), order)

    async def note(self, row: OrderRow, order: OrderState | AlgoState) -> OrderRow:
        """Write down what the exchange says of an order; an older answer than the last changes nothing."""
        try:
            return await self._note(row, order)
        except OrderStateError:
            return self.row(row.client_id)

    async def _note(self, row: OrderRow, order: OrderState | AlgoState) -> OrderRow:
        if isinstance(order, AlgoState):
            state = _ALGO_STATES.get(order.status, OrderPhase.ACCEPTED)
            return await self.record(row, state, exchange_id=str(order.algo_id), detail=order.status)
        state = _STATES.get(order.status, OrderPhase.ACCEPTED)
        return await self.record(
            row,
            OrderPhase.FILLED if state.is_end and order.executed else state,
            exchange_id=str(order.order_id),
            executed=order.executed,
            average_price=order.average_price,
            detail=order.status,
        )

    async def record(
        self,
        row: OrderRow,
        state: OrderPhase,
        *,
        exchange_id: str | None = None,
        executed: Decimal | None = None,
        average_price: Decimal | None = None,
        detail: str | None = None,
        times_sent: int | None = None,
    ) -> OrderRow:
        """Write down what became of an order, and return its row as it is now."""
        await self.write(
            self.journal.record,
            row.client_id,
            state,
            self.clock.now_ms(),
            exchange_id=exchange_id,
            executed=executed,
            average_price=average_price,
            detail=detail,
            times_sent=times_sent,
        )
        now = self.row(row.client_id)
        if (now.state, now.executed) != (row.state, row.executed):
            self._acted_s[now.order.symbol] = self.clock.monotonic()
            if now.leg != ids.ENTRY and (now.executed or now.state is OrderPhase.FILLED):
                self.closed_s = self.clock.monotonic()
        return now

    async def withdraw(self, row: OrderRow, state: OrderPhase, detail: str | None = None) -> OrderRow:
        """Write down that an order is not at the exchange, as far as the sending goes that `row` tells of.

        Raises NotNowError when it is not so any more: another instance has sent it since, and carries it on.
        """
        try:
            return await self.record(row, state, detail=detail, times_sent=row.times_sent)
        except OrderStateError as changed:
            raise NotNowError(str(changed)) from changed

    def row(self, client_id: str) -> OrderRow:
        """Return an order that was written down."""
        row = self.journal.order(client_id)
        if row is None:
            raise AssertionError(f"{client_id} was written down and is not there")
        return row

    def rows(self, intent: IntentRow, legs: Sequence[Leg]) -> list[OrderRow]:
        """Return an intent's orders of these legs, the latest attempt last."""
        rows = [row for row in self.journal.orders(intent.origin_id) if row.leg in legs]
        return sorted(rows, key=lambda row: row.attempt)

    def client_id(self, intent: IntentRow, leg: Leg, number: int) -> str:
        """Return the id of an intent's leg at its n-th attempt."""
        return ids.client_id(intent.origin_id, intent.body_sha256, leg, number)

    async def _send(self, row: OrderRow, *, last: bool = False) -> OrderRow:
        now_ms = self.clock.now_ms()
        row = await self._mark_sent(row, now_ms)
        self._pass("after_mark_sent_{}", row.leg)
        try:
            order = await self._place(row.order._replace(sent_at_ms=0 if row.leg in _AT_ANY_TIME else now_ms))
        except errors.OrderRefusedError as refusal:
            if refusal.resync and not last:
                await self._came_to(row, OrderPhase.PREPARED, refusal)
                raise
            return await self._came_to(row, OrderPhase.REFUSED, refusal)
        except (errors.NotSentError, errors.ThrottledError) as error:
            await self._came_to(row, OrderPhase.PREPARED, error)
            raise
        except errors.OutcomeError as error:
            return await self._came_to(row, OrderPhase.UNKNOWN, error)
        self._pass("after_{}_reply", row.leg)
        row = await self.note(row, order)
        self._pass("after_record_{}", row.leg)
        return row

    async def _mark_sent(self, row: OrderRow, now_ms: int) -> OrderRow:
        """Take the last look at the lease, in the transaction that says that the request leaves."""
        held = self.lease.held
        try:
            fencing = held.fencing if held else None
            return await self.write(self.journal.mark_sent, row.client_id, now_ms, fencing)
        except (LeaseLostError, OrderStateError) as lost:  # the latter: another instance carries it on
            raise NotNowError(str(lost)) from lost

    async def _came_to(self, row: OrderRow, state: OrderPhase, error: errors.OutcomeError) -> OrderRow:
        """Write down how this sending ended without an answer.

        Not when another instance has learned more by now, or has found that it never arrived and has sent
        the order again: how the first sending ended says nothing of the second.
        """
        now = self.row(row.client_id)
        if now.state is not OrderPhase.SENT:
            return now
        try:
            return await self.record(row, state, detail=str(error), times_sent=row.times_sent)
        except OrderStateError:
            return self.row(row.client_id)

    async def _place(self, request: Order) -> OrderState | AlgoState:
        if isinstance(request, StopOrder):
            return await self.exchange.place_stop(request)
        return await self.exchange.place(request)

    @staticmethod
    def _pass(name: str, leg: str) -> None:
        if leg in _NAMES:
            point(name.format(_NAMES[leg]))


def next_attempt(rows: Sequence[OrderRow]) -> int:
    """Return the number of the attempt after these."""
    return max((row.attempt for row in rows), default=-1) + 1
