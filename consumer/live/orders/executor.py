"""From a journaled intent to its report: entry, stop, targets. A restart goes on where the journal ends.

Every step looks first at what is written down, so that running this twice does nothing twice.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from consumer.live.exchange.door import urgent
from consumer.live.failpoints import point
from consumer.live.journal import IntentFinishedError, JournalError, OrderPhase, OrderRow
from consumer.live.journal.journaled_plan import Closing
from consumer.live.orders import execution_report, ids
from consumer.live.orders.bracket import StopLeg, TargetLegs
from consumer.live.orders.close import ExitLeg
from consumer.live.orders.emergency import Emergency
from consumer.live.orders.entry import EntryLeg
from consumer.live.orders.execution_report import ExecutionReport
from consumer.live.orders.sender import StillUnknownError

if TYPE_CHECKING:
    from consumer.live.journal import IntentRow
    from consumer.live.orders.entry import Permission
    from consumer.live.orders.sender import OrderSender

#: Pauses, in seconds, before a journal that failed is tried again; then the stop goes out without it.
_JOURNAL_PAUSES_S = (0.05, 0.2, 0.5)
#: And for how long in all, since each try may take a while, too.
_JOURNAL_PATIENCE_S = 0.8
#: How many characters of a reason are told.
MOST_TOLD = 500


class Executor:
    """Carries intents out, one after the other."""

    def __init__(self, sender: OrderSender, permission: Permission) -> None:
        self._sender = sender
        self._permission = permission

    async def carry_out(self, intent: IntentRow) -> ExecutionReport:
        """Bring an intent to its end and write down what that is. Raises NotNowError when it must wait."""
        clock, fails_since, pauses = self._sender.clock, float("inf"), iter(_JOURNAL_PAUSES_S)
        while True:
            try:
                return await self._carried_out(intent)
            except JournalError:
                fails_since = min(fails_since, clock.monotonic())
                pause_s = next(pauses, None)
                if pause_s is None or clock.monotonic() - fails_since > _JOURNAL_PATIENCE_S:
                    await Emergency(self._sender, intent).protect()
                    raise
            await clock.sleep(pause_s)

    async def _carried_out(self, intent: IntentRow) -> ExecutionReport:
        if intent.outcome is not None:
            return ExecutionReport.read(intent.outcome)
        sender, journal = self._sender, self._sender.journal
        try:
            report = await (self._close(intent) if intent.direction == "close" else self._open(intent))
        except StillUnknownError as unknown:
            detail = f"{intent.origin_id}: {unknown}"
            sender.halts.set("HALT_UNKNOWN", detail)
            report = self._report(intent, execution_report.UNKNOWN, "UNKNOWN_AFTER_60_S")
        await sender.halts.written()  # a restart that finds the outcome finds the halt, too
        try:
            await sender.write(journal.finish_intent, intent.origin_id, report.text)
        except IntentFinishedError:
            return self._told_already(intent)
        if all(row.state.is_end and not row.executed for row in journal.orders(intent.origin_id)):
            await sender.write(journal.close_intent, intent.origin_id, sender.clock.now_ms())
        point("after_finish_intent")
        return report

    def _told_already(self, intent: IntentRow) -> ExecutionReport:
        """Return the outcome that another instance wrote down, which took over while this one stood still."""
        now = self._sender.journal.intent(intent.origin_id)
        if now is None or now.outcome is None:
            raise AssertionError(f"{intent.origin_id} is finished and has no outcome")
        return ExecutionReport.read(now.outcome)

    async def _open(self, intent: IntentRow) -> ExecutionReport:
        entered = await EntryLeg(self._sender, intent).enter(self._permission)
        if not isinstance(entered, OrderRow):
            return self._report(intent, *entered)
        return await self.secure(intent, entered)

    async def _close(self, intent: IntentRow) -> ExecutionReport:
        """Cancel the targets, close at market, see that it is flat, cancel the stop: in this order."""
        leaving = ExitLeg(self._sender, intent, intent.planned.closing)
        with urgent():
            await leaving.make_way()
            await leaving.empty()
            await leaving.tidy()
        return self._report(intent, execution_report.FILLED, "CLOSED")

    async def secure(self, intent: IntentRow, entry: OrderRow) -> ExecutionReport:
        """Give what was entered its stop and its targets, or close it."""
        placed = await self.protect(intent, entry)
        if placed is None:
            return await self.escape(intent, entry)
        if placed.state is OrderPhase.ACCEPTED:
            leg = EntryLeg(self._sender, intent)
            entry = await leg.completed(entry)
            average = await leg.average(entry)
            refused = await TargetLegs(self._sender, intent).place(entry.executed or Decimal(0), average)
            if refused:
                return self._report(intent, execution_report.FILLED, f"TARGETS_REFUSED:{refused}"[:MOST_TOLD])
        return self._report(intent, execution_report.FILLED, "FILLED")

    async def protect(self, intent: IntentRow, entry: OrderRow) -> OrderRow | None:
        """Return the verified stop of what was entered; None: it must be closed, or is being closed."""
        if self._sender.rows(intent, (ids.EXIT,)):
            return None
        with urgent():
            average = await EntryLeg(self._sender, intent).average(entry)
            stop = await StopLeg(self._sender, intent).protect(average)
        if stop:
            self._sender.troubles.over(intent.symbol)
        return stop

    async def escape(self, intent: IntentRow, entry: OrderRow) -> ExecutionReport:
        """Close a position that could not get its stop, and halt."""
        sender, plan = self._sender, intent.planned.plan
        closing = Closing(plan.symbol, plan.exit_side, plan.position_side, entry.executed or plan.quantity)
        why = next((row.detail for row in reversed(sender.rows(intent, (ids.STOP,)))), None) or "no stop"
        leaving = ExitLeg(sender, intent, closing)
        sender.troubles.begin(plan.symbol, f"has no stop: {why}")
        sender.halts.set("HALT_STOP_REFUSED", f"{intent.origin_id}: {why}")
        average = await EntryLeg(sender, intent).average(entry)
        with urgent():
            is_flat = await leaving.empty(lambda: StopLeg(sender, intent).once_more(average))
            if is_flat:
                await leaving.tidy()
        # Once more: somebody may have resumed while it was tried, and has not seen how it ended.
        sender.halts.set("HALT_STOP_REFUSED", f"{intent.origin_id}: {why}")
        await sender.halts.written()
        if not is_flat:
            return self._report(intent, execution_report.FILLED, f"STOP_LATE:{why}")
        return self._report(intent, execution_report.FAILED, f"STOP_REFUSED:{why}")

    def _report(self, intent: IntentRow, status: str, reason: str) -> ExecutionReport:
        rows = self._sender.journal.orders(intent.origin_id)
        return ExecutionReport(status, reason, execution_report.orders(rows), self._sender.clock.now_ms())
