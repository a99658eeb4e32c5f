"""The halt, which is durable: set by a key, a file, a signal or our own judgement, lifted by a person alone.

It lives in the journal. Whatever sets it from outside need not stay: once it was seen it holds. It holds in
this process from the moment it is set, and no decision is told before it is on the disk.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from redis.exceptions import ResponseError

from consumer.base.errors import RefusedError
from consumer.base.settings import HALT_KEY
from consumer.live import journal_memory
from consumer.live.journal import JournalError

if TYPE_CHECKING:
    from consumer.base.settings import Settings
    from consumer.live.exchange.port import ExchangeClock
    from consumer.live.journal import Journal
    from consumer.live.journal.thread import JournalThread
    from consumer.stream.connection import Connection

BY_KEY, BY_FILE, BY_SIGNAL = "HALT_KEY", "HALT_FILE", "HALT_SIGNAL"
#: Where, beside the cutover's record, a file halts.
FILE_NAME = "halt"
UNREADABLE = "unreadable"
_PAUSE_S = 1.0


class Halts:
    """The halt as this process knows it, while an event loop runs."""

    def __init__(self, journal: Journal, thread: JournalThread, clock: ExchangeClock, file: Path) -> None:
        self._journal = journal
        self._thread = thread
        self._clock = clock
        self._file = file
        #: Code → detail of those that are not on the disk yet, and who writes them.
        self._unwritten: dict[str, str] = {}
        self._writing: asyncio.Task[None] | None = None

    def current(self) -> str | None:
        """Say what halts, the oldest first, or None. A journal that cannot be read halts."""
        unwritten = next((f"{code}: {detail}" for code, detail in self._unwritten.items()), None)
        try:
            halt = self._journal.halt()
        except JournalError as error:
            return unwritten or f"HALT_JOURNAL: {error}"
        return f"{halt.code}: {halt.detail}" if halt else unwritten

    def set(self, code: str, detail: str) -> None:
        """Halt, until a person resumes."""
        self._unwritten.setdefault(code, detail)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write_on())

    async def written(self) -> None:
        """Return once every halt is on the disk. Raises JournalError."""
        for code, detail in list(self._unwritten.items()):
            await self._thread.write(self._set, code, detail)
            self._unwritten.pop(code, None)

    def _set(self, code: str, detail: str) -> None:
        self._journal.set_halt(code, detail, self._clock.now_ms())

    async def _write_on(self) -> None:
        while self._unwritten:
            try:
                await self.written()
            except JournalError:
                await asyncio.sleep(_PAUSE_S)

    async def look(self, connection: Connection) -> str | None:
        """Look at key and file, and say what halts now. What cannot be read counts as set."""
        key, file = await key_value(connection), file_value(self._file)
        if key is not None:
            self.set(BY_KEY, key)
        if file is not None:
            self.set(BY_FILE, file)
        return self.current()


def file_of(settings: Settings) -> Path:
    """Return where a file halts: beside the cutover's record."""
    return Path(settings.cutover_file).with_name(FILE_NAME)


async def key_value(connection: Connection) -> str | None:
    """Return what the halt key holds, or None when it is not there."""
    try:
        value = await connection.ask("GET", HALT_KEY)
    except ResponseError:
        return UNREADABLE
    return None if value is None else value.decode("utf-8", "replace")[:200]


def file_value(file: Path) -> str | None:
    """Return what the halt file holds, or None when it is not there."""
    try:
        return file.read_text(errors="replace")[:200].strip() or "set"
    except FileNotFoundError:
        return None
    except OSError:
        return UNREADABLE


async def resume(journal: Journal, connection: Connection, file: Path, reason: str, at_ms: int) -> list[str]:
    """Lift every halt, for a person's reason, and return what they were.

    Raises RefusedError while key or file would halt again at once.
    """
    standing = {
        f"the Redis key {HALT_KEY}": await key_value(connection),
        f"the file {file}": file_value(file),
    }
    still = [name for name, value in standing.items() if value is not None]
    if still:
        raise RefusedError(f"{' and '.join(still)} still halts.", "Remove it first, then resume.")
    lifted = [f"{halt.code}: {halt.detail}" for halt in journal.halts()]
    journal.lift_halt(reason, at_ms)
    # Whoever resumes has looked: Redis, journal and account that are there now are those to go on with.
    journal.set_meta("redis", "")
    journal.set_meta("account", "")
    await journal_memory.remember(connection, journal_memory.seen_of(journal))
    return lifted
