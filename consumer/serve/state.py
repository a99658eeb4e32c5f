"""What the running consumer knows of itself: its progress, its counters, and what went wrong."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from consumer.base.clock import Clock
from consumer.base.times import utc_now
from consumer.stream.causes import answered
from consumer.stream.faults import Faults, described

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from consumer.base.settings import Settings
    from consumer.stream.result_writer import Settled

COUNTERS = (
    "read", "claimed", "settle_lost", "put_off", "dead_lettered", "lost_trimmed", "consumer_errors",
    "sessions", "reconnects", "given_again", "taken_off", "held_up",
)  # fmt: skip # a table, or a call that is read as one


class ServiceState:
    """Written by the loop, read by the health endpoint. Trouble passes; a fault stays until it is seen."""

    def __init__(self, settings: Settings) -> None:
        self.clock = Clock()
        self.counters: Counter[str] = Counter(dict.fromkeys(COUNTERS, 0))
        self.faults = Faults(settings)
        #: Entry → what keeps it from being settled, while others go on, and when that was seen.
        self._held_up: dict[str, tuple[str, float]] = {}
        self._held_up_for_s = 3 * settings.claim_idle_ms / 1000 + 5
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
        self.counters["settle_lost"] += len(batch.elsewhere)
        self.counters["put_off"] += batch.put_off
        self.counters["dead_lettered"] += len(batch.dead_letters)
        self.counters["given_again"] += len(batch.again)
        self.counters["taken_off"] += len(batch.taken_off)
        self.counters["held_up"] += len(batch.held_up)

    def held_up(self, ids: Sequence[str], held_up: Sequence[tuple[str, str]]) -> None:
        """Note which of these entries cannot be settled for now, and that the others could."""
        if not self._held_up and not held_up:
            return
        now = time.monotonic()
        for entry_id in ids:
            self._held_up.pop(entry_id, None)
        self._held_up.update({entry_id: (why, now) for entry_id, why in held_up})

    def troubled(self, code: str, detail: str) -> bool:
        """Note what keeps the loop from turning; False when that was known already."""
        known = self.trouble
        is_new = known is None or (known["code"], known["detail"]) != (code, detail)
        if is_new:
            self.trouble = _noted(code, detail)
        return known is None or known["code"] != code

    def problems(self) -> list[dict[str, Any]]:
        """Return the faults and the present trouble: code, detail, since when."""
        faults = [{**fault, "detail": described(fault)} for fault in self.faults.present.values()]
        return [*faults, *self._waiting(), *([self.trouble] if self.trouble else [])]

    def _waiting(self) -> list[dict[str, Any]]:
        """Say for what entries wait while others go on, each cause once."""
        oldest = time.monotonic() - self._held_up_for_s
        self._held_up = {id_: (why, at) for id_, (why, at) in self._held_up.items() if at > oldest}
        waiting: dict[str, list[str]] = {}
        for entry_id, (why, _) in self._held_up.items():
            waiting.setdefault(why, []).append(entry_id)
        return [
            _noted(answered(why).code, f"{why} ({len(ids)} wait, the first is {ids[0]})")
            for why, ids in waiting.items()
        ]

    def complaints(self) -> list[str]:
        """Return why this consumer is not healthy; nothing when it makes progress."""
        now = time.monotonic()
        states = {
            f"the loop has not turned for {self.patience_s:g} s": now - self._last_turn > self.patience_s,
            f"Redis has not answered for {self.patience_s:g} s": now - self._last_answer > self.patience_s,
            f"CLOCK: the local clock is {self.clock.offset_ms} ms off Redis's": self.clock.is_off(),
        }
        told = [f"{problem['code']}: {problem['detail']}" for problem in self.problems()]
        return told + [text for text, applies in states.items() if applies] + self.live_complaints()


def _noted(code: str, detail: str) -> dict[str, str]:
    return {"code": code, "detail": detail, "at": utc_now()}
