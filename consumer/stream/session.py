"""Sessions with Redis, of both modes: each begins with what is still pending, and ends with the first error.

Any error of Redis ends a session with all that is in hand; the next one begins with what is still pending. So
nothing is lost and, since settling asks first, nothing is decided twice.
"""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING, Protocol

from redis.exceptions import RedisError

from consumer.base import clock
from consumer.base.errors import GroupMissingError
from consumer.base.log import logger
from consumer.stream.causes import Cause, cause_of
from consumer.stream.connection import Connection, ReplyTooLargeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from consumer.intents.context import Context
    from consumer.intents.entry import Entry
    from consumer.serve.reporter import Reporter
    from consumer.serve.state import ServiceState
    from consumer.stream.reader import Reader
    from consumer.stream.result_writer import ResultWriter

#: Seconds to wait before the next try, growing while Redis stays away.
BACK_OFF_S = (0.1, 0.2, 0.5, 1.0, 2.0)
#: How often, in seconds, the faults are compared with those in Redis.
WATCH_S = 0.5
#: How many seconds what is in hand has to come to its end once stopping has begun; the rest stays pending.
END_S = 8.0

type Identity = tuple[str, str]


class Stopping:
    """Whether the consumer is to end, and waits that end with it. Made while an event loop runs."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._began_at: float | None = None

    @property
    def since_s(self) -> float:
        """How many seconds ago stopping has begun; 0 when it has not."""
        return 0.0 if self._began_at is None else time.monotonic() - self._began_at

    @property
    def has_begun(self) -> bool:
        """Whether nothing new is to be begun any more."""
        return self._event.is_set()

    def begin(self) -> None:
        """Read no more; what is in hand comes to its end."""
        if not self.has_begun:
            logger().info("stopping")
            self._began_at = time.monotonic()
        self._event.set()

    def begin_on_signals(self) -> None:
        """Begin on SIGTERM and on SIGINT."""
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, self.begin)

    async def begun(self) -> None:
        """Wait until stopping begins."""
        await self._event.wait()

    async def wait(self, seconds: float) -> None:
        """Wait, but not beyond the moment in which stopping begins."""
        try:
            await asyncio.wait_for(self._event.wait(), seconds)
        except TimeoutError:
            return

    async def regularly(self, every_s: float, act: Callable[[], Awaitable[None]]) -> None:
        """Act again and again, until stopping begins."""
        while not self.has_begun:
            await act()
            await self.wait(every_s)


class Mode(Protocol):
    """What the two modes do differently with a session."""

    async def recognised(self, identity: Identity) -> None:
        """Take note of which Redis this is; another one than before may have gone back in time."""

    def group_is_missing(self, error: GroupMissingError) -> None:
        """Take note that the stream or our group is not there."""

    def went_back(self, detail: str) -> None:
        """Take note that Redis does not know what it knew: it gives again what was decided, or forgot it."""

    def clock_was_measured(self) -> None:
        """Take note of how far the local clock is off Redis's."""

    async def serve(self, reading: Connection, settling: Connection) -> None:
        """Read, decide and settle until stopping begins."""


class Sessions:
    """One session after the other, until stopping begins."""

    def __init__(
        self,
        context: Context,
        password: str | None,
        streams: tuple[Reader, ResultWriter],
        served: tuple[ServiceState, Reporter],
        stopping: Stopping,
    ) -> None:
        """Make sessions of a reader and a result writer, which tell a state and a reporter how they fare."""
        self._context = context
        self._password = password
        self._reader, self._writer = streams
        self._state, self._report = served
        self._stopping = stopping
        self._has_in_hand = False
        self._group_was = ""

    async def run(self, mode: Mode) -> None:
        """Run sessions; the pause before the next try grows while none gets as far as reading."""
        failures = 0
        while not self._stopping.has_begun:
            failures = 0 if await self._in_time(mode) else failures + 1
            await self._stopping.wait(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])

    async def _in_time(self, mode: Mode) -> bool:
        """Run a session that ends when stopping begins: at once with nothing in hand, else within END_S."""
        session = asyncio.create_task(self._try_session(mode))
        begun = asyncio.create_task(self._stopping.begun())
        try:
            await asyncio.wait((session, begun), return_when=asyncio.FIRST_COMPLETED)
            if not session.done() and self._has_in_hand:
                await asyncio.wait((session,), timeout=END_S)
            if session.done():
                return session.result()
            return False
        finally:
            begun.cancel()
            session.cancel()
            await asyncio.wait((session,))

    def began_reading(self) -> None:
        """Tell that a session has settled what was pending, and reads."""
        self._report.once("reading")
        self._state.counters["sessions"] += 1

    async def own_pending(self, reading: Connection) -> AsyncIterator[list[Entry]]:
        """Give all that this consumer was given in an earlier session and never settled, in batches."""
        count = 0
        async for entries in self._reader.own_pending(reading):
            count += len(entries)
            yield entries
            if self._stopping.has_begun:
                break
        self._report.once("own_pending_read", entries=count)

    async def claimed(self, settling: Connection) -> AsyncIterator[list[Entry]]:
        """Take over what anybody, ourselves included, left pending for too long, in batches."""
        async for entries in self._reader.claimed(settling):
            if entries:
                self._state.counters["claimed"] += len(entries)
                yield entries
            if self._stopping.has_begun:
                break

    @property
    def claim_every_s(self) -> float:
        """How often, in seconds, to look for what others left pending."""
        return min(max(self._context.settings.claim_idle_ms / 2000, 0.1), 5.0)

    async def _try_session(self, mode: Mode) -> bool:
        """Return whether the session got as far as reading."""
        before = self._state.counters["sessions"]
        try:
            await self._session(mode)
        except* GroupMissingError as errors:
            mode.group_is_missing(_group_missing(errors))
            self._group_was = self._group_was and "missing"
            self._report.troubled(Cause("GROUP_MISSING", str(leaf(errors))))
        except* ReplyTooLargeError as errors:
            logger().info("read_cut_off", detail=str(leaf(errors)))
        except* (RedisError, OSError) as errors:
            self._report.troubled(cause_of(leaf(errors)))
        finally:
            self._has_in_hand = False
        return self._state.counters["sessions"] > before

    async def _session(self, mode: Mode) -> None:
        settings = self._context.settings
        patience_s = settings.block_ms / 1000 + 3
        async with (
            Connection(settings.redis_url, self._password, patience_s) as reading,
            Connection(settings.redis_url, self._password, patience_s) as settling,
        ):
            await self._meet(settling, mode)
            self._has_in_hand = True
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(mode.serve(reading, settling))
                tasks.create_task(
                    self._stopping.regularly(WATCH_S, lambda: self._state.faults.keep_in_step(settling))
                )
                tasks.create_task(
                    self._stopping.regularly(clock.EVERY_S, lambda: self._measure_clock(settling, mode))
                )

    async def _meet(self, connection: Connection, mode: Mode) -> None:
        """Learn who this Redis is, what time it has, and that it knows our group."""
        self._report.once("redis_connected")
        await self._measure_clock(connection, mode)
        identity = await identity_of(connection)
        await mode.recognised(identity)
        self._state.redis_run_id, self._state.replication_id = identity
        await self._writer.load(connection)
        await self._reader.load(connection)
        await self._reader.find_group(connection)
        self._report.once("group_found", group=self._context.settings.group)
        await self._compare_memories(connection, mode)
        self._report.once("cutover_known", cutover_id="-".join(map(str, self._context.cutover)))

    async def _compare_memories(self, connection: Connection, mode: Mode) -> None:
        """Notice what Redis does not know any more, and count what it settled though its answer was lost."""
        if self._group_was == "missing":
            self._report.fault(
                "GROUP_MOVED", "the group was gone and was made again, nobody here knows where"
            )
        self._group_was = "there"
        known = await self._writer.knows_less(connection)
        if known:
            detail = f"Redis knows of decisions up to {known}, this consumer up to {self._writer.reached}"
            self._report.fault("WENT_BACK", detail)
            mode.went_back(detail)
        settled = await self._writer.recall(connection)
        if settled:
            self._report.settled(settled)
            if settled.went_back:
                mode.went_back(settled.went_back)
        await self._state.faults.keep_in_step(connection)

    async def _measure_clock(self, connection: Connection, mode: Mode) -> None:
        await self._state.clock.measure(connection)
        mode.clock_was_measured()


async def identity_of(connection: Connection) -> Identity:
    """Return Redis's run id and replication id: other ones mean that it is not the Redis from before."""
    about = (await connection.ask("INFO", "server")) + (await connection.ask("INFO", "replication"))
    named = dict(line.split(":", 1) for line in about.decode().splitlines() if ":" in line)
    return named["run_id"], named["master_replid"]


def leaf(errors: BaseException) -> BaseException:
    """Return the first error in a group of groups."""
    return leaf(errors.exceptions[0]) if isinstance(errors, BaseExceptionGroup) else errors


def _group_missing(errors: BaseExceptionGroup[GroupMissingError]) -> GroupMissingError:
    first = errors.exceptions[0]
    return _group_missing(first) if isinstance(first, BaseExceptionGroup) else first
