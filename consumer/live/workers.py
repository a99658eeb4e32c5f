"""A worker per symbol: one thing at a time in each, and no symbol waits for another one's.

What was begun goes on when whoever waits for it is cancelled: an entry that was sent is carried to its stop
whatever becomes of the connection that brought its intent.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from consumer.live.orders.sender import NotNowError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine

#: For so many seconds an intent waits for its symbol's turn; then it stays pending, and makes room.
PATIENCE_S = 3.0


class SymbolWorkers:
    """What is in hand, by symbol. It must be made while an event loop runs."""

    def __init__(self, failed: Callable[[str, Exception], None]) -> None:
        """Make workers; `failed` is told what went wrong with what nobody waits for."""
        self._failed = failed
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: Counter[str] = Counter()
        self._since: dict[str, float] = {}
        self._hands: set[asyncio.Task[Any]] = set()
        self._offered: set[tuple[str, str]] = set()

    @property
    def in_hand(self) -> dict[str, float]:
        """For how many seconds each symbol's worker has been at what it does."""
        now = time.monotonic()
        return {symbol: now - since for symbol, since in self._since.items()}

    async def do[Result](
        self,
        symbol: str,
        work: Callable[[], Coroutine[Any, Any, Result]],
        patience_s: float | None = None,
    ) -> Result:
        """Do something when its symbol's turn comes, in the order of the calls.

        Raises NotNowError when that takes more than `patience_s` seconds.
        """

        async def in_turn() -> Result:
            async with self._turn(symbol, patience_s):
                return await work()

        return await asyncio.shield(self._begin(in_turn()))

    def offer(self, symbol: str, name: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Have something done in its turn, unless the same waits or is under way; wait for nothing."""
        key = (symbol, name)
        if key in self._offered:
            return
        self._offered.add(key)

        async def in_turn() -> None:
            try:
                async with self._turn(symbol, None):
                    await work()
            except Exception as error:  # noqa: BLE001 - nobody waits for it, so whoever is named hears of it
                self._failed(name, error)
            finally:
                self._offered.discard(key)

        self._begin(in_turn())

    async def finish(self, within_s: float) -> None:
        """Let what is in hand go on for a while, then cancel it."""
        if not self._hands:
            return
        _, unfinished = await asyncio.wait(self._hands, timeout=max(within_s, 0.0))
        for hand in unfinished:
            hand.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)

    def _begin[Result](self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        hand = asyncio.create_task(work)
        self._hands.add(hand)
        hand.add_done_callback(self._hands.discard)
        return hand

    @asynccontextmanager
    async def _turn(self, symbol: str, patience_s: float | None) -> AsyncIterator[None]:
        lock = self._locks.setdefault(symbol, asyncio.Lock())
        self._users[symbol] += 1
        try:
            await self._wait(symbol, lock, patience_s)
            self._since[symbol] = time.monotonic()
            try:
                yield
            finally:
                self._since.pop(symbol, None)
                lock.release()
        finally:
            self._users[symbol] -= 1
            if not self._users[symbol]:  # any text may name a symbol, and none of them is kept
                del self._users[symbol], self._locks[symbol]

    async def _wait(self, symbol: str, lock: asyncio.Lock, patience_s: float | None) -> None:
        busy_s = self.in_hand.get(symbol, 0.0)
        if patience_s is not None and busy_s > patience_s:
            raise NotNowError(f"{symbol} has been busy for {busy_s:.0f} s")
        try:
            await asyncio.wait_for(lock.acquire(), patience_s)
        except TimeoutError:
            raise NotNowError(f"{symbol} was busy for {patience_s:.0f} s") from None
