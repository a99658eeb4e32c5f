"""Journal and exchange, side by side: before anything is traded, and again while something is open."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from consumer.live.exchange import errors
from consumer.live.exchange.door import urgent
from consumer.live.journal import JournalError, OrderPhase
from consumer.live.journal.rows import DOUBTFUL
from consumer.live.orders import execution_report, ids
from consumer.live.orders.bracket import is_due
from consumer.live.orders.emergency import Emergency
from consumer.live.orders.entry import EntryLeg
from consumer.live.orders.execution_report import ExecutionReport
from consumer.live.orders.sender import StillUnknownError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from consumer.intents.plan import Plan
    from consumer.live.exchange.port import AlgoState, OrderState, Position
    from consumer.live.journal import IntentRow, OrderRow
    from consumer.live.orders.executor import Executor
    from consumer.live.orders.sender import OrderSender
    from consumer.live.risk.account_picture import AccountPicture

_ZERO = Decimal(0)
_STANDS = (OrderPhase.ACCEPTED, OrderPhase.FILLED)
#: Seconds to leave to the instance that trades before another one protects a position in its place.
GRACE_S = 1.0
#: How old, in seconds, a list of positions may be that what is open is looked after by. Of several symbols
#: that are looked at together, one asks for all.
POSITIONS_S = 0.5


class AccountView(NamedTuple):
    """What the exchange shows of an account at one time."""

    positions: Sequence[Position]
    orders: list[OrderState]
    algos: list[AlgoState]

    @property
    def waiting(self) -> list[OrderState | AlgoState]:
        """All orders that are open."""
        return [*self.orders, *self.algos]


class Keeper:
    """Looks after what is open: positions keep their stop, and what is closed leaves nothing behind.

    What it does in a symbol is for that symbol's worker to do, in its turn.
    """

    def __init__(self, sender: OrderSender, executor: Executor, picture: AccountPicture) -> None:
        self._sender = sender
        self._executor = executor
        self._picture = picture
        self._seen_flat: set[str] = set()
        self._naked_since: dict[str, float] = {}
        #: By symbol, the intents whose stop has triggered and left something, and since when.
        self._left_since: dict[str, dict[str, float]] = {}

    def is_in_doubt(self, symbol: str) -> bool:
        """Tell whether the last look at a symbol saw what a second one, soon, must confirm."""
        return bool(self._left_since.get(symbol))

    async def resume(self, symbol: str) -> None:
        """Carry on every intent of a symbol without an outcome, those first that hold a position.

        Raises NotNowError, and whatever the exchange's silence raises.
        """
        unresolved = _of(symbol, self._sender.journal.unresolved())
        for intent in sorted(unresolved, key=lambda intent: not self._executed(intent)):
            await self._executor.carry_out(intent)

    async def differences(self) -> list[str]:
        """Say what the exchange shows and the journal does not know."""
        seen = await self._see()
        known = {
            (plan.symbol, plan.position_side): plan.is_long
            for plan in (intent.planned.plan for intent in self._may_have_opened())
        }
        strange = [
            f"position {position.amount:f} {position.symbol} {position.side}"
            for position in seen.positions
            if known.get((position.symbol, position.side)) is not (position.amount > 0)
        ]
        strange += [
            f"order {order.client_id} of {order.symbol}"
            for order in seen.waiting
            if self._sender.journal.order(order.client_id) is None and not self._is_emergency(order)
        ]
        return strange

    def _is_emergency(self, order: OrderState | AlgoState) -> bool:
        """Tell whether an order was sent for an intent of ours while the journal failed."""
        own = ids.own(order.client_id)
        intents = self._sender.journal.open_intents()
        return own is not None and any(
            own.stem == ids.stem(intent.origin_id, intent.body_sha256) for intent in intents
        )

    async def forgotten(self, symbols: Iterable[str]) -> str:
        """Say what shows that this journal is not the one that this account was traded with, or nothing.

        A first start finds nothing of ours, and its journal remembers the account from then on.
        """
        journal, alias = self._sender.journal, await self._sender.exchange.account_alias()
        known = journal.meta("account")
        if not known:
            await self._sender.write(journal.set_meta, "account", alias)
        elif known != alias:
            return f"the journal is of account {known}, and the key of {alias}"
        if journal.intents_begun():
            return ""
        for symbol in symbols:
            for order in await self._sender.exchange.latest_orders(symbol):
                if ids.own(order.client_id):
                    new = journal.identity()
                    return f"the exchange has {order.client_id} of {symbol}, and journal {new} is new"
        return ""

    async def look(self, symbol: str) -> list[tuple[IntentRow, ExecutionReport]]:
        """Look after all of a symbol that is open once; return what became known of intents told `unknown`.

        Raises the first OutcomeError unless there is something to tell: then the next look will raise it.
        """
        open_intents = _of(symbol, self._sender.journal.open_intents())
        intents = [intent for intent in open_intents if intent.is_finished]
        if not intents:
            self._left_since.pop(symbol, None)
            return []
        seen = await self._see_symbol(symbol)
        amended: list[tuple[IntentRow, ExecutionReport]] = []

        async def learn(intent: IntentRow) -> None:
            if learnt := await self._learnt(intent):
                amended.append(learnt)

        async def look_after(intent: IntentRow) -> None:
            is_holder = intent.origin_id in holders
            try:
                await self._refresh(intent, seen)
                await self._tend(intent, seen, left_before, is_holder=is_holder)
            except JournalError:
                if is_holder and _position(intent, seen):
                    await Emergency(self._sender, intent).protect()
                raise

        left_before, self._left_since[symbol] = self._left_since.get(symbol, {}), {}
        failed = await _each(intents, learn)
        holders = self._holders()
        failed = await _each(intents, look_after) or failed
        if failed and not amended:
            raise failed
        return amended

    async def rescue(self, symbol: str) -> None:
        """Protect a symbol's journaled fills that nobody else protects, lease or no lease, and nothing else.

        Raises the first OutcomeError, once all had their turn.
        """
        with urgent():
            failed = await _each(_of(symbol, self._sender.journal.open_intents()), self._rescue)
        if failed:
            raise failed

    async def _rescue(self, intent: IntentRow) -> None:
        if intent.direction == "close" or intent.closed_ms is not None:
            return
        entry = await self._found_entry(intent)
        if entry is None or not entry.executed or self._is_settled(intent):
            self._naked_since.pop(intent.origin_id, None)
            return
        now = self._sender.clock.monotonic()
        if now - self._naked_since.setdefault(intent.origin_id, now) < GRACE_S:
            return
        plan = intent.planned.plan
        if not await self._is_held(intent, plan):
            self._naked_since[intent.origin_id] = now
        else:
            await self._secured(intent, entry)

    async def _secured(self, intent: IntentRow, entry: OrderRow) -> None:
        """Protect or close a position; where the journal fails, without it."""
        try:
            if await self._executor.protect(intent, entry) is None:
                await self._executor.escape(intent, entry)
        except JournalError:
            await Emergency(self._sender, intent).protect()
            raise

    async def _found_entry(self, intent: IntentRow) -> OrderRow | None:
        """Return an entry with what is executed of it; an answer that said NEW did not tell that yet."""
        row = next(reversed(self._sender.rows(intent, (ids.ENTRY,))), None)
        if row and (row.state in DOUBTFUL or (row.state is OrderPhase.ACCEPTED and not row.executed)):
            return await self._sender.ask(row)
        return row

    async def _is_held(self, intent: IntentRow, plan: Plan) -> bool:
        """Tell whether the exchange shows a position that this intent entered last."""
        held = AccountView(await self._sender.exchange.positions(plan.symbol), [], [])
        return intent.origin_id in self._holders() and _position(intent, held) is not None

    def _is_settled(self, intent: IntentRow) -> bool:
        """Tell whether a position has its stop, or had its exit."""
        stops = self._sender.rows(intent, (ids.STOP,))
        exits = self._sender.rows(intent, (ids.EXIT,))
        return any(row.state in _STANDS for row in stops) or any(row.executed for row in exits)

    async def _learnt(self, intent: IntentRow) -> tuple[IntentRow, ExecutionReport] | None:
        """Find out at last what became of an intent that was told `unknown`, and see to its position."""
        told = ExecutionReport.read(intent.outcome or "")
        if (
            told.status != execution_report.UNKNOWN
            or intent.amendment is not None
            or intent.direction == "close"
        ):
            return None
        entry = await self._found_entry(intent)
        if entry is None and self._is_conclusive(intent):
            row = self._sender.rows(intent, (ids.ENTRY,))[-1]
            entry = await EntryLeg(self._sender, intent).by_position(row)
        try:
            if entry and entry.executed:
                report = await self._executor.secure(intent, entry)
            elif entry is None and self._is_conclusive(intent):
                row = self._sender.rows(intent, (ids.ENTRY,))[-1]
                await self._sender.record(row, OrderPhase.GONE)
                report = told._replace(status=execution_report.REJECTED, reason="ENTRY_NEVER_ARRIVED")
            elif entry and entry.state.is_end:
                report = told._replace(
                    status=execution_report.REJECTED, reason=f"{entry.state}:{entry.detail}"
                )
            else:
                return None
        except StillUnknownError:
            return None
        await self._sender.write(self._sender.journal.amend_intent, intent.origin_id, report.text)
        return intent, report

    def _is_conclusive(self, intent: IntentRow) -> bool:
        row = next(reversed(self._sender.rows(intent, (ids.ENTRY,))), None)
        return row is not None and row.state in DOUBTFUL and row.absence_is_conclusive

    async def _refresh(self, intent: IntentRow, seen: AccountView) -> None:
        """Ask about every order that is not among the open ones any more, or never was."""
        waiting = {order.client_id for order in seen.waiting}
        for row in self._sender.journal.orders(intent.origin_id):
            if row.state in (OrderPhase.ACCEPTED, *DOUBTFUL) and row.client_id not in waiting:
                answered = await self._sender.ask(row)
                if answered is None and row.leg != ids.ENTRY:
                    await self._note_absent(self._sender.row(row.client_id))

    async def _note_absent(self, row: OrderRow) -> None:
        if not row.state.is_end and row.absence_is_conclusive:
            await self._sender.record(row, OrderPhase.GONE)

    async def _tend(
        self, intent: IntentRow, seen: AccountView, left_before: Mapping[str, float], *, is_holder: bool
    ) -> None:
        journal = self._sender.journal
        if is_holder and _position(intent, seen):
            self._seen_flat.discard(intent.origin_id)
            await self._keep_protected(intent, left_before)
        elif is_holder and _is_turned(intent, seen):
            self._seen_flat.discard(intent.origin_id)  # not flat: the position watch halts, and protects it
        elif intent.origin_id not in self._seen_flat:
            self._seen_flat.add(intent.origin_id)  # once may be the lag of an answer
        else:
            self._sender.refused_targets.over(intent.symbol)
            if intent.direction != "close":
                await self._halt_unless_closed_by_us(intent)
            await self._clear(intent)
            left = [row for row in journal.orders(intent.origin_id) if not row.state.is_end]
            if all(row.state is OrderPhase.PREPARED for row in left):
                await self._sender.write(journal.close_intent, intent.origin_id, self._sender.clock.now_ms())
                self._seen_flat.discard(intent.origin_id)

    async def _halt_unless_closed_by_us(self, intent: IntentRow) -> None:
        """Halt where a position has gone that neither stop nor target nor exit of ours has closed."""
        sender = self._sender
        rows = sender.journal.orders(intent.origin_id)
        entries = [row for row in rows if row.leg == ids.ENTRY and row.executed]
        entered = sum((row.executed or _ZERO for row in entries), _ZERO)
        if not entered or any(row.leg == ids.STOP and row.state is OrderPhase.FILLED for row in rows):
            return
        since_ms = min(row.sent_at_ms or 0 for row in entries)
        exits = sender.journal.exits(intent.symbol, since_ms)
        closing = [*exits, *(row for row in rows if row.leg in ids.TARGETS)]
        if sum((row.executed or _ZERO for row in closing), _ZERO) < entered:
            unwritten = sender.client_id(intent, ids.EXIT, ids.EMERGENCY_ATTEMPT)
            if await sender.exchange.order(intent.symbol, unwritten):
                return
            what = f"{entered:f} {intent.symbol} of {intent.origin_id}"
            sender.halts.set("HALT_STATE_DIFFERS", f"closed by another hand: {what}")

    async def _keep_protected(self, intent: IntentRow, left_before: Mapping[str, float]) -> None:
        """Place again the stop that is gone, and the targets that never arrived."""
        entry = self._sender.rows(intent, (ids.ENTRY,))[-1]
        stops = self._sender.rows(intent, (ids.STOP,))
        has_stop = any(row.state is OrderPhase.ACCEPTED for row in stops)
        # A stop goes with its position, and the position may have been looked at before that.
        if not has_stop and not await self._is_held(intent, intent.planned.plan):
            return
        if not has_stop and any(row.state is OrderPhase.FILLED for row in stops):
            await self._close_what_the_stop_left(intent, entry, left_before)
        elif not has_stop or self._targets_are_due(intent):
            await self._executor.secure(intent, entry)

    def _targets_are_due(self, intent: IntentRow) -> bool:
        now_ms = self._sender.clock.now_ms()
        by_leg = [self._sender.rows(intent, (letter,)) for letter in ids.TARGETS]
        return any(rows and is_due(rows[-1], len(rows), now_ms) for rows in by_leg)

    async def _close_what_the_stop_left(
        self, intent: IntentRow, entry: OrderRow, left_before: Mapping[str, float]
    ) -> None:
        """Close what a stop that has triggered did not; seen once, it may be the lag of an answer."""
        now = self._sender.clock.monotonic()
        since = left_before.get(intent.origin_id, now)
        self._left_since[intent.symbol][intent.origin_id] = since
        if now > since:
            await self._executor.escape(intent, entry)

    async def _clear(self, intent: IntentRow) -> None:
        """Cancel what an intent left behind when its position was closed."""
        for row in self._sender.journal.orders(intent.origin_id):
            if row.state in (OrderPhase.ACCEPTED, *DOUBTFUL) and row.leg not in (ids.ENTRY, ids.EXIT):
                symbol = row.order.symbol
                cancel = (
                    self._sender.exchange.cancel_algo if row.kind == "algo" else self._sender.exchange.cancel
                )
                with suppress(errors.AbsentError):
                    await cancel(symbol, row.client_id)
                await self._sender.ask(row)

    def _opened(self) -> list[IntentRow]:
        """Return the open intents that have executed something, by when their entries were sent.

        Not by when they were published: an older intent may have waited, and enter after a younger one.
        """
        opened = [
            intent
            for intent in self._sender.journal.open_intents()
            if intent.direction != "close" and self._executed(intent)
        ]
        return sorted(opened, key=self._sent_at_ms)

    def _may_have_opened(self) -> list[IntentRow]:
        """Return the open intents that have executed something, or may have."""
        return [
            intent
            for intent in self._sender.journal.open_intents()
            if intent.direction != "close"
            and any(
                row.executed or row.state in (OrderPhase.ACCEPTED, *DOUBTFUL)
                for row in self._sender.rows(intent, (ids.ENTRY,))
            )
        ]

    def _sent_at_ms(self, intent: IntentRow) -> int:
        return max(row.sent_at_ms or 0 for row in self._sender.rows(intent, (ids.ENTRY,)))

    def _holders(self) -> set[str]:
        """Return, of each symbol and position side, the intent that entered last: a position there is its."""
        latest = {
            (intent.planned.plan.symbol, intent.planned.plan.position_side): intent.origin_id
            for intent in self._opened()
        }
        return set(latest.values())

    def _executed(self, intent: IntentRow) -> bool:
        return any(row.executed for row in self._sender.rows(intent, (ids.ENTRY,)))

    async def _see(self) -> AccountView:
        exchange = self._sender.exchange
        return AccountView(
            await exchange.positions(), await exchange.open_orders(), await exchange.open_algos()
        )

    async def _see_symbol(self, symbol: str) -> AccountView:
        exchange = self._sender.exchange
        return AccountView(
            await self._picture.positions(POSITIONS_S, symbol),
            await exchange.open_orders(symbol),
            await exchange.open_algos(symbol),
        )


def _of(symbol: str, intents: Sequence[IntentRow]) -> list[IntentRow]:
    return [intent for intent in intents if intent.symbol == symbol]


async def _each(
    intents: Sequence[IntentRow], act: Callable[[IntentRow], Awaitable[None]]
) -> errors.OutcomeError | None:
    """Act on each intent; what cannot be learned of one symbol must not cost another one its stop.

    Return the first failure, if there was one.
    """
    failed: errors.OutcomeError | None = None
    for intent in intents:
        try:
            await act(intent)
        except errors.OutcomeError as error:
            failed = failed or error
    return failed


def _is_turned(intent: IntentRow, seen: AccountView) -> bool:
    plan = intent.planned.plan
    return any(
        (position.symbol, position.side) == (plan.symbol, plan.position_side) for position in seen.positions
    )


def _position(intent: IntentRow, seen: AccountView) -> Position | None:
    plan = intent.planned.plan
    for position in seen.positions:
        if (position.symbol, position.side) == (plan.symbol, plan.position_side) and (
            position.amount > 0
        ) == plan.is_long:
            return position
    return None
