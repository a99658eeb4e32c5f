"""From a journaled intent to its verdict: entry, stop, targets. A restart goes on where the journal ends.

Every step looks first at what is written down, so that running this twice does nothing twice.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from consumer.live.exchange import errors
from consumer.live.exchange.port import MarketOrder
from consumer.live.failpoints import point
from consumer.live.journal import IntentFinishedError, JournalError, State
from consumer.live.journal.journaled_plan import Closing
from consumer.live.journal.rows import DOUBTFUL
from consumer.live.orders import close, emergency, execution_report, ids, resolve, stop, targets
from consumer.live.orders.execution_report import ExecutionReport
from consumer.live.orders.sender import NotNowError

if TYPE_CHECKING:
    from consumer.intents.plan import Plan
    from consumer.live.journal import IntentRow, OrderRow
    from consumer.live.orders.sender import OrderSender

#: How often an entry that certainly never arrived is sent once more, while it is fresh.
MAX_TIMES_SENT = 3
#: Pauses, in seconds, before a journal that failed is tried again; then the stop goes out without it.
_JOURNAL_PAUSES_S = (0.05, 0.2, 0.5)
_PAUSE_S = 0.1


class Permission(Protocol):
    """Asked immediately before an entry is sent."""

    async def objection(self, intent: IntentRow) -> tuple[str, str] | None:
        """Return status and reason of why it must not be sent, or None. Raises NotNowError to wait."""


class Executor:
    """Carries intents out, one after the other."""

    def __init__(self, sender: OrderSender, permission: Permission) -> None:
        self._sender = sender
        self._permission = permission

    async def carry_out(self, intent: IntentRow) -> ExecutionReport:
        """Bring an intent to its end and write down what that is. Raises NotNowError when it must wait."""
        for pause in _JOURNAL_PAUSES_S:
            try:
                return await self._carried_out(intent)
            except JournalError:
                await self._sender.clock.sleep(pause)
        try:
            return await self._carried_out(intent)
        except JournalError:
            await emergency.protect(self._sender, intent)
            raise

    async def _carried_out(self, intent: IntentRow) -> ExecutionReport:
        if intent.outcome is not None:
            return ExecutionReport.read(intent.outcome)
        journal = self._sender.journal
        try:
            report = await (self._close(intent) if intent.direction == "close" else self._open(intent))
        except resolve.StillUnknownError as unknown:
            journal.set_halt("HALT_UNKNOWN", f"{intent.origin_id}: {unknown}", self._sender.clock.now_ms())
            report = self._verdict(intent, execution_report.UNKNOWN, "UNKNOWN_AFTER_60_S")
        try:
            journal.finish_intent(intent.origin_id, report.text)
        except IntentFinishedError:
            return self._told_already(intent)
        if all(row.state.is_end and not row.executed for row in journal.orders(intent.origin_id)):
            journal.close_intent(intent.origin_id, self._sender.clock.now_ms())
        point("after_finish_intent")
        return report

    def _told_already(self, intent: IntentRow) -> ExecutionReport:
        """Return the outcome that another instance wrote down, which took over while this one stood still."""
        now = self._sender.journal.intent(intent.origin_id)
        if now is None or now.outcome is None:
            raise AssertionError(f"{intent.origin_id} is finished and has no outcome")
        return ExecutionReport.read(now.outcome)

    async def _open(self, intent: IntentRow) -> ExecutionReport:
        plan = intent.planned.plan
        entered = await self._enter(intent, plan)
        if isinstance(entered, ExecutionReport):
            return entered
        return await self.secure(intent, plan, entered)

    async def secure(self, intent: IntentRow, plan: Plan, entry: OrderRow) -> ExecutionReport:
        """Give what was entered its stop and its targets, or close it."""
        placed = await self.protect(intent, plan, entry)
        if placed is None:
            return await self.escape(intent, plan, entry)
        if placed.state is State.ACCEPTED:
            entry = await self._completed(entry)
            average = await self._average(plan, entry)
            await targets.place(self._sender, intent, plan, entry.executed or Decimal(0), average)
        return self._verdict(intent, execution_report.FILLED, "FILLED")

    async def protect(self, intent: IntentRow, plan: Plan, entry: OrderRow) -> OrderRow | None:
        """Return the verified stop of what was entered; None: it must be closed, or is being closed."""
        if self._sender.rows(intent, (ids.EXIT,)):
            return None
        return await stop.protect(self._sender, intent, plan, await self._average(plan, entry))

    async def escape(self, intent: IntentRow, plan: Plan, entry: OrderRow) -> ExecutionReport:
        """Close a position that could not get its stop, and halt."""
        sender = self._sender
        closing = Closing(plan.symbol, plan.exit_side, plan.position_side, entry.executed or plan.quantity)
        why = next((row.detail for row in reversed(sender.rows(intent, (ids.STOP,)))), None) or "no stop"
        try:
            await close.empty(sender, intent, closing)
            await self._tidied(closing)
        finally:
            sender.journal.set_halt("HALT_STOP_REFUSED", f"{intent.origin_id}: {why}", sender.clock.now_ms())
        return self._verdict(intent, execution_report.FAILED, f"STOP_REFUSED:{why}")

    async def _tidied(self, closing: Closing) -> None:
        """Cancel what is left of a position that is closed; what cannot be now is cancelled later."""
        try:
            await close.cancel_targets(self._sender, closing.symbol, closing.position_side)
            await close.cancel_stops(self._sender, closing.symbol, closing.position_side)
        except errors.OutcomeError:
            return

    async def _enter(self, intent: IntentRow, plan: Plan) -> OrderRow | ExecutionReport:
        """Return the entry once something of it is executed, or the verdict that nothing is."""
        row = self._entry_row(intent, plan)
        while True:
            if row.state is State.PREPARED:
                objection = await self._permission.objection(intent)
                if objection or row.times_sent >= MAX_TIMES_SENT:
                    self._sender.withdraw(row, State.GONE)
                    return self._verdict(
                        intent, *(objection or (execution_report.REJECTED, "ENTRY_NEVER_ARRIVED"))
                    )
                row = await self._sent(row)
            elif row.state in DOUBTFUL or (row.state is State.ACCEPTED and not row.executed):
                entered = await resolve.entry(self._sender, row, plan)
                row = entered or self._sender.withdraw(row, State.PREPARED, "it never arrived")
            elif row.executed:
                return row
            else:
                return self._verdict(intent, execution_report.REJECTED, f"{row.state}:{row.detail}")

    async def _sent(self, row: OrderRow) -> OrderRow:
        try:
            return await self._sender.send(row)
        except errors.OutcomeError as error:
            raise NotNowError(f"the exchange cannot be asked for an entry: {error}") from error

    def _entry_row(self, intent: IntentRow, plan: Plan) -> OrderRow:
        rows = self._sender.rows(intent, (ids.ENTRY,))
        if rows:
            return rows[-1]
        request = MarketOrder(
            symbol=plan.symbol,
            client_id=self._sender.client_id(intent, ids.ENTRY, 0),
            side=plan.side,
            position_side=plan.position_side,
            quantity=plan.quantity,
            reduce_only=False,
        )
        return self._sender.prepare(intent, ids.ENTRY, request)

    async def _average(self, plan: Plan, entry: OrderRow) -> Decimal:
        """Return the average fill, or else the planned price: the stop cannot wait for it."""
        if entry.average_price is None:
            try:
                entry = await resolve.ask(self._sender, entry) or entry
                if entry.average_price is None:
                    entry = await self._average_of_position(plan, entry)
            except errors.OutcomeError:
                return plan.price
        return plan.price if entry.average_price is None else entry.average_price

    async def _average_of_position(self, plan: Plan, entry: OrderRow) -> OrderRow:
        for position in await self._sender.exchange.positions(plan.symbol):
            if position.side == plan.position_side and position.entry_price:
                return self._sender.record(entry, entry.state, average_price=position.entry_price)
        return entry

    async def _completed(self, entry: OrderRow) -> OrderRow:
        """Wait until nothing more of an entry can be executed, so that the targets are of all of it."""
        give_up_at = self._sender.clock.monotonic() + resolve.GIVE_UP_S
        while entry.state is State.ACCEPTED and self._sender.clock.monotonic() < give_up_at:
            await self._sender.clock.sleep(_PAUSE_S)
            try:
                entry = await resolve.ask(self._sender, entry) or entry
            except errors.OutcomeError:
                continue
        return entry

    async def _close(self, intent: IntentRow) -> ExecutionReport:
        """Cancel the targets, close at market, see that it is flat, cancel the stop: in this order."""
        sender, closing = self._sender, intent.planned.closing
        await self._patiently_cancel_targets(closing)
        await close.empty(sender, intent, closing)
        await self._tidied(closing)
        return self._verdict(intent, execution_report.FILLED, "CLOSED")

    async def _patiently_cancel_targets(self, closing: Closing) -> None:
        try:
            await close.cancel_targets(self._sender, closing.symbol, closing.position_side)
        except errors.OutcomeError:
            return  # the exit cancels them itself when they stand in its way

    def _verdict(self, intent: IntentRow, status: str, reason: str) -> ExecutionReport:
        rows = self._sender.journal.orders(intent.origin_id)
        return ExecutionReport(status, reason, execution_report.orders(rows), self._sender.clock.now_ms())
