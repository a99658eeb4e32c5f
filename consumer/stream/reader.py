"""Reading the stream in the group's name: new entries, own left-overs, and those of others gone silent.

New entries come in Redis's own reply, which is cut off when it is too large; what was delivered by it is then
pending, and is taken over by a script that measures each entry before it hands it out.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError, ResponseError

from consumer.base.errors import GroupMissingError
from consumer.intents.entry import Entry, Excerpt
from consumer.stream.connection import ReplyTooLargeError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from consumer.base.settings import Settings
    from consumer.stream.connection import Connection

SCRIPT = (Path(__file__).parent / "delivery.lua").read_text()
_START = "0-0"


class Reader:
    """The stream as one consumer of the group sees it. Raises GroupMissingError without the group.

    `puts_off` says that this consumer leaves entries pending on purpose, and comes back to them.
    """

    def __init__(self, settings: Settings, *, puts_off: bool = False) -> None:
        self._stream = settings.stream
        self._group = settings.group
        self._claim_idle_ms = settings.claim_idle_ms
        self._batch = self._count = settings.batch
        self._most_bytes = (settings.entry_max_bytes, settings.read_max_bytes)
        self._read = ("XREADGROUP", "GROUP", settings.group, settings.consumer_name, "COUNT")
        self._rest = ("BLOCK", settings.block_ms, "STREAMS", settings.stream, ">")
        self._name = settings.consumer_name
        self._puts_off = puts_off
        self._is_first_pass = True
        self._script = ""

    async def find_group(self, connection: Connection) -> None:
        """Raise GroupMissingError unless the group is there."""
        await self._ask(connection, "XPENDING", self._stream, self._group)

    async def new(self, connection: Connection) -> list[Entry]:
        """Return entries that nobody was given yet; an empty list when none came within BLOCK.

        Raises ReplyTooLargeError when they are too large to be read at once: they are pending then.
        """
        try:
            most_bytes = self._most_bytes[1]
            reply = await self._ask(connection, *self._read, self._count, *self._rest, most_bytes=most_bytes)
        except ReplyTooLargeError:
            self._count = 1
            raise
        self._count = min(2 * self._count, self._batch)
        if not reply:
            return []
        most = self._most_bytes[0]
        return [
            Entry(id_.decode(), None) if flat is None else Entry.of(id_.decode(), flat, most)
            for id_, flat in reply[0][1]
        ]

    async def own_pending(self, connection: Connection) -> AsyncIterator[list[Entry]]:
        """Give all that this consumer was given and never settled, in batches.

        The first time it counts as a delivery: the process before ended over it. Later it is this process
        that asks again, for no fault of the entry's.
        """
        added = int(self._is_first_pass)
        async for entries in self._taken(connection, self._name, 0, (added, "")):
            yield entries
        self._is_first_pass = False

    async def claimed(self, connection: Connection) -> AsyncIterator[list[Entry]]:
        """Take over all that anybody has left pending for too long, in batches.

        That counts as a delivery, unless this process puts entries off by itself, and it was its own.
        """
        excepted = self._name if self._puts_off else ""
        async for entries in self._taken(connection, "", self._claim_idle_ms, (1, excepted)):
            yield entries

    async def _taken(
        self, connection: Connection, owner: str, idle_ms: int, counted: tuple[int, str]
    ) -> AsyncIterator[list[Entry]]:
        after = _START
        while True:
            last, rows = await self._run(
                connection, 1, self._stream, self._group, self._name, owner, idle_ms, after, self._batch,
                *self._most_bytes, *counted,
            )  # fmt: skip # a table, or a call that is read as one
            if not rows:
                return
            yield [_taken_over(*row) for row in rows]
            after = last.decode()

    async def _run(self, connection: Connection, *arguments: str | int) -> Any:
        try:
            return await self._ask(connection, "EVALSHA", self._script, *arguments)
        except NoScriptError:
            # Redis forgets scripts at a restart; it has done nothing, so asking again is safe.
            await self.load(connection)
            return await self._ask(connection, "EVALSHA", self._script, *arguments)

    async def load(self, connection: Connection) -> None:
        """Give Redis the script."""
        self._script = (await connection.ask("SCRIPT", "LOAD", SCRIPT)).decode()

    async def _ask(self, connection: Connection, *command: str | int, most_bytes: int | None = None) -> Any:
        try:
            return await connection.ask(*command, most_bytes=most_bytes)
        except ResponseError as error:
            if str(error).startswith("NOGROUP"):
                raise GroupMissingError(self._stream, self._group) from error
            raise


def _taken_over(id_: bytes, deliveries: int, kind: bytes, what: list[Any]) -> Entry:
    """Read one row of the script's reply."""
    if kind == b"gone":
        return Entry(id_.decode(), None, deliveries=deliveries)
    if kind == b"large":
        start, size, sha1 = what
        return Entry(id_.decode(), None, excerpt=Excerpt(start, size, sha1.decode()), deliveries=deliveries)
    return Entry.of(id_.decode(), what, sum(map(len, what)), deliveries)
