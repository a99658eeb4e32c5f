"""The exchange's clock, so that a test can bring one of its own."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class MarketClock(Protocol):
    """A time that everybody shares, and waiting in it."""

    def now_ms(self) -> int:
        """Return Unix milliseconds."""

    async def sleep(self, seconds: float) -> None:
        """Let others run for so long."""


class SystemClock:
    """The machine's."""

    def now_ms(self) -> int:
        """Return Unix milliseconds."""
        return time.time_ns() // 1_000_000

    async def sleep(self, seconds: float) -> None:
        """Let others run for so long."""
        await asyncio.sleep(seconds)
