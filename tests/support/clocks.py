"""Clocks that move only when a test says so, or a step at each look."""

from __future__ import annotations


class ManualClock:
    """Redis's time in ms, and the same as seconds that only move on; each look takes `step_ms`."""

    def __init__(self, ms: int = 100_000, step_ms: int = 0) -> None:
        self.ms = ms
        self.step_ms = step_ms

    def now_ms(self) -> int:
        self.ms += self.step_ms
        return self.ms

    def monotonic(self) -> float:
        return self.now_ms() / 1000

    async def sleep(self, seconds: float) -> None:
        self.ms += int(seconds * 1000)
