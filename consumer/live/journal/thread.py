"""The journal's own thread: a disk that is slow, or hangs, holds up whoever writes, and nobody else.

A write is on the disk when it returns. One that takes too long fails for whoever waits for it, though it may
come about later; until it has ended, every further one fails at once. So nothing is entered meanwhile, and
what must be protected is protected without the journal.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from consumer.live.journal.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.live.journal.journal import Journal

#: How long, in seconds, to wait for a write.
PATIENCE_S = 1.0
#: From how many seconds on a write is slow: an entry would not be sent so long after it was written down.
SLOW_S = 0.5
#: For so many seconds after a slow write nothing is entered.
SLOW_FOR_S = 5.0
#: How often, in seconds, the file is read through for pages that are damaged.
CHECK_S = 30.0


class JournalThread:
    """Writes one change after the other. It must be used while an event loop runs."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._checker = ThreadPoolExecutor(1, thread_name_prefix="journal_check")
        self._began_at: float | None = None
        self._slow_at = float("-inf")
        self._slowest_s = 0.0
        self._failed = self._damaged = ""

    @property
    def fault(self) -> str:
        """What is wrong with the journal, so that nothing may be entered; empty where nothing is."""
        if self._damaged:
            return str(JournalError(f"it is damaged ({self._damaged})"))
        if self._failed:
            return self._failed
        stuck_s = self._stuck_s()
        if stuck_s >= SLOW_S:
            return str(JournalError(f"it is slow: a write has not ended after {stuck_s:.1f} s"))
        if time.monotonic() - self._slow_at < SLOW_FOR_S:
            return str(JournalError(f"it is slow: a write took {self._slowest_s:.1f} s"))
        try:
            self._journal.meta("schema")
        except JournalError as error:
            return str(error)
        return ""

    async def write[**P, Result](
        self, change: Callable[P, Result], *given: P.args, **named: P.kwargs
    ) -> Result:
        """Make a change of the journal, and return what it returns once it is on the disk.

        Raises JournalError when that fails, or takes too long.
        """
        stuck_s = self._stuck_s()
        if stuck_s >= PATIENCE_S:
            raise JournalError(f"it is slow: a write has not ended after {stuck_s:.1f} s")
        writing: asyncio.Future[Any] = asyncio.get_running_loop().run_in_executor(
            self._executor, self._timed, partial(change, *given, **named)
        )
        writing.add_done_callback(_noticed)
        done, _ = await asyncio.wait({writing}, timeout=PATIENCE_S)
        if not done:
            raise JournalError(f"it is slow: a write has not ended after {PATIENCE_S:.1f} s")
        try:
            result: Result = writing.result()
        except JournalError as error:
            self._failed = str(error)
            raise
        self._failed = ""
        return result

    async def check(self) -> None:
        """Read the whole file, and take note of what is damaged."""
        loop = asyncio.get_running_loop()
        self._damaged = await loop.run_in_executor(self._checker, self._journal.store.damage)

    async def close(self) -> None:
        """Wait for what is being written, but not for ever, and let go."""
        with suppress(JournalError):  # whatever hangs is left to the end of the process
            await self.write(self._journal.close)
        self._executor.shutdown(wait=False)
        self._checker.shutdown(wait=False)

    def _timed[Result](self, change: Callable[[], Result]) -> Result:
        self._began_at = began_at = time.monotonic()
        try:
            return change()
        finally:
            took_s = time.monotonic() - began_at
            self._began_at = None
            if took_s >= SLOW_S:
                self._slow_at, self._slowest_s = time.monotonic(), took_s

    def _stuck_s(self) -> float:
        began_at = self._began_at
        return 0.0 if began_at is None else time.monotonic() - began_at


def _noticed(writing: asyncio.Future[Any]) -> None:
    """Look at how a write ended that nobody waits for any more."""
    if not writing.cancelled():
        writing.exception()
