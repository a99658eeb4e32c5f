"""The running consumer in live mode: one instance reads, decides, acts and settles; the others wait.

What reaches the exchange does not depend on Redis: an intent that was begun is carried to its stop or its
exit whatever becomes of the connection, and positions are looked after while there is none.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import socket
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from consumer import clock, failpoints, filters, halt, health, stream_id
from consumer.decide import failed
from consumer.errors import GroupMissingError
from consumer.journal import JournalError
from consumer.lease import Lease, LeaseLostError, Waiting
from consumer.link import Link
from consumer.log import logger
from consumer.orders import outcome, reconcile, resolve
from consumer.orders.breaker import Breaker
from consumer.orders.client import BinanceExchange, Observer
from consumer.orders.desk import Desk, NotNowError
from consumer.orders.executor import Executor
from consumer.orders.intake import Gates, Intake, Permission, Told, retold
from consumer.orders.judge import Judge
from consumer.orders.limiter import Cost, Limiter
from consumer.orders.verdict import Verdict
from consumer.service import BACK_OFF_S, identity, leaf
from consumer.settle import Settler
from consumer.state import State
from consumer.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence

    from consumer.context import Context
    from consumer.means import Means
    from consumer.stream import Entry

#: Small batches: what was read and not yet begun must not grow old behind an order.
BATCH = 10
#: How often, in seconds, each thing is looked at.
LEASE_S, HALT_S, RESCUE_S, KEEP_S, RULES_S = 1.0, 0.5, 0.5, 10.0, 600.0
#: How often a lease that is not ours is asked for.
CLAIM_S = 0.2
#: For so long after SIGTERM what is in hand may go on to its stop or exit.
FINISH_S = 8.0
#: A jump of the exchange's clock beside ours, in ms, that halts.
JUMP_MS = 1000
#: What one intent may take of the rate limits: its questions, and an entry with stop and targets.
INTENT_COST = Cost(weight=80, orders=5)


class RedisClock:
    """Implements consumer.ports.Clock on Redis's time."""

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


class Live:
    """One instance in live mode."""

    def __init__(self, context: Context, password: str | None, means: Means) -> None:
        settings = context.settings
        live_from = means.promotion.live_from if means.promotion else (0, 0)
        self._context = dataclasses.replace(context, planner=Gates(), cutover=max(context.cutover, live_from))
        self._password = password
        self._means = means
        self._stopping = asyncio.Event()
        self._log = logger()
        self._told: set[str] = set()
        self.state = State(settings)
        self._clock = RedisClock(self.state.clock)
        self._journal = means.journal
        self._halts = halt.Halts(self._journal, self._clock, halt.file_of(settings))
        holder = f"{settings.consumer_name}@{socket.gethostname()}:{os.getpid()}"
        self._lease = Lease(self._journal.store, holder)
        self._breaker, self._limiter = Breaker(), Limiter()
        self._stream = Stream(dataclasses.replace(settings, batch=min(settings.batch, BATCH)))
        self._settler = Settler(self._context, means.stage)
        self._rules = filters.Snapshot("none", {})
        self._rules_at = self._kept_at = self._claimed_at = self._renewed_at = float("-inf")
        self._busy = asyncio.Lock()
        self._hands: set[asyncio.Task[Any]] = set()
        self._busy_since = float("-inf")
        self._ready_for: int | None = None
        self._late: list[Sequence[str]] = []
        self._waits_for = ""
        self._offset_ms: int | None = None

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT. Raises RefusedError when the account is not as it must be."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop)
        loop.add_signal_handler(signal.SIGUSR1, self._halts.set, halt.BY_SIGNAL, "SIGUSR1")
        self._assemble()
        self.state.live, self.state.live_complaints = self._view, self._complaints
        try:
            async with health.served(self._context, self.state), asyncio.TaskGroup() as tasks:
                tasks.create_task(self._regularly(CLAIM_S, self._keep_lease))
                tasks.create_task(self._regularly(RESCUE_S, self._look_after))
                tasks.create_task(self._regularly(clock.EVERY_S, self._measure_exchange))
                tasks.create_task(self._sessions())
        except* Exception as errors:
            raise leaf(errors) from errors
        finally:
            await self._end()

    def stop(self) -> None:
        """Read no more; what was sent reaches its stop or its exit, and the rest stays pending."""
        if not self._stopping.is_set():
            self._log.info("stopping")
        self._stopping.set()

    def _assemble(self) -> None:
        """Put the parts together; the exchange's client needs a running loop."""
        self._exchange = BinanceExchange(
            self._means.url,
            self._means.api_key,
            self._means.api_secret,
            self._clock.now_ms,
            Observer(self._answered, self._ended),
        )
        self._desk = Desk(self._exchange, self._journal, self._lease, self._clock)
        permission = Permission(self._desk, self._halts, self._context.max_age_ms, self._not_now)
        self._executor = Executor(self._desk, permission)
        self._keeper = reconcile.Keeper(self._desk, self._executor)
        judge = Judge(self._desk, self._means.limits, self._means.promotion, lambda: self._rules)
        nonce = self._means.promotion.nonce if self._means.promotion else ""
        self._intake = Intake(self._context, self._desk, judge, self._executor, self._halts, promotion=nonce)

    async def _end(self) -> None:
        """Let what is in hand go on for a while, then let go of everything."""
        if self._hands:
            _, unfinished = await asyncio.wait(self._hands, timeout=FINISH_S)
            for hand in unfinished:
                hand.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)
        with suppress(LeaseLostError, JournalError):  # otherwise it runs out by itself
            if self._lease.held:
                self._lease.release(self._clock.now_ms())
        await self._exchange.close()
        self._journal.close()

    # What does not need Redis: the lease, the positions, the exchange's clock.

    async def _keep_lease(self) -> None:
        now_ms = self._clock.now_ms()
        if self._lease.held:
            self._renew_lease(now_ms)
        elif self.state.clock.offset_ms is not None:  # the lease is told in Redis's time
            self._ask_for_lease(now_ms)

    def _renew_lease(self, now_ms: int) -> None:
        if time.monotonic() - self._renewed_at < LEASE_S:
            return
        self._renewed_at = time.monotonic()
        try:
            self._lease.renew(now_ms)
        except LeaseLostError as lost:
            self._log.warning("lease_lost", why=str(lost))

    def _ask_for_lease(self, now_ms: int) -> None:
        found = self._lease.acquire(now_ms)
        if isinstance(found, Waiting):
            self._waits_for = found.holder
            self._tell_once("lease_waiting", holder=found.holder)
        else:
            self._waits_for = ""
            self._renewed_at = time.monotonic()
            self._log.info("lease_held", fencing=found.fencing, entries_in_ms=found.entries_from_ms - now_ms)

    async def _look_after(self) -> None:
        """See that no position stays without a stop, and under the lease to all else that is open."""
        try:
            await self._in_hand(self._keeper.rescue)
            if self._is_ready and time.monotonic() - self._kept_at >= KEEP_S:
                self._kept_at = time.monotonic()
                for intent, found in await self._in_hand(self._keeper.look):
                    self._late += retold(intent, found).also.commands
        except (outcome.OutcomeError, NotNowError, resolve.StillUnknownError) as error:
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
        except outcome.OutcomeError:
            return
        before, self._offset_ms = self._offset_ms, self._exchange.offset_ms
        self._tell_once("exchange_clock", offset_ms=self._offset_ms)
        if before is not None and abs(self._offset_ms - before) > JUMP_MS:
            self._halts.set("HALT_CLOCK_JUMP", f"from {before} ms ahead of ours to {self._offset_ms} ms")

    # What needs Redis.

    async def _sessions(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            failures = 0 if await self._try_session() else failures + 1
            await self._wait(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])

    async def _try_session(self) -> bool:
        """Return whether the session got as far as reading."""
        before = self.state.counters["sessions"]
        try:
            await self._session()
        except* GroupMissingError as errors:
            self._halts.set("HALT_GROUP_MISSING", str(leaf(errors)))
            self._troubled("GROUP_MISSING", errors)
        except* (RedisError, OSError) as errors:
            self._troubled("REDIS_AWAY", errors)
        return self.state.counters["sessions"] > before

    async def _session(self) -> None:
        settings = self._context.settings
        patience_s = settings.block_ms / 1000 + 3
        async with (
            Link(settings.redis_url, self._password, patience_s) as reading,
            Link(settings.redis_url, self._password, patience_s) as settling,
        ):
            await self._meet(settling)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._regularly(clock.EVERY_S, lambda: self._measure_redis(settling)))
                tasks.create_task(self._regularly(HALT_S, lambda: self._look_for_halt(settling)))
                tasks.create_task(self._serve(reading, settling))

    async def _meet(self, link: Link) -> None:
        """Learn who this Redis is, what time it has, and that it knows our group."""
        self._tell_once("redis_connected")
        await self._measure_redis(link)
        await self._recognise(link)
        await self._settler.load(link)
        await self._stream.find_group(link)
        self._tell_once("group_found", group=self._context.settings.group)
        self._tell_once("cutover_known", cutover_id="-".join(map(str, self._context.cutover)))

    async def _recognise(self, link: Link) -> None:
        """Halt at another Redis than the journal's, or the same one restarted: it may have gone back."""
        found = await identity(link)
        self.state.redis_run_id, self.state.replication_id = found
        known = self._journal.meta("redis")
        if not known:
            self._journal.set_meta("redis", ":".join(found))
        elif known != ":".join(found):
            self._fault(
                "REDIS_CHANGED", "Redis was restarted or replaced: what it acknowledged may be undone"
            )
            self._halts.set("HALT_REDIS_CHANGED", f"{known} became {':'.join(found)}")

    async def _measure_redis(self, link: Link) -> None:
        await self.state.clock.measure(link)
        if self.state.clock.is_off():
            self._halts.set("HALT_CLOCK", f"the local clock is {self.state.clock.offset_ms} ms off Redis's")

    async def _look_for_halt(self, link: Link) -> None:
        halted = await self._halts.look(link)
        if self._busy.locked() and time.monotonic() - self._busy_since < resolve.GIVE_UP_S + FINISH_S:
            self.state.turned()  # reading waits for an order, which is progress while it has its time
        if halted != self.state.halt:
            self._log.warning("halt_changed", halt=halted)
            self.state.halt = halted

    async def _serve(self, reading: Link, settling: Link) -> None:
        """Turn: get ready when the lease is new, finish what is in hand, then read, act and settle."""
        first = True
        while not self._stopping.is_set():
            if not await self._may_read(settling):
                self.state.turned()
                await self._wait(0.2)
                continue
            if first:
                await self._own_pending(reading, settling)
                self._tell_once("reading")
                self.state.counters["sessions"] += 1
                first = False
            await self._take_all(settling, await self._new(reading))
            await self._claim(settling)
            await self._tell_late(settling)

    async def _new(self, reading: Link) -> list[Entry]:
        entries = await self._stream.new(reading)
        self.state.turned()
        if entries:
            self.state.counters["read"] += len(entries)
            highest = self._journal.highest_settled()
            if stream_id.parse(entries[0].id) <= highest:
                self._fault("WENT_BACK", f"Redis gave {entries[0].id} as new after {highest[0]}-{highest[1]}")
                self._halts.set("HALT_WENT_BACK", f"{entries[0].id} as new after {highest[0]}-{highest[1]}")
            failpoints.point("after_read")
        return entries

    async def _own_pending(self, reading: Link, settling: Link) -> None:
        count = 0
        async for entries in self._stream.own_pending(reading):
            count += len(entries)
            await self._take_all(settling, entries)
        self._tell_once("own_pending_read", entries=count)

    async def _claim(self, settling: Link) -> None:
        """Take over what anybody, ourselves included, left pending for too long."""
        every_s = min(max(self._context.settings.claim_idle_ms / 2000, 0.1), 5.0)
        if time.monotonic() - self._claimed_at < every_s:
            return
        self._claimed_at = time.monotonic()
        async for entries in self._stream.claimed(settling):
            self.state.counters["claimed"] += len(entries)
            await self._take_all(settling, entries)

    async def _may_read(self, settling: Link) -> bool:
        """Tell whether this instance may take entries: it trades, all is reconciled, the exchange answers."""
        if not self._lease.held:
            await self.state.clock.measure(settling)  # the answer shows that Redis is there
            return False
        if not self._breaker.is_closed:
            await self._probe()
            return False
        return self._is_ready or await self._get_ready(settling)

    async def _probe(self) -> None:
        if self._breaker.pause_s(time.monotonic()) > 0:
            return
        try:
            await self._exchange.time_ms()
        except outcome.OutcomeError:
            return

    @property
    def _is_ready(self) -> bool:
        held = self._lease.held
        return held is not None and self._ready_for == held.fencing

    async def _get_ready(self, settling: Link) -> bool:
        """Reconcile journal and exchange, before the first entry under a lease. Raises RefusedError."""
        held = self._lease.held
        if held is None:
            return False
        try:
            strange = await self._in_hand(self._reconciled)
        except (outcome.OutcomeError, NotNowError) as error:
            self._log.warning("not_ready", why=str(error))
            return False
        if strange:
            self._halts.set("HALT_STATE_DIFFERS", f"not in the journal: {'; '.join(strange)}"[:500])
        await self._settle_unsettled(settling)
        self._ready_for = held.fencing
        self._log.info("reconciled", differences=strange)
        return True

    async def _reconciled(self) -> list[str]:
        """Carry on what was begun, first; then compare all else, and say what the journal does not know."""
        await self._exchange.time_ms()
        await self._keeper.resume()
        await self._refresh_rules()
        await reconcile.require_configuration(self._exchange, self._means.limits, self._rules.symbols)
        return await self._keeper.differences()

    async def _refresh_rules(self) -> None:
        rules = await self._exchange.exchange_info()
        self._rules = filters.Snapshot(f"exchangeInfo@{self._clock.now_ms()}", rules)
        self._rules_at = time.monotonic()
        pinned = filters.load().symbols
        differ = [name for name in self._means.limits.symbols if rules.get(name) != pinned.get(name)]
        self._tell_once("rules_fetched", symbols=len(rules), other_than_rehearsed=differ)

    async def _settle_unsettled(self, settling: Link) -> None:
        for intent in self._journal.unsettled():
            await self._settle(settling, retold(intent, Verdict.read(intent.outcome or "")))

    async def _take_all(self, settling: Link, entries: list[Entry]) -> None:
        """Act on entries one by one; what is left when this instance may not go on stays pending."""
        for entry in entries:
            if self._stopping.is_set() or not self._is_ready or not self._breaker.is_closed:
                return
            told = await self._in_hand(partial(self._take, entry))
            if told:
                await self._settle(settling, told)
            self.state.turned()

    async def _take(self, entry: Entry) -> Told | None:
        """Decide and act; None leaves the entry pending."""
        try:
            if time.monotonic() - self._rules_at > RULES_S:
                await self._refresh_rules()
            return await self._intake.take(entry)
        except (NotNowError, outcome.OutcomeError) as error:
            self._log.warning("put_off", entry=entry.id, why=str(error))
            self.state.counters["not_now"] += 1
            return None
        except JournalError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever our own code does wrong must not stop the others
            return self._own_fault(entry, error)

    def _own_fault(self, entry: Entry, error: Exception) -> Told | None:
        """Give up on an entry that our own code fails on; never once it may have become an order."""
        self.state.counters["consumer_errors"] += 1
        self._log.exception("consumer_error", entry=entry.id)
        fields = entry.fields or {}
        origin_id = fields.get(b"origin_id", entry.id.encode()).decode("utf-8", "replace")
        if self._journal.intent(origin_id) is None:
            return Told(failed(entry.id, fields, error))
        self._halts.set("HALT_CONSUMER_ERROR", f"{entry.id}: {type(error).__name__}")
        return None

    async def _settle(self, settling: Link, told: Told) -> None:
        failpoints.point("before_settle")
        settled = await self._settler.settle(settling, [told.decision], told.also)
        failpoints.point("after_settle")
        self.state.settled(settled)
        if not settled.put_off:
            self._journal.note_settled(told.decision.entry_id)
        if told.intent:
            self._journal.mark_settled(told.intent.origin_id)
            self._log.info(
                "intent_settled",
                entry=told.decision.entry_id,
                symbol=told.intent.symbol,
                status=told.decision.status,
                reason=told.decision.reason,
            )
        for entry, reason in settled.dead_letters:
            self._log.warning("dead_letter", entry=entry, reason=reason)

    async def _tell_late(self, settling: Link) -> None:
        """Tell others what became known after its decision was told."""
        while self._late:
            await settling.ask(*self._late[0])
            self._late.pop(0)

    # Small things.

    def _not_now(self) -> str | None:
        """Say why nothing may be opened at this moment, though it may be in a later one."""
        if self._stopping.is_set():
            return "stopping"
        if not self._lease.held:
            return "this instance does not hold the lease"
        if not self._breaker.is_closed:
            return "the exchange fails"
        wait_s = self._limiter.wait_s(INTENT_COST, time.monotonic(), is_exit=False)
        return f"the exchange's rate limits, for {wait_s:.1f} s" if wait_s else None

    def _answered(self, _status: int, headers: Mapping[str, str]) -> None:
        self._limiter.answered(headers, time.monotonic())

    def _ended(self, found: outcome.OutcomeError | None) -> None:
        was_closed = self._breaker.is_closed
        self._breaker.note(found, time.monotonic())
        if isinstance(found, outcome.ThrottledError):
            exchange_ms = time.time_ns() // 1_000_000 + self._exchange.offset_ms
            self._limiter.throttled(found, time.monotonic(), exchange_ms)
        if was_closed != self._breaker.is_closed:
            self._log.warning("breaker_changed", closed=self._breaker.is_closed, why=str(found or "answered"))

    def _view(self) -> dict[str, Any]:
        held = self._lease.held
        lease = {"held": held is not None, "fencing": held.fencing if held else None}
        return {
            "stage": self._means.stage,
            "lease": {**lease, "waits_for": self._waits_for or None},
            "ready": self._is_ready,
            "breaker": "closed" if self._breaker.is_closed else "open",
            "exchange_offset_ms": self._exchange.offset_ms,
        }

    def _complaints(self) -> list[str]:
        """Say what keeps this instance from trading that waiting for the lease does not explain."""
        if not self._breaker.is_closed:
            return ["the exchange fails: reading pauses"]
        return [] if self._is_ready or not self._lease.held else ["journal and exchange are not reconciled"]

    async def _regularly(self, every_s: float, act: Callable[[], Awaitable[None]]) -> None:
        while not self._stopping.is_set():
            await act()
            await self._wait(every_s)

    async def _wait(self, seconds: float) -> None:
        """Wait, but not beyond the moment in which stopping begins."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    def _troubled(self, code: str, errors: BaseExceptionGroup[Exception]) -> None:
        self.state.counters["reconnects"] += 1
        detail = str(leaf(errors)) or type(leaf(errors)).__name__
        if self.state.troubled(code, detail):
            self._log.error("trouble", code=code, detail=detail)

    def _fault(self, code: str, detail: str) -> None:
        if self.state.fault(code, detail):
            self._log.error("fault", code=code, detail=detail)

    def _tell_once(self, event: str, **more: object) -> None:
        if event not in self._told:
            self._told.add(event)
            self._log.info(event, **more)
