"""The running consumer in live mode: one instance reads, decides, acts and settles; the others wait.

Here is what it does with Redis; what it does at the exchange, consumer.live.engine, goes on without.
"""

from __future__ import annotations

import asyncio
import dataclasses
import signal
import time
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from consumer.base import clock, stream_id
from consumer.base.errors import GroupMissingError
from consumer.base.log import logger
from consumer.live import failpoints, halt
from consumer.live.engine import ExecutionEngine, RedisClock
from consumer.live.intent_handler import retold
from consumer.live.orders.execution_report import ExecutionReport
from consumer.serve import health
from consumer.serve.reporter import Reporter, leaf
from consumer.serve.state import State
from consumer.service import BACK_OFF_S, identity
from consumer.stream.connection import Connection
from consumer.stream.reader import Reader
from consumer.stream.result_writer import ResultWriter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from consumer.intents.context import Context
    from consumer.live.config import LiveConfig
    from consumer.live.intent_handler import Settlement
    from consumer.stream.reader import Entry

#: Small batches: what was read and not yet begun must not grow old behind an order.
BATCH = 10
#: How often, in seconds, the halt's key and file are looked at, and whether an instance that waits may read.
HALT_S, WAIT_S = 0.5, 0.2


class LiveService:
    """One instance in live mode, while an event loop runs."""

    def __init__(self, context: Context, password: str | None, config: LiveConfig) -> None:
        settings = context.settings
        live_from = config.promotion.live_from if config.promotion else (0, 0)
        self._context = dataclasses.replace(context, cutover=max(context.cutover, live_from))
        self._password = password
        self._stopping = asyncio.Event()
        self._log = logger()
        self.state = State(settings)
        self._report = Reporter(self.state)
        self.journal = config.journal
        self.halts = halt.Halts(self.journal, RedisClock(self.state.clock), halt.file_of(settings))
        self.engine = ExecutionEngine(self._context, config, self.state, self.halts, self._stopping)
        self.state.live, self.state.live_complaints = self.engine.view, self.engine.complaints
        self._reader = Reader(dataclasses.replace(settings, batch=min(settings.batch, BATCH)))
        self._writer = ResultWriter(self._context, config.stage)
        self._claimed_at = float("-inf")

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT. Raises RefusedError when the account is not as it must be."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop)
        loop.add_signal_handler(signal.SIGUSR1, self.halts.set, halt.BY_SIGNAL, "SIGUSR1")
        try:
            async with health.served(self._context, self.state), asyncio.TaskGroup() as tasks:
                for every_s, act in self.engine.tasks():
                    tasks.create_task(self._regularly(every_s, act))
                tasks.create_task(self._sessions())
        except* Exception as errors:
            raise leaf(errors) from errors
        finally:
            await self.engine.close()

    def stop(self) -> None:
        """Read no more; what was sent reaches its stop or its exit, and the rest stays pending."""
        if not self._stopping.is_set():
            self._log.info("stopping")
        self._stopping.set()

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
            self.halts.set("HALT_GROUP_MISSING", str(leaf(errors)))
            self._report.troubled("GROUP_MISSING", errors)
        except* (RedisError, OSError) as errors:
            self._report.troubled("REDIS_AWAY", errors)
        return self.state.counters["sessions"] > before

    async def _session(self) -> None:
        settings = self._context.settings
        patience_s = settings.block_ms / 1000 + 3
        async with (
            Connection(settings.redis_url, self._password, patience_s) as reading,
            Connection(settings.redis_url, self._password, patience_s) as settling,
        ):
            await self._meet(settling)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._regularly(clock.EVERY_S, lambda: self._measure_redis(settling)))
                tasks.create_task(self._regularly(HALT_S, lambda: self._look_for_halt(settling)))
                tasks.create_task(self._serve(reading, settling))

    async def _meet(self, connection: Connection) -> None:
        """Learn who this Redis is, what time it has, and that it knows our group."""
        self._report.once("redis_connected")
        await self._measure_redis(connection)
        await self._recognise(connection)
        await self._writer.load(connection)
        await self._reader.find_group(connection)
        self._report.once("group_found", group=self._context.settings.group)
        self._report.once("cutover_known", cutover_id="-".join(map(str, self._context.cutover)))

    async def _recognise(self, connection: Connection) -> None:
        """Halt at another Redis than the journal's, or the same one restarted: it may have gone back."""
        found = await identity(connection)
        self.state.redis_run_id, self.state.replication_id = found
        known = self.journal.meta("redis")
        if not known:
            self.journal.set_meta("redis", ":".join(found))
        elif known != ":".join(found):
            self._report.fault(
                "REDIS_CHANGED", "Redis was restarted or replaced: what it acknowledged may be undone"
            )
            self.halts.set("HALT_REDIS_CHANGED", f"{known} became {':'.join(found)}")

    async def _measure_redis(self, connection: Connection) -> None:
        await self.state.clock.measure(connection)
        if self.state.clock.is_off():
            self.halts.set("HALT_CLOCK", f"the local clock is {self.state.clock.offset_ms} ms off Redis's")

    async def _look_for_halt(self, connection: Connection) -> None:
        halted = await self.halts.look(connection)
        if self.engine.is_busy:
            self.state.turned()  # reading waits for an order, which is progress while it has its time
        if halted != self.state.halt:
            self._log.warning("halt_changed", halt=halted)
            self.state.halt = halted

    async def _serve(self, reading: Connection, settling: Connection) -> None:
        """Turn: get ready when the lease is new, finish what is in hand, then read, act and settle."""
        first = True
        while not self._stopping.is_set():
            if not await self._may_read(settling):
                self.state.turned()
                await self._wait(WAIT_S)
                continue
            if first:
                await self._own_pending(reading, settling)
                self._report.once("reading")
                self.state.counters["sessions"] += 1
                first = False
            await self._take_all(settling, await self._new(reading))
            await self._claim(settling)
            await self._tell_late(settling)

    async def _new(self, reading: Connection) -> list[Entry]:
        entries = await self._reader.new(reading)
        self.state.turned()
        if entries:
            self.state.counters["read"] += len(entries)
            highest = self.journal.highest_settled()
            if stream_id.parse(entries[0].id) <= highest:
                self._report.fault(
                    "WENT_BACK", f"Redis gave {entries[0].id} as new after {highest[0]}-{highest[1]}"
                )
                self.halts.set("HALT_WENT_BACK", f"{entries[0].id} as new after {highest[0]}-{highest[1]}")
            failpoints.point("after_read")
        return entries

    async def _own_pending(self, reading: Connection, settling: Connection) -> None:
        count = 0
        async for entries in self._reader.own_pending(reading):
            count += len(entries)
            await self._take_all(settling, entries)
        self._report.once("own_pending_read", entries=count)

    async def _claim(self, settling: Connection) -> None:
        """Take over what anybody, ourselves included, left pending for too long."""
        every_s = min(max(self._context.settings.claim_idle_ms / 2000, 0.1), 5.0)
        if time.monotonic() - self._claimed_at < every_s:
            return
        self._claimed_at = time.monotonic()
        async for entries in self._reader.claimed(settling):
            self.state.counters["claimed"] += len(entries)
            await self._take_all(settling, entries)

    async def _may_read(self, settling: Connection) -> bool:
        """Tell whether this instance may take entries: it trades, all is reconciled, the exchange answers."""
        if not self.engine.lease.held:
            await self.state.clock.measure(settling)  # the answer shows that Redis is there
            return False
        if not self.engine.breaker.is_closed:
            await self.engine.probe()
            return False
        if self.engine.is_ready:
            return True
        if not await self.engine.reconcile():
            return False
        await self._settle_unsettled(settling)
        return True

    async def _settle_unsettled(self, settling: Connection) -> None:
        for intent in self.journal.unsettled():
            await self._settle(settling, retold(intent, ExecutionReport.read(intent.outcome or "")))

    async def _take_all(self, settling: Connection, entries: list[Entry]) -> None:
        """Act on entries one by one; what is left when this instance may not go on stays pending."""
        for entry in entries:
            if not self.engine.may_go_on:
                return
            told = await self.engine.take(entry)
            # A journaled outcome is the same whoever tells it; all else is the holder's to decide.
            if told and (told.intent or self.engine.may_decide()):
                await self._settle(settling, told)
            self.state.turned()

    async def _settle(self, settling: Connection, told: Settlement) -> None:
        failpoints.point("before_settle")
        settled = await self._writer.settle(settling, [told.decision], told.also)
        failpoints.point("after_settle")
        self.state.settled(settled)
        if not settled.put_off:
            self.journal.note_settled(told.decision.entry_id)
        if told.intent:
            self.journal.mark_settled(told.intent.origin_id)
            self._log.info(
                "intent_settled",
                entry=told.decision.entry_id,
                symbol=told.intent.symbol,
                status=told.decision.status,
                reason=told.decision.reason,
            )
        for entry, reason in settled.dead_letters:
            self._log.warning("dead_letter", entry=entry, reason=reason)

    async def _tell_late(self, settling: Connection) -> None:
        """Tell others what became known after its decision was told."""
        while self.engine.late:
            await settling.ask(*self.engine.late[0])
            self.engine.late.pop(0)

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
