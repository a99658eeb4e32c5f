"""Redis's clock, which is everybody's: how far this machine's is off, measured again and again."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from consumer.stream.connection import Connection

#: A local clock that is further off than this, in milliseconds, is not ready.
TOLERANCE_MS = 5000
EVERY_S = 10.0


class Clock:
    """Redis's time, between measurements."""

    def __init__(self) -> None:
        self.offset_ms: int | None = None

    def now_ms(self) -> int:
        """Return Redis's time in milliseconds since 1970."""
        return time.time_ns() // 1_000_000 + (self.offset_ms or 0)

    def is_off(self) -> bool:
        """Tell whether the local clock cannot be relied on, or was never compared."""
        return self.offset_ms is None or abs(self.offset_ms) > TOLERANCE_MS

    async def measure(self, connection: Connection) -> None:
        """Compare the local clock with Redis's, at the middle of one round trip."""
        before = time.time_ns()
        seconds, microseconds = await connection.ask("TIME")
        middle = (before + time.time_ns()) // 2
        self.offset_ms = (int(seconds) * 1_000_000 + int(microseconds)) // 1000 - middle // 1_000_000
