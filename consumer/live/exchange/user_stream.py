"""The exchange's user data stream: hints to look, never believed alone; without it all goes on by asking.

Its key is asked for through the same door as all else; the library's own socket manager would ask beside it,
also while the exchange wants to be left alone.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp

from consumer.base.log import logger
from consumer.live.exchange import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: How often, in seconds, the key is prolonged, which lives for an hour.
PROLONG_S = 1200.0
#: Pauses, in seconds, before the next connection: the first and the longest.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
#: How long, in seconds, to wait for an event before looking whether to go on.
_LOOK_S = 0.5
_CONNECT_S = 5.0
_EXPIRED = "listenKeyExpired"


class KeyGiver(Protocol):
    """Gives the key of the stream."""

    async def listen_key(self) -> str:
        """Return the key, made or prolonged."""


class UserStream:
    """Listens while `is_wanted`, and wakes whoever looks after a symbol that an event names."""

    def __init__(
        self, url: str, keys: KeyGiver, wake: Callable[[str], None], is_wanted: Callable[[], bool]
    ) -> None:
        self._url = url
        self._keys = keys
        self._wake = wake
        self._is_wanted = is_wanted
        self._pause_s = FIRST_PAUSE_S
        self._again_at = 0.0
        self.is_connected = False

    async def listen(self) -> None:
        """Connect, unless it is too soon, and listen until that ends; after a failure the pause grows."""
        if not self._is_wanted() or time.monotonic() < self._again_at:
            return
        try:
            await self._listen()
        except (errors.OutcomeError, aiohttp.ClientError, OSError, ValueError) as error:
            logger().debug("user_stream_failed", why=str(error)[:200])
        finally:
            self.is_connected = False
            self._again_at = time.monotonic() + self._pause_s
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    async def _listen(self) -> None:
        key = await self._keys.listen_key()
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.ws_connect(f"{self._url}?listenKey={key}", heartbeat=30) as socket,
        ):
            self.is_connected, self._pause_s = True, FIRST_PAUSE_S
            logger().info("user_stream_connected")
            prolonged_at = time.monotonic()
            while self._is_wanted():
                if time.monotonic() - prolonged_at > PROLONG_S:
                    prolonged_at = time.monotonic()
                    if await self._keys.listen_key() != key:
                        return
                if not await self._took_one(socket):
                    return

    async def _took_one(self, socket: aiohttp.ClientWebSocketResponse) -> bool:
        """Take in an event, if there is one; tell whether there may be more."""
        try:
            message = await socket.receive(timeout=_LOOK_S)
        except TimeoutError:
            return True
        if message.type is not aiohttp.WSMsgType.TEXT:
            return False
        event = json.loads(message.data)
        for symbol in symbols_of(event):
            self._wake(symbol)
        return bool(event.get("e") != _EXPIRED)


def symbols_of(event: Mapping[str, Any]) -> set[str]:
    """Return the symbols that an event is of; none where it is of none, or of an unknown kind."""
    order, account = event.get("o"), event.get("a")
    named = [order] if isinstance(order, dict) else []
    for positions in (account.get("P") if isinstance(account, dict) else None, event.get("p")):
        named += positions if isinstance(positions, list) else []
    return {item["s"] for item in named if isinstance(item, dict) and isinstance(item.get("s"), str)}
