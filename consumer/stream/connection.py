"""One connection to Redis: one command at a time, sent once.

A client that repeats a command when its reply is lost writes twice and reads past entries; this one does not.
Commands are packed in C: in Python that was most of what a decision cost.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

import hiredis
from redis.asyncio.connection import Connection as Socket
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

if TYPE_CHECKING:
    from types import TracebackType


class Connection:
    """A connection that is opened by `async with`. Errors are redis.RedisError, raised as they come."""

    def __init__(self, url: str, password: str | None, timeout_s: float) -> None:
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

    async def ask(self, *command: str | bytes | float) -> Any:
        """Send one command and return its reply as it came: bytes, integers, None and lists of them."""
        packed = hiredis.pack_command(command)  # type: ignore[arg-type]  # any length, not only one
        async with self._turn:
            await self._socket.send_packed_command(packed, check_health=False)
            return await self._socket.read_response()
