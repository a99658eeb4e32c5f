"""What the running consumer knows of itself: its progress, its counters, and what went wrong."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from consumer.base.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from consumer.base.settings import Settings
    from consumer.stream.result_writer import Settled

COUNTERS = (
    "read", "claimed", "settle_lost", "put_off", "dead_lettered", "lost_trimmed", "consumer_errors",
    "sessions", "reconnects",
)  # fmt: skip


class State:
    """Written by the loop, read by the health endpoint. Trouble passes; a fault stays until a restart."""

    def __init__(self, settings: Settings) -> None:
        self.clock = Clock()
        self.counters: Counter[str] = Counter(dict.fromkeys(COUNTERS, 0))
        self.faults: list[dict[str, str]] = []
        self.trouble: dict[str, str] | None = _noted("STARTING", "not connected to Redis yet")
        self.started_at = utc_now()
        self.redis_run_id = ""
        self.replication_id = ""
        self.halt: str | None = None
        #: How old, in seconds, the last turn of the loop and the last answer may be.
        self.patience_s = 2 * settings.block_ms / 1000 + 3
        #: What live mode says of itself, and why it does not trade.
        self.live: Callable[[], dict[str, Any]] | None = None
        self.live_complaints: Callable[[], list[str]] = list
        self._last_turn = self._last_answer = float("-inf")

    def turned(self) -> None:
        """Note that the loop has turned, which it does at least once per BLOCK: the group has answered."""
        self._last_turn = self._last_answer = time.monotonic()
        self.trouble = None

    def settled(self, batch: Settled) -> None:
        """Count what became of a batch."""
        self._last_answer = time.monotonic()
        self.counters.update(batch.counts)
        self.counters["settle_lost"] += batch.elsewhere
        self.counters["put_off"] += batch.put_off
        self.counters["dead_lettered"] += len(batch.dead_letters)

    def troubled(self, code: str, detail: str) -> bool:
        """Note what keeps the loop from turning; False when that was known already."""
        is_new = self.trouble is None or self.trouble["code"] != code
        if is_new:
            self.trouble = _noted(code, detail)
        return is_new

    def fault(self, code: str, detail: str) -> bool:
        """Keep a fault that a person must look at, each kind once; False when it is kept already."""
        is_new = all(fault["code"] != code for fault in self.faults)
        if is_new:
            self.faults.append(_noted(code, detail))
        return is_new

    def problems(self) -> list[dict[str, str]]:
        """Return the faults and the present trouble: code, detail, since when."""
        return [*self.faults, *([self.trouble] if self.trouble else [])]

    def complaints(self) -> list[str]:
        """Return why this consumer is not healthy; nothing when it makes progress."""
        now = time.monotonic()
        states = {
            f"the loop has not turned for {self.patience_s:g} s": now - self._last_turn > self.patience_s,
            f"Redis has not answered for {self.patience_s:g} s": now - self._last_answer > self.patience_s,
            f"the local clock is {self.clock.offset_ms} ms off Redis's": self.clock.is_off(),
        }
        told = [f"{problem['code']}: {problem['detail']}" for problem in self.problems()]
        return told + [text for text, applies in states.items() if applies] + self.live_complaints()


def _noted(code: str, detail: str) -> dict[str, str]:
    return {"code": code, "detail": detail, "at": utc_now()}


def utc_now() -> str:
    """Return the local time in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
