"""The running consumer in live mode: one instance reads, decides, acts and settles; the others wait.

Here is what it does with Redis; what it does at the exchange, consumer.live.engine, goes on without.
"""

from __future__ import annotations

import asyncio
import dataclasses
import signal
import time
from functools import partial
from typing import TYPE_CHECKING

from redis.exceptions import ResponseError

from consumer.base import stream_id
from consumer.base.log import logger
from consumer.live import failpoints, halt, journal_memory
from consumer.live.engine import ExecutionEngine, RedisClock
from consumer.live.intent_handler import retold
from consumer.live.journal import JournalError
from consumer.live.journal.thread import JournalThread
from consumer.live.orders.execution_report import ExecutionReport
from consumer.serve import health
from consumer.serve.reporter import Reporter
from consumer.serve.state import ServiceState
from consumer.stream.reader import Reader
from consumer.stream.result_writer import ResultWriter
from consumer.stream.session import Sessions, Stopping, leaf

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from consumer.base.errors import GroupMissingError
    from consumer.intents.context import Context
    from consumer.intents.entry import Entry
    from consumer.live.config import LiveConfig
    from consumer.live.intent_handler import Settlement
    from consumer.stream.connection import Connection
    from consumer.stream.session import Identity

#: Small batches: what was read and not yet begun must not grow old behind an order.
BATCH = 10
#: So many entries may be in hand at once. One symbol cannot fill the room for long: its intents give up.
MOST_IN_HAND = 100
#: How often, in seconds, the halt's key and file are looked at, and whether an instance that waits may read.
HALT_S, WAIT_S = 0.5, 0.2
#: How long, in seconds, to leave alone what met a journal that fails.
JOURNAL_PAUSE_S = 1.0


class LiveService:
    """One instance in live mode, while an event loop runs."""

    def __init__(
        self, context: Context, password: str | None, config: LiveConfig, key: str | None = None
    ) -> None:
        """Trade with these settings; `password` is Redis's, `key` seals the decisions."""
        settings = context.settings
        live_from = config.promotion.live_from if config.promotion else (0, 0)
        self._context = dataclasses.replace(context, cutover=max(context.cutover, live_from))
        self._stopping = Stopping()
        self._log = logger()
        self.state = ServiceState(settings)
        self._report = Reporter(self.state)
        self.journal = config.journal
        thread = JournalThread(self.journal)
        self._write = thread.write
        self.halts = halt.Halts(self.journal, thread, RedisClock(self.state.clock), halt.file_of(settings))
        self.engine = ExecutionEngine(
            self._context, config, self.state, self.halts, self._stopping, thread=thread
        )
        self.state.live, self.state.live_complaints = self.engine.view, self.engine.complaints
        self._reader = Reader(dataclasses.replace(settings, batch=min(settings.batch, BATCH)), puts_off=True)
        self._writer = ResultWriter(self._context, config.stage, key)
        self._claimed_at = float("-inf")
        self._in_hand: dict[str, asyncio.Task[None]] = {}
        self._sessions = Sessions(
            self._context,
            password,
            (self._reader, self._writer),
            (self.state, self._report),
            self._stopping,
        )

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT. Raises RefusedError when the account is not as it must be."""
        self._stopping.begin_on_signals()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, self.halts.set, halt.BY_SIGNAL, "SIGUSR1")
        try:
            async with health.served(self._context, self.state), asyncio.TaskGroup() as tasks:
                for every_s, act in self.engine.tasks():
                    tasks.create_task(
                        self._stopping.regularly(every_s, partial(self._despite_the_journal, act))
                    )
                run_sessions = partial(self._despite_the_journal, partial(self._sessions.run, self))
                tasks.create_task(self._stopping.regularly(WAIT_S, run_sessions))
        except* Exception as errors:
            raise leaf(errors) from errors
        finally:
            await self.engine.close()

    async def _despite_the_journal(self, act: Callable[[], Awaitable[None]]) -> None:
        """Act; a journal that is locked, full or away ends no process that may have to protect something."""
        try:
            await act()
        except* JournalError as errors:
            self._log.warning("journal_failed", why=str(leaf(errors)))
            await self._stopping.wait(JOURNAL_PAUSE_S)

    def stop(self) -> None:
        """Read no more; what was sent reaches its stop or its exit, and the rest stays pending."""
        self._stopping.begin()

    async def recognised(self, identity: Identity) -> None:
        """Halt at another Redis than the journal's, or the same one restarted: it may have gone back."""
        known = self.journal.meta("redis")
        if not known:
            await self._write(self.journal.set_meta, "redis", ":".join(identity))
        elif known != ":".join(identity):
            self._report.fault(
                "REDIS_CHANGED", "Redis was restarted or replaced: what it acknowledged may be undone"
            )
            self.halts.set("HALT_REDIS_CHANGED", f"{known} became {':'.join(identity)}")

    def group_is_missing(self, error: GroupMissingError) -> None:
        """Halt: whoever takes a group away may put it back somewhere else."""
        self.halts.set("HALT_GROUP_MISSING", str(error))

    def went_back(self, detail: str) -> None:
        """Halt: what Redis forgot of decisions it may have forgotten of intents."""
        self.halts.set("HALT_WENT_BACK", detail)

    def clock_was_measured(self) -> None:
        """Halt when the local clock cannot be relied on."""
        if self.state.clock.is_off():
            self.halts.set("HALT_CLOCK", f"the local clock is {self.state.clock.offset_ms} ms off Redis's")

    async def serve(self, reading: Connection, settling: Connection) -> None:
        """Look for a halt all the while, and take turns until stopping begins."""
        self._in_hand = {}
        await self._know_the_journal(settling)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._stopping.regularly(HALT_S, lambda: self._look_for_halt(settling)))
            tasks.create_task(self._take_turns(reading, settling, tasks))

    async def _know_the_journal(self, connection: Connection) -> None:
        """Have Redis know this journal; halt where it knows of intents that this one does not."""
        here = journal_memory.seen_of(self.journal)
        lost = journal_memory.lost(await journal_memory.recall(connection), here)
        if lost:
            self.halts.set(journal_memory.LOST, lost)
        else:
            await journal_memory.remember(connection, here)

    async def _look_for_halt(self, connection: Connection) -> None:
        halted = await self.halts.look(connection)
        if halted != self.state.halt:
            self._log.warning("halt_changed", halt=halted)
            self.state.halt = halted

    async def _take_turns(self, reading: Connection, settling: Connection, tasks: asyncio.TaskGroup) -> None:
        """Turn: get ready when the lease is new, begin what is pending, then what is new."""

        async def begin(entries: list[Entry]) -> None:
            for entry in entries:
                await self._room()
                if self.engine.may_go_on and entry.id not in self._in_hand:
                    self._in_hand[entry.id] = tasks.create_task(self._take(settling, entry))
                self.state.turned()

        first = True
        while not self._stopping.has_begun:
            if not await self._may_read(settling):
                self.state.turned()
                await self._stopping.wait(WAIT_S)
                continue
            if first:
                async for entries in self._sessions.own_pending(reading):
                    await begin(entries)
                self._sessions.began_reading()
                first = False
            await begin(await self._new(reading))
            await self._claim(settling, begin)
            await self._tell_late(settling)

    async def _room(self) -> None:
        """Wait until another entry may be in hand."""
        while len(self._in_hand) >= MOST_IN_HAND:
            await asyncio.wait(set(self._in_hand.values()), return_when=asyncio.FIRST_COMPLETED)

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

    async def _claim(self, settling: Connection, begin: Callable[[list[Entry]], Awaitable[None]]) -> None:
        if time.monotonic() - self._claimed_at < self._sessions.claim_every_s:
            return
        self._claimed_at = time.monotonic()
        async for entries in self._sessions.claimed(settling):
            await begin(entries)
        await self._settle_unsettled(settling)

    async def _may_read(self, settling: Connection) -> bool:
        """Tell whether this instance may take entries: it trades, all is reconciled, the exchange answers."""
        if not self.engine.lease.held:
            await self.state.clock.measure(settling)  # the answer shows that Redis is there
            return False
        if not self.engine.standing.breaker.is_closed:
            await self.engine.probe()
            return False
        if self.engine.is_ready:
            return True
        if not await self.engine.reconcile():
            return False
        await self._settle_unsettled(settling)
        return True

    async def _settle_unsettled(self, settling: Connection) -> None:
        """Tell what has come to its end without its entry: a restart carried it on, or a session ended."""
        for intent in self.journal.unsettled():
            if intent.entry_id not in self._in_hand:
                await self._settle(settling, retold(intent, ExecutionReport.read(intent.outcome or "")))

    async def _take(self, settling: Connection, entry: Entry) -> None:
        """Act on an entry, when its turn comes, and settle what became of it."""
        try:
            told = await self.engine.take(entry)
            # A journaled outcome is the same whoever tells it; all else is the holder's to decide.
            if told and (told.intent or self.engine.lease_keeper.may_decide()):
                await self._settle(settling, told)
        finally:
            del self._in_hand[entry.id]

    async def _settle(self, settling: Connection, told: Settlement) -> None:
        await self.halts.written()
        failpoints.point("before_settle")
        settled = await self._writer.settle(settling, [told.decision], told.also)
        failpoints.point("after_settle")
        self._report.settled(settled, [told.decision.entry_id])
        if settled.went_back:
            self.went_back(settled.went_back)
        if settled.fault:
            raise ResponseError(settled.fault)
        if settled.held_up:
            return
        if not settled.put_off:
            await self._write(self.journal.note_settled, told.decision.entry_id)
        if told.intent:
            await self._write(self.journal.mark_settled, told.intent.origin_id)
            await self._know_the_journal(settling)
            self._log.info(
                "intent_settled",
                entry=told.decision.entry_id,
                symbol=told.intent.symbol,
                status=told.decision.status,
                reason=told.decision.reason,
            )

    async def _tell_late(self, settling: Connection) -> None:
        """Tell others what became known after its decision was told."""
        late = self.engine.upkeep.late
        while late:
            await settling.ask(*late[0])
            late.pop(0)
