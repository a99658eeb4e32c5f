"""The running consumer in safe drain: reads, decides and settles until it is told to stop.

While one batch is decided, Redis settles the one before and hands out the one after, on two connections.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from redis.exceptions import ResponseError

from consumer.base import stream_id
from consumer.base.log import logger
from consumer.base.settings import HALT_KEY
from consumer.intents import gates
from consumer.intents.decide import Decision, decide_entry, failed
from consumer.serve import health
from consumer.serve.reporter import Reporter
from consumer.serve.state import ServiceState
from consumer.stream.reader import Reader
from consumer.stream.result_writer import ResultWriter, portions
from consumer.stream.session import WATCH_S, Sessions, Stopping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.base.errors import GroupMissingError
    from consumer.intents.context import Context
    from consumer.intents.entry import Entry
    from consumer.stream.connection import Connection
    from consumer.stream.session import Identity


class Service:
    """One consumer that drains. It must be made while an event loop runs."""

    def __init__(self, context: Context, password: str | None, key: str | None = None) -> None:
        """Drain with these settings; `password` is Redis's, `key` seals the decisions."""
        self._context = context
        self._stopping = Stopping()
        self._reader = Reader(context.settings)
        self._writer = ResultWriter(context, key=key)
        self._highest: stream_id.StreamId = (0, 0)
        self._log = logger()
        self.state = ServiceState(context.settings)
        self._report = Reporter(self.state)
        self._sessions = Sessions(
            context,
            password,
            (self._reader, self._writer),
            (self.state, self._report),
            self._stopping,
        )

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT; what was read by then is settled first."""
        self._stopping.begin_on_signals()
        async with health.served(self._context, self.state):
            await self._sessions.run(self)

    def stop(self) -> None:
        """Read no more, settle what is in hand, and return from `run`."""
        self._stopping.begin()

    async def recognised(self, identity: Identity) -> None:
        """Notice another Redis, or the same one restarted: what it acknowledged may be undone."""
        known = (self.state.redis_run_id, self.state.replication_id)
        if any(known) and known != identity:
            self._report.fault(
                "REDIS_CHANGED", "Redis was restarted or replaced; check that no entry or decision is missing"
            )

    def group_is_missing(self, error: GroupMissingError) -> None:
        """Do nothing more than tell of it: there is nothing to halt."""

    def went_back(self, detail: str) -> None:
        """Do nothing more than tell of it: what was decided is not decided again."""

    def clock_was_measured(self) -> None:
        """Do nothing more than tell of it: a clock that is off makes the consumer unhealthy."""

    async def serve(self, reading: Connection, settling: Connection) -> None:
        """Settle what was pending, then read on and on, and look for what others leave."""
        async for entries in self._sessions.own_pending(reading):
            await self._settle(settling, self._judged(entries))
        self._sessions.began_reading()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._stopping.regularly(WATCH_S, lambda: self._look_for_halt(settling)))
            tasks.create_task(self._read(tasks, reading, settling))
            tasks.create_task(
                self._stopping.regularly(self._sessions.claim_every_s, lambda: self._claim(settling))
            )

    async def _read(self, tasks: asyncio.TaskGroup, reading: Connection, settling: Connection) -> None:
        """Read on and on, always one batch ahead of deciding, which is one ahead of settling."""
        ahead = tasks.create_task(self._reader.new(reading))
        behind: asyncio.Task[None] | None = None
        while True:
            entries = await ahead
            read_at = time.monotonic()
            self.state.turned()
            is_last = self._stopping.has_begun
            if not is_last:
                ahead = tasks.create_task(self._reader.new(reading))
                await asyncio.sleep(0)  # so that the next read is on its way while this batch is decided
            if entries:
                self._note_read(entries)
                decisions = self._judged(entries)
                if behind:
                    await behind
                behind = tasks.create_task(self._settle(settling, decisions, read_at))
            if is_last:
                return

    async def _claim(self, settling: Connection) -> None:
        async for entries in self._sessions.claimed(settling):
            await self._settle(settling, self._judged(entries))

    def _judged(self, entries: Sequence[Entry]) -> list[Decision]:
        now_ms = self.state.clock.now_ms()
        if gates.is_ahead(stream_id.parse(entries[-1].id), now_ms):
            ids = [entry.id for entry in entries if gates.is_ahead(stream_id.parse(entry.id), now_ms)]
            self._report.fault(
                "ENTRY_FROM_THE_FUTURE", "ids lie ahead of Redis's clock, as all later ones will", ids
            )
        return [self._decided(entry, now_ms) for entry in entries]

    def _decided(self, entry: Entry, now_ms: int) -> Decision:
        try:
            return decide_entry(entry, now_ms, self._context)
        except Exception as error:  # noqa: BLE001 - whatever our own code does wrong must not stop the others
            self.state.counters["consumer_errors"] += 1
            self._log.exception("consumer_error", entry=entry.id)
            return failed(entry.id, entry.fields or {}, error)

    async def _settle(
        self, connection: Connection, decisions: Sequence[Decision], read_at: float | None = None
    ) -> None:
        """Settle a batch; `read_at` is when it was read by a monotonic clock, if nobody had it before."""
        for portion in portions(decisions):
            settled = await self._writer.settle(connection, portion)
            self._report.settled(settled, [decision.entry_id for decision in portion])
            if settled.elsewhere and read_at is not None:
                self._note_elsewhere(settled.elsewhere, time.monotonic() - read_at)
            if settled.fault:
                raise ResponseError(settled.fault)

    async def _look_for_halt(self, connection: Connection) -> None:
        try:
            value = await connection.ask("GET", HALT_KEY)
        except ResponseError:
            value = b"unreadable"
        self._note_halt(None if value is None else value.decode("utf-8", "replace"))

    def _note_read(self, entries: Sequence[Entry]) -> None:
        self.state.counters["read"] += len(entries)
        first, last = stream_id.parse(entries[0].id), stream_id.parse(entries[-1].id)
        if first <= self._highest:
            self._report.fault(
                "WENT_BACK", f"Redis gave {entries[0].id} as new after {self._highest[0]}-{self._highest[1]}"
            )
        self._highest = max(self._highest, last)

    def _note_elsewhere(self, ids: Sequence[str], in_hand_s: float) -> None:
        """Notice entries that were taken away sooner than anybody may claim them."""
        if in_hand_s < self._context.settings.claim_idle_ms / 1000:
            self._report.fault("CONSUMER_DELETED", "entries in hand were taken off the group", ids)

    def _note_halt(self, halt: str | None) -> None:
        if halt != self.state.halt:
            self._log.warning("halt_changed", halt=halt)
            self.state.halt = halt
