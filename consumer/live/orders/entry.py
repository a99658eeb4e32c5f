"""The entry, sent once: in doubt it is asked about, for as long as it takes, and not sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from consumer.live.exchange import errors
from consumer.live.exchange.port import MarketOrder
from consumer.live.journal import OrderPhase, OrderRow
from consumer.live.journal.rows import DOUBTFUL
from consumer.live.journal_memory import LOST
from consumer.live.orders import execution_report, ids
from consumer.live.orders.sender import NotNowError, StillUnknownError

if TYPE_CHECKING:
    from decimal import Decimal

    from consumer.intents.gates import Objection
    from consumer.live.journal import IntentRow
    from consumer.live.orders.sender import OrderSender

#: After so many seconds without an answer, the intent is `unknown` and trading halts.
GIVE_UP_S = 60.0
#: How often an entry that certainly never arrived is sent once more, while it is fresh.
MAX_TIMES_SENT = 3
#: After so many questions about an order without an answer its position is looked for as well.
DEAF_AFTER = 3
#: For so long a list of positions may not show one that was just entered.
LAG_S = 5.0
_PAUSE_S = 0.1
_PAUSES_S = (0.05, 0.1, 0.2, 0.4, 0.8)
#: From these something more is to be learned.
_OPEN = DOUBTFUL | {OrderPhase.ACCEPTED}


class Permission(Protocol):
    """Asked immediately before an entry is sent."""

    async def objection(self, intent: IntentRow) -> Objection | None:
        """Return why it must not be sent, or None. Raises NotNowError to wait."""


class EntryLeg:
    """The entry of one intent."""

    def __init__(self, sender: OrderSender, intent: IntentRow) -> None:
        self._sender = sender
        self._intent = intent

    async def enter(self, permission: Permission) -> OrderRow | Objection:
        """Return the entry once something of it is executed, or why nothing is.

        Raises NotNowError when it cannot be sent at present, StillUnknownError after a minute of doubt.
        """
        row = await self._prepared()
        while True:
            if row.state is OrderPhase.PREPARED:
                forgotten = None if row.times_sent else await self._forgotten(row)
                if forgotten and not await self._may_be_held(forgotten):
                    return execution_report.FAILED, f"{LOST}:{forgotten.detail}, and closed since"
                if forgotten:
                    row = forgotten
                    continue
                objection = await permission.objection(self._intent)
                if objection or row.times_sent >= MAX_TIMES_SENT:
                    await self._sender.withdraw(row, OrderPhase.GONE)
                    return objection or (execution_report.REJECTED, "ENTRY_NEVER_ARRIVED")
                row = await self._sent(row)
            elif row.state in DOUBTFUL or (row.state is OrderPhase.ACCEPTED and not row.executed):
                learnt = await self.learn(row)
                row = learnt or await self._sender.withdraw(row, OrderPhase.PREPARED, "it never arrived")
            elif row.executed:
                return row
            else:
                return execution_report.REJECTED, f"{row.state}:{row.detail}"

    async def learn(self, row: OrderRow) -> OrderRow | None:
        """Learn what of it was executed, however often it takes. None: it never arrived, and never will.

        Where another instance has learned it meanwhile, return the entry as that one left it.
        Raises StillUnknownError after a minute.
        """
        give_up_at = self._sender.clock.monotonic() + GIVE_UP_S
        pauses, unanswered = iter(_PAUSES_S), 0
        while True:
            try:
                if unanswered >= DEAF_AFTER and (seen := await self.by_position(row)):
                    return seen
                unanswered += 1
                answered = await self._sender.ask(row)
                unanswered = 0
                if answered and answered.executed:
                    return answered
                row = answered or self._sender.row(row.client_id)
                if row.state not in _OPEN:
                    return row
                if not answered and row.state in DOUBTFUL and row.absence_is_conclusive:
                    return await self.by_position(row)
            except errors.OutcomeError:
                pass
            if self._sender.clock.monotonic() > give_up_at:
                raise StillUnknownError(row.client_id)
            await self._sender.clock.sleep(next(pauses, _PAUSES_S[-1]))

    async def by_position(self, row: OrderRow) -> OrderRow | None:
        """Look at the position before it is called absent: there was none, so one that is there is its."""
        plan = self._intent.planned.plan
        for position in await self._sender.exchange.positions(plan.symbol):
            if position.side == plan.position_side and (position.amount > 0) == plan.is_long:
                return await self._sender.record(
                    row,
                    OrderPhase.FILLED,
                    executed=abs(position.amount),
                    average_price=position.entry_price,
                    detail="seen as a position",
                )
        return None

    async def average(self, row: OrderRow) -> Decimal:
        """Return the average fill, or else the planned price: the stop cannot wait for it."""
        planned = self._intent.planned.plan.price
        if row.average_price is None:
            try:
                row = await self._sender.ask(row) or row
                if row.average_price is None:
                    row = await self._averaged_by_position(row)
            except errors.OutcomeError:
                return planned
        return planned if row.average_price is None else row.average_price

    async def completed(self, row: OrderRow) -> OrderRow:
        """Wait until nothing more of it can be executed, so that the targets are of all of it."""
        give_up_at = self._sender.clock.monotonic() + GIVE_UP_S
        while row.state is OrderPhase.ACCEPTED and self._sender.clock.monotonic() < give_up_at:
            await self._sender.clock.sleep(_PAUSE_S)
            try:
                row = await self._sender.ask(row) or row
            except errors.OutcomeError:
                continue
        return row

    async def _forgotten(self, row: OrderRow) -> OrderRow | None:
        """Return the entry if the exchange has it, though this journal never sent it, and halt.

        A journal that was lost, or put back from a copy, would enter a second time. Raises NotNowError when
        the exchange does not answer.
        """
        sender = self._sender
        try:
            known = await sender.exchange.order(self._intent.symbol, row.client_id)
        except errors.OutcomeError as error:
            raise _not_now(error) from error
        if known is None:
            return None
        detail = f"the exchange has {row.client_id}, and this journal never sent it"
        sender.halts.set(LOST, detail)
        await sender.halts.written()
        return await sender.adopt(row, known)

    async def _may_be_held(self, row: OrderRow) -> bool:
        """Tell whether something is, or may be, open of an entry; looked at until no list can lag."""
        if not row.executed:
            return True
        plan, give_up_at = self._intent.planned.plan, self._sender.clock.monotonic() + LAG_S
        while self._sender.clock.monotonic() < give_up_at:
            try:
                held = await self._sender.exchange.positions(plan.symbol)
            except errors.OutcomeError:
                return True
            if any(position.side == plan.position_side for position in held):
                return True
            await self._sender.clock.sleep(_PAUSES_S[-1])
        return False

    async def _averaged_by_position(self, row: OrderRow) -> OrderRow:
        plan = self._intent.planned.plan
        for position in await self._sender.exchange.positions(plan.symbol):
            if position.side == plan.position_side and position.entry_price:
                return await self._sender.record(row, row.state, average_price=position.entry_price)
        return row

    async def _sent(self, row: OrderRow) -> OrderRow:
        try:
            return await self._sender.send(row)
        except errors.OutcomeError as error:
            raise _not_now(error) from error

    async def _prepared(self) -> OrderRow:
        rows = self._sender.rows(self._intent, (ids.ENTRY,))
        if rows:
            return rows[-1]
        plan = self._intent.planned.plan
        request = MarketOrder(
            symbol=plan.symbol,
            client_id=self._sender.client_id(self._intent, ids.ENTRY, 0),
            side=plan.side,
            position_side=plan.position_side,
            quantity=plan.quantity,
            reduce_only=False,
        )
        return await self._sender.prepare(self._intent, ids.ENTRY, request)


def _not_now(error: errors.OutcomeError) -> NotNowError:
    return NotNowError(f"the exchange cannot be asked for an entry: {error}")
