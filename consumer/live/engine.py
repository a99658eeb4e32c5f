"""What live mode does at the exchange, one thing at a time, and all of it without Redis.

An intent that was begun is carried to its stop or its exit whatever becomes of the connection that brought
it, and positions are looked after while there is none.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections import Counter
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from consumer.base import clock
from consumer.base.log import logger
from consumer.intents import filters
from consumer.intents.decide import FAILED_DELIVERIES, failed
from consumer.live.exchange import errors
from consumer.live.exchange.breaker import Breaker
from consumer.live.exchange.client import BinanceExchange, Observer
from consumer.live.exchange.limiter import Cost, Limiter
from consumer.live.intent_handler import IntentHandler, PreTradeCheck, Settlement, news
from consumer.live.journal import JournalError
from consumer.live.journal.lease import Lease, LeaseLostError, Waiting
from consumer.live.orders import position_watch, reconciliation
from consumer.live.orders.entry import GIVE_UP_S
from consumer.live.orders.executor import Executor
from consumer.live.orders.sender import NotNowError, OrderSender, StillUnknownError
from consumer.live.risk.account_picture import AccountPicture
from consumer.live.risk.engine import RiskEngine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence

    from consumer.intents.context import Context
    from consumer.intents.entry import Entry
    from consumer.live.config import LiveConfig
    from consumer.live.halt import Halts
    from consumer.serve.state import ServiceState
    from consumer.stream.session import Stopping

#: How often, in seconds, the lease is renewed or asked for, positions are looked at and looked after, and the
#: exchange's rules fetched.
LEASE_S, CLAIM_S, RESCUE_S, KEEP_S, RULES_S = 1.0, 0.2, 0.5, 10.0, 600.0
#: And how soon again at what one look alone does not prove.
AGAIN_S = 1.0
#: How often, in seconds, it is looked whether the account is still set as the limits file says.
ACCOUNT_S = 8.0
#: For so long after SIGTERM what is in hand may go on to its stop or exit.
FINISH_S = 8.0
#: A jump of the exchange's clock beside ours, in ms, that halts.
JUMP_MS = 1000
#: What one intent may take of the rate limits: its questions, and an entry with stop and targets.
INTENT_COST = Cost(weight=80, orders=5)


class RedisClock:
    """Implements consumer.live.exchange.port.Clock on Redis's time."""

    def __init__(self, measured: clock.Clock) -> None:
        self._measured = measured

    def now_ms(self) -> int:
        """Return Redis's time."""
        return self._measured.now_ms()

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let others run for so long."""
        await asyncio.sleep(seconds)


class ExecutionEngine:
    """One instance at the exchange. It must be made while an event loop runs."""

    def __init__(
        self, context: Context, config: LiveConfig, state: ServiceState, halts: Halts, stopping: Stopping
    ) -> None:
        self._context = context
        self._config = config
        self._state = state
        self._halts = halts
        self._stopping = stopping
        self._log = logger()
        self.journal = config.journal
        self.late: list[Sequence[str]] = []
        self._clock = RedisClock(state.clock)
        holder = f"{context.settings.consumer_name}@{socket.gethostname()}:{os.getpid()}"
        self.lease = Lease(self.journal.store, holder)
        self.breaker, self._limiter = Breaker(), Limiter()
        self._rules = filters.Snapshot("none", {})
        self._rules_at = self._kept_at = self._renewed_at = self._busy_since = float("-inf")
        self._busy = asyncio.Lock()
        self._hands: set[asyncio.Task[Any]] = set()
        self._ready_for: int | None = None
        self._key_refused = self._journal_failed = ""
        self._own_faults: Counter[str] = Counter()
        self._waits_for = ""
        self._offset_ms: int | None = None
        self._assemble()

    def _assemble(self) -> None:
        """Put the parts together; the exchange's client needs a running loop."""
        self._exchange = BinanceExchange(
            self._config.url,
            self._config.api_key,
            self._config.api_secret,
            self._clock.now_ms,
            Observer(self._answered, self._ended, self._door),
        )
        self._sender = OrderSender(self._exchange, self.journal, self.lease, self._clock)
        self._picture = AccountPicture(self._exchange, self._clock, self._sender.acted_s)
        judge = RiskEngine(
            self._exchange,
            self._picture,
            self.journal,
            self._clock,
            self._config.limits,
            promotion=self._config.promotion,
            rules=lambda: self._rules,
        )
        permission = PreTradeCheck(self._sender, judge, self._halts, self._context.max_age_ms, self._not_now)
        self._executor = Executor(self._sender, permission)
        self._keeper = reconciliation.Keeper(self._sender, self._executor)
        self._position_watch = position_watch.PositionWatch(self._sender)
        nonce = self._config.promotion.nonce if self._config.promotion else ""
        self._handler = IntentHandler(
            self._context, self._sender, judge, self._executor, self._halts, promotion=nonce
        )

    def journal_failed(self, error: JournalError) -> None:
        """Take note that the journal could not be written: until it can be again, nothing is opened."""
        if str(error) != self._journal_failed:
            self._log.error("journal_failed", why=str(error))
        self._journal_failed = str(error)

    def tasks(self) -> list[tuple[float, Callable[[], Awaitable[None]]]]:
        """Return what is to be done again and again, and every how many seconds."""
        return [
            (CLAIM_S, self._keep_lease),
            (RESCUE_S, self._look_after),
            (clock.EVERY_S, self._measure_exchange),
            (ACCOUNT_S, self._watch_account),
            (position_watch.EVERY_S, self._watch_positions),
        ]

    async def close(self) -> None:
        """Let what is in hand go on for a while, then let go of everything."""
        if self._hands:
            _, unfinished = await asyncio.wait(self._hands, timeout=FINISH_S)
            for hand in unfinished:
                hand.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)
        with suppress(LeaseLostError, JournalError):  # otherwise it runs out by itself
            if self.lease.held:
                self.lease.release(self._clock.now_ms())
        await self._exchange.close()
        self.journal.close()

    @property
    def is_ready(self) -> bool:
        """Whether this instance trades: the lease is its own, and all was reconciled under it."""
        held = self.lease.held
        return held is not None and self._ready_for == held.fencing

    @property
    def is_busy(self) -> bool:
        """Whether something is in hand that still has its time."""
        return self._busy.locked() and time.monotonic() - self._busy_since < GIVE_UP_S + FINISH_S

    @property
    def may_go_on(self) -> bool:
        """Whether the next entry may be taken."""
        return self.is_ready and self.breaker.is_closed and not self._stopping.has_begun

    def may_decide(self) -> bool:
        """Whether the lease is this instance's now, as the journal has it.

        What it holds in memory is not enough: a process that was paused goes on with what it knew before,
        while a successor may have begun the very intent.
        """
        try:
            self.lease.check(self._clock.now_ms())
        except LeaseLostError as lost:
            self._log.warning("not_decided", why=str(lost))
            return False
        return True

    async def reconcile(self) -> bool:
        """Reconcile journal and exchange, before the first entry under a lease. Raises RefusedError."""
        held = self.lease.held
        if held is None:
            return False
        try:
            strange = await self._in_hand(self._reconciled)
        except (errors.OutcomeError, NotNowError) as error:
            self._log.warning("not_ready", why=str(error))
            return False
        if strange:
            self._halts.set("HALT_STATE_DIFFERS", f"not in the journal: {'; '.join(strange)}"[:500])
        self._ready_for = held.fencing
        self._log.info("reconciled", differences=strange)
        return True

    async def take(self, entry: Entry) -> Settlement | None:
        """Decide about an entry and act on it; None leaves it pending."""
        return await self._in_hand(partial(self._take, entry))

    async def probe(self) -> None:
        """Ask the exchange anything, once its pause is over: an answer closes the breaker."""
        if self.breaker.pause_s(time.monotonic()) > 0:
            return
        try:
            await self._exchange.time_ms()
        except errors.OutcomeError:
            return

    def view(self) -> dict[str, Any]:
        """Return what /state says of it."""
        held = self.lease.held
        lease = {"held": held is not None, "fencing": held.fencing if held else None}
        return {
            "stage": self._config.stage,
            "lease": {**lease, "waits_for": self._waits_for or None},
            "ready": self.is_ready,
            "breaker": "closed" if self.breaker.is_closed else "open",
            "journal": self._journal_fault() or "ok",
            "exchange_offset_ms": self._exchange.offset_ms,
            "unprotected": dict(self._sender.troubles.present),
            "quiet_s": round(self._quiet_s(), 1),
        }

    def complaints(self) -> list[str]:
        """Say what keeps this instance from trading that waiting for the lease does not explain."""
        told = [
            f"{symbol} is open and {why}" for symbol, why in sorted(self._sender.troubles.present.items())
        ]
        if self._quiet_s() > 0:
            told.append(f"the exchange wants to be left alone for {self._quiet_s():.0f} s more")
        if self._key_refused:
            told.append(f"KEY_REFUSED: {self._key_refused}")
        if self._journal_fault():
            return [*told, self._journal_fault()]
        if not self.breaker.is_closed:
            return [*told, "the exchange fails: reading pauses"]
        is_waiting = self.is_ready or not self.lease.held
        return told if is_waiting else [*told, "journal and exchange are not reconciled"]

    def _quiet_s(self) -> float:
        """Return for how many seconds more nothing may be sent at all."""
        return self._limiter.closed_s(time.monotonic())

    async def _keep_lease(self) -> None:
        now_ms = self._clock.now_ms()
        if self.lease.held:
            self._renew_lease(now_ms)
        elif self._state.clock.offset_ms is not None:  # the lease is told in Redis's time
            self._ask_for_lease(now_ms)

    def _renew_lease(self, now_ms: int) -> None:
        if time.monotonic() - self._renewed_at < LEASE_S:
            return
        self._renewed_at = time.monotonic()
        try:
            self.lease.renew(now_ms)
        except LeaseLostError as lost:
            self._log.warning("lease_lost", why=str(lost))
        self._journal_works()

    def _journal_works(self) -> None:
        if self._journal_failed:
            self._log.warning("journal_works_again")
        self._journal_failed = ""

    def _ask_for_lease(self, now_ms: int) -> None:
        claimed = self.lease.acquire(now_ms)
        self._journal_works()
        if isinstance(claimed, Waiting):
            if self._waits_for != claimed.holder:
                self._log.info("lease_waiting", holder=claimed.holder)
            self._waits_for = claimed.holder
        else:
            self._waits_for = ""
            self._renewed_at = time.monotonic()
            self._log.info(
                "lease_held", fencing=claimed.fencing, entries_in_ms=claimed.entries_from_ms - now_ms
            )

    async def _look_after(self) -> None:
        """See that no position stays without a stop, and under the lease to all else that is open."""
        try:
            await self._in_hand(self._keeper.rescue)
            every_s = AGAIN_S if self._keeper.is_in_doubt else KEEP_S
            if self.is_ready and time.monotonic() - self._kept_at >= every_s:
                self._kept_at = time.monotonic()
                for intent, report in await self._in_hand(self._keeper.look):
                    self.late += news(intent, report)
        except (errors.OutcomeError, NotNowError, StillUnknownError) as error:
            self._log.debug("not_looked_after", why=str(error))

    async def _in_hand[Result](self, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Do one thing at a time with the exchange; who waits for it may be cancelled, the work is not."""

        async def alone() -> Result:
            async with self._busy:
                self._busy_since = time.monotonic()
                return await work()

        hand = asyncio.create_task(alone())
        self._hands.add(hand)
        hand.add_done_callback(self._hands.discard)
        return await asyncio.shield(hand)

    async def _measure_exchange(self) -> None:
        try:
            await self._exchange.time_ms()
        except errors.OutcomeError:
            return
        before, self._offset_ms = self._offset_ms, self._exchange.offset_ms
        if before is None:
            self._log.info("exchange_clock", offset_ms=self._offset_ms)
        elif abs(self._offset_ms - before) > JUMP_MS:
            self._halts.set("HALT_CLOCK_JUMP", f"from {before} ms ahead of ours to {self._offset_ms} ms")

    async def _reconciled(self) -> list[str]:
        """Carry on what was begun, first; then compare all else, and say what the journal does not know."""
        await self._exchange.time_ms()
        with suppress(errors.OutcomeError):  # what holds a position is carried on without them
            await self._refresh_rules()
        await self._keeper.resume()
        if not self._rules.symbols:
            await self._refresh_rules()
        await reconciliation.require_configuration(self._exchange, self._config.limits, self._rules.symbols)
        return await self._keeper.differences()

    async def _refresh_rules(self) -> None:
        rules = await self._exchange.exchange_info()
        self._rules = filters.Snapshot(f"exchangeInfo@{self._clock.now_ms()}", rules)
        self._rules_at = time.monotonic()
        pinned = filters.load().symbols
        differ = [name for name in self._config.limits.symbols if rules.get(name) != pinned.get(name)]
        self._log.info("rules_fetched", symbols=len(rules), other_than_rehearsed=differ)

    async def _take(self, entry: Entry) -> Settlement | None:
        """Decide and act; None leaves the entry pending."""
        try:
            if time.monotonic() - self._rules_at > RULES_S:
                await self._refresh_rules()
            return await self._handler.take(entry)
        except (NotNowError, errors.OutcomeError) as error:
            self._log.warning("put_off", entry=entry.id, why=str(error))
            self._state.counters["not_now"] += 1
            return None
        except JournalError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever our own code does wrong must not stop the others
            return self._own_fault(entry, error)

    def _own_fault(self, entry: Entry, error: Exception) -> Settlement | None:
        """Give up on an entry that our own code fails on; never once it may have become an order."""
        self._state.counters["consumer_errors"] += 1
        self._log.exception("consumer_error", entry=entry.id)
        fields = entry.fields or {}
        origin_id = fields.get(b"origin_id", entry.id.encode()).decode("utf-8", "replace")
        if self.journal.intent(origin_id) is None:
            self._own_faults[entry.id] += 1
            is_final = self._own_faults[entry.id] >= FAILED_DELIVERIES
            decision = failed(entry.id, fields, error)
            return Settlement(decision._replace(deliveries=1) if is_final else decision)
        self._halts.set("HALT_CONSUMER_ERROR", f"{entry.id}: {type(error).__name__}")
        return None

    def _not_now(self) -> str | None:
        """Say why nothing may be opened at this moment, though it may be in a later one."""
        if self._stopping.has_begun:
            return "stopping"
        if not self.lease.held:
            return "this instance does not hold the lease"
        if not self.breaker.is_closed:
            return "the exchange fails"
        wait_s = self._limiter.wait_s(INTENT_COST, time.monotonic(), is_exit=False)
        return f"the exchange's rate limits, for {wait_s:.1f} s" if wait_s else None

    def _door(self, cost: Cost, *, is_urgent: bool) -> float:
        """Return for how many seconds a request must wait; 0 counts it as sent."""
        now = time.monotonic()
        wait_s = self._limiter.wait_s(cost, now, is_exit=is_urgent)
        if not wait_s:
            self._limiter.sent(cost, now)
        return wait_s

    def _answered(self, _status: int, headers: Mapping[str, str]) -> None:
        self._limiter.answered(headers, time.monotonic())

    def _ended(self, error: errors.OutcomeError | None) -> None:
        was_closed = self.breaker.is_closed
        self.breaker.note(error, time.monotonic())
        if isinstance(error, errors.ThrottledError):
            exchange_ms = time.time_ns() // 1_000_000 + self._exchange.offset_ms
            self._limiter.throttled(error, time.monotonic(), exchange_ms)
        self._note_key(error)
        if was_closed != self.breaker.is_closed:
            self._log.warning("breaker_changed", closed=self.breaker.is_closed, why=str(error or "answered"))

    def _note_key(self, error: errors.OutcomeError | None) -> None:
        """Halt when the key, its rights or our signature are not accepted any more."""
        refused = str(error) if error and error.code in errors.KEY_REFUSED else ""
        if refused and not self._key_refused:
            self._log.error("key_refused", why=refused)
            self._halts.set("HALT_KEY_REFUSED", refused)
        if refused or error is None:
            self._key_refused = refused

    async def _watch_account(self) -> None:
        """Halt when somebody changes how the account is set, or takes the key away."""
        if not self.is_ready:
            return
        try:
            wrong = await reconciliation.settings_changed(self._exchange, self._config.limits)
        except errors.OutcomeError as error:
            self._log.debug("account_not_watched", why=str(error))
            return
        if wrong:
            self._halts.set("HALT_ACCOUNT_CHANGED", "; ".join(wrong)[:500])

    async def _watch_positions(self) -> None:
        """Halt when a position is there that no intent accounts for."""
        if not self.is_ready or not self.breaker.is_closed:
            return
        try:
            if await self._in_hand(self._position_watch.look):
                self._kept_at = float("-inf")  # what has changed is looked after now
                self._picture.forget_income()
        except (errors.OutcomeError, NotNowError, StillUnknownError) as error:
            self._log.debug("positions_not_watched", why=str(error))

    def _journal_fault(self) -> str:
        if self._journal_failed:
            return self._journal_failed
        try:
            self.journal.meta("schema")
        except JournalError as error:
            return str(error)
        return ""
