"""One connection to Redis: one command at a time, sent once.

A client that repeats a command when its reply is lost writes twice and reads past entries; this one does not.
Commands are packed in C: in Python that was most of what a decision cost. A reply is taken in up to a number
of bytes and no further, whatever Redis holds.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self, cast

import hiredis
from redis._parsers import _AsyncHiredisParser as Parser  # what makes of bytes a reply has no public name
from redis.asyncio.connection import Connection as Socket
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoPermissionError, RedisError

if TYPE_CHECKING:
    from types import TracebackType


#: How many characters are told of a command that was denied.
MOST_TOLD = 200


class ReplyTooLargeError(RedisError):
    """Raised when a reply has more bytes than may be in hand. The connection cannot be used any more."""


class _Metered(Parser):
    """Counts what it takes in for one reply."""

    most_bytes: int | None = None
    taken = 0

    async def read_from_socket(self) -> bool:
        """Take in some more of a reply."""
        buffer = await self._stream.read(self._read_size) if self._stream else b""
        if not buffer:
            raise ConnectionResetError("Redis closed the connection")
        self.taken += len(buffer)
        if self.most_bytes is not None and self.taken > self.most_bytes:
            raise ReplyTooLargeError(f"a reply has more than {self.most_bytes} bytes")
        self._reader.feed(buffer)  # type: ignore[attr-defined]  # the library leaves it untyped
        return True


class Connection:
    """A connection that is opened by `async with`. Raises redis.RedisError or OSError as they come."""

    def __init__(self, url: str, password: str | None, timeout_s: float) -> None:
        """Make a connection whose replies may take `timeout_s` seconds."""
        options: dict[str, Any] = dict(parse_url(url))
        make = options.pop("connection_class", Socket)
        self._socket: Socket = make(
            **{
                **options,
                **({"password": password} if password else {}),
                "protocol": 2,
                "retry": Retry(NoBackoff(), 0),
                "socket_timeout": timeout_s,
                "socket_connect_timeout": 3,
                "driver_info": None,
                "parser_class": _Metered,
            }
        )
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self._socket.connect()  # type: ignore[no-untyped-call]  # the library leaves it untyped
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._socket.disconnect(nowait=True)

    async def ask(self, *command: str | bytes | float, most_bytes: int | None = None) -> Any:
        """Send one command and return its reply as it came: bytes, integers, None and lists of them.

        Raises ReplyTooLargeError when it has more than `most_bytes`; the command is carried out all the same.
        """
        packed = hiredis.pack_command(command)  # type: ignore[arg-type]  # any length, not only one
        async with self._turn:
            self._parser.taken, self._parser.most_bytes = 0, most_bytes
            await self._socket.send_packed_command(packed, check_health=False)
            try:
                return await self._socket.read_response()
            except NoPermissionError as error:
                # Redis does not always say what it was that it denied.
                error.args = (f"{error} [{' '.join(map(str, command))[:MOST_TOLD]}]",)
                raise

    @property
    def _parser(self) -> _Metered:
        return cast("_Metered", self._socket._parser)  # noqa: SLF001 - of the class that was asked for above
