"""Reading the stream in the group's name: new entries, own left-overs, and those of others gone silent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from redis.exceptions import ResponseError

from consumer.base.errors import GroupMissingError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from consumer.base.settings import Settings
    from consumer.stream.connection import Connection


class Entry(NamedTuple):
    """One delivered entry.

    `fields` is None when its body was trimmed away; `repeated` holds the pairs as they came when a field
    stands in it twice. `is_pending` is False only for what the server took off the group itself.
    """

    id: str
    fields: dict[bytes, bytes] | None
    repeated: list[tuple[bytes, bytes]] | None = None
    is_pending: bool = True


class Reader:
    """The stream as one consumer of the group sees it. Raises GroupMissingError without the group."""

    def __init__(self, settings: Settings) -> None:
        self._stream = settings.stream
        self._group = settings.group
        self._claim_idle_ms = settings.claim_idle_ms
        self._batch = settings.batch
        self._read = ("XREADGROUP", "GROUP", settings.group, settings.consumer_name, "COUNT", settings.batch)
        self._block = ("BLOCK", settings.block_ms)
        self._name = settings.consumer_name

    async def find_group(self, connection: Connection) -> None:
        """Raise GroupMissingError unless the group is there."""
        await self._ask(connection, "XPENDING", self._stream, self._group)

    async def new(self, connection: Connection) -> list[Entry]:
        """Return entries that nobody was given yet; an empty list when none came within BLOCK."""
        return _entries(await self._ask(connection, *self._read, *self._block, "STREAMS", self._stream, ">"))

    async def own_pending(self, connection: Connection) -> AsyncIterator[list[Entry]]:
        """Give all that this consumer was given and never settled, in batches."""
        after = "0-0"
        while entries := _entries(await self._ask(connection, *self._read, "STREAMS", self._stream, after)):
            yield entries
            after = entries[-1].id

    async def claimed(self, connection: Connection) -> AsyncIterator[list[Entry]]:
        """Take over all that anybody has left pending for too long, in batches, to the cursor's end."""
        cursor = "0-0"
        while True:
            reply = await self._ask(
                connection, "XAUTOCLAIM", self._stream, self._group, self._name, self._claim_idle_ms, cursor,
                "COUNT", self._batch,
            )  # fmt: skip
            cursor = reply[0].decode()
            gone = [Entry(id_.decode(), None, is_pending=False) for id_ in reply[2]]
            yield [*(_entry(entry) for entry in reply[1] if entry), *gone]
            if cursor == "0-0":
                return

    async def _ask(self, connection: Connection, *command: str | int) -> Any:
        try:
            return await connection.ask(*command)
        except ResponseError as error:
            # When the stream is deleted, 7.0 wakes a blocked reader with UNBLOCKED, later ones with NOGROUP.
            if str(error).startswith(("NOGROUP", "UNBLOCKED")):
                raise GroupMissingError(self._stream, self._group) from error
            raise


def _entries(reply: Any) -> list[Entry]:
    return [_entry(entry) for entry in reply[0][1]] if reply else []


def _entry(reply: Any) -> Entry:
    id_, flat = reply
    if flat is None:
        return Entry(id_.decode(), None)
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    if 2 * len(fields) == len(flat):
        return Entry(id_.decode(), fields)
    return Entry(id_.decode(), fields, list(zip(flat[::2], flat[1::2], strict=True)))
