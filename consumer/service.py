"""The running consumer: reads, decides and settles until it is told to stop.

While one batch is decided, Redis settles the one before and hands out the one after, on two connections. Any
error of Redis ends the session with all that is in hand; the next one begins with what is still pending. So
nothing is lost and, since settling asks first, nothing is decided twice.
"""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from consumer.base import clock, stream_id
from consumer.base.errors import GroupMissingError
from consumer.base.log import logger
from consumer.intents.decide import Decision, decide, failed, invalid, lost
from consumer.serve import health
from consumer.serve.reporter import Reporter
from consumer.serve.state import State
from consumer.stream.connection import Connection
from consumer.stream.reader import Reader
from consumer.stream.result_writer import ResultWriter, Settled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from consumer.intents.context import Context
    from consumer.stream.reader import Entry

#: Seconds to wait before the next try, growing while Redis stays away.
BACK_OFF_S = (0.1, 0.2, 0.5, 1.0, 2.0)


class Service:
    """One consumer: its state, and the session it has with Redis."""

    def __init__(self, context: Context, password: str | None) -> None:
        self._context = context
        self._password = password
        self._stopping = asyncio.Event()
        self._reader = Reader(context.settings)
        self._writer = ResultWriter(context)
        self._highest: stream_id.StreamId = (0, 0)
        self._log = logger()
        self.state = State(context.settings)
        self._report = Reporter(self.state)

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT; what was read by then is settled first."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self.stop)
        async with health.served(self._context, self.state):
            failures = 0
            while not self._stopping.is_set():
                failures = 0 if await self._try_session() else failures + 1
                await self._wait(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])

    def stop(self) -> None:
        """Read no more, settle what is in hand, and return from `run`."""
        if not self._stopping.is_set():
            self._log.info("stopping")
        self._stopping.set()

    async def _try_session(self) -> bool:
        """Return whether the session got as far as reading."""
        before = self.state.counters["sessions"]
        try:
            await self._session()
        except* GroupMissingError as errors:
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
            await self._settle_own_pending(reading, settling)
            self._report.once("reading")
            self.state.counters["sessions"] += 1
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(tasks, reading, settling))
                tasks.create_task(self._regularly(self._claim_every_s, lambda: self._claim(settling)))
                tasks.create_task(self._regularly(clock.EVERY_S, lambda: self.state.clock.measure(settling)))

    async def _meet(self, connection: Connection) -> None:
        """Learn who this Redis is, what time it has, and that it knows our group."""
        self._report.once("redis_connected")
        await self._recognise(connection)
        await self.state.clock.measure(connection)
        await self._writer.load(connection)
        await self._reader.find_group(connection)
        self._report.once("group_found", group=self._context.settings.group)
        self._report.once("cutover_known", cutover_id="-".join(map(str, self._context.cutover)))

    async def _recognise(self, connection: Connection) -> None:
        """Notice another Redis, or the same one restarted: what it acknowledged may be undone."""
        known = (self.state.redis_run_id, self.state.replication_id)
        found = await identity(connection)
        self.state.redis_run_id, self.state.replication_id = found
        if any(known) and known != found:
            self._report.fault(
                "REDIS_CHANGED", "Redis was restarted or replaced; check that no entry or decision is missing"
            )

    async def _settle_own_pending(self, reading: Connection, settling: Connection) -> None:
        count = 0
        async for entries in self._reader.own_pending(reading):
            count += len(entries)
            await self._settle(settling, self._judged(entries))
            if self._stopping.is_set():
                break
        self._report.once("own_pending_read", entries=count)

    async def _read(self, tasks: asyncio.TaskGroup, reading: Connection, settling: Connection) -> None:
        """Read on and on, always one batch ahead of deciding, which is one ahead of settling."""
        ahead = tasks.create_task(self._reader.new(reading))
        behind: asyncio.Task[None] | None = None
        while True:
            entries = await ahead
            self.state.turned()
            is_last = self._stopping.is_set()
            if not is_last:
                ahead = tasks.create_task(self._reader.new(reading))
                await asyncio.sleep(0)  # so that the next read is on its way while this batch is decided
            if entries:
                self._note_read(entries)
                decisions = self._judged(entries)
                if behind:
                    await behind
                behind = tasks.create_task(self._settle(settling, decisions))
            if is_last:
                return

    async def _claim(self, settling: Connection) -> None:
        """Take over and settle what anybody, ourselves included, left pending for too long."""
        async for entries in self._reader.claimed(settling):
            if entries:
                self.state.counters["claimed"] += len(entries)
                await self._settle(settling, self._judged(entries))
            if self._stopping.is_set():
                break

    @property
    def _claim_every_s(self) -> float:
        return min(max(self._context.settings.claim_idle_ms / 2000, 0.1), 5.0)

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

    def _judged(self, entries: Sequence[Entry]) -> list[Decision]:
        now_ms = self.state.clock.now_ms()
        return [self._risk(entry, now_ms) for entry in entries]

    def _risk(self, entry: Entry, now_ms: int) -> Decision:
        if entry.fields is None:
            return lost(entry.id, still_pending=entry.is_pending)
        if entry.repeated:
            return invalid(entry.id, entry.repeated, "INVALID_FIELDS:a field stands twice")
        try:
            return decide(entry.id, entry.fields, now_ms, self._context)
        except Exception as error:  # noqa: BLE001 - whatever our own code does wrong must not stop the others
            self.state.counters["consumer_errors"] += 1
            self._log.exception("consumer_error", entry=entry.id)
            return failed(entry.id, entry.fields, error)

    async def _settle(self, connection: Connection, decisions: Sequence[Decision]) -> None:
        settled = await self._writer.settle(connection, decisions)
        self.state.settled(settled)
        self._note_settled(settled)

    def _note_read(self, entries: Sequence[Entry]) -> None:
        self.state.counters["read"] += len(entries)
        first, last = stream_id.parse(entries[0].id), stream_id.parse(entries[-1].id)
        if first <= self._highest:
            self._report.fault(
                "WENT_BACK", f"Redis gave {entries[0].id} as new after {self._highest[0]}-{self._highest[1]}"
            )
        self._highest = max(self._highest, last)

    def _note_settled(self, settled: Settled) -> None:
        for entry, reason in settled.dead_letters:
            self._log.warning("dead_letter", entry=entry, reason=reason)
        if settled.halt != self.state.halt:
            self._log.warning("halt_changed", halt=settled.halt)
            self.state.halt = settled.halt


async def identity(connection: Connection) -> tuple[str, str]:
    """Return Redis's run id and replication id: other ones mean that it is not the Redis from before."""
    about = (await connection.ask("INFO", "server")) + (await connection.ask("INFO", "replication"))
    named = dict(line.split(":", 1) for line in about.decode().splitlines() if ":" in line)
    return named["run_id"], named["master_replid"]
