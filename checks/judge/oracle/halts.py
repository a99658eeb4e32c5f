"""Whether the halts that decisions speak of can have been: nobody sets one and lifts it within a second."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from checks.judge.stream_ids import milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from checks.judge.oracle.decoder import Decoded

HALTED = "skipped_halted"
#: A halt that lasted less is none, in ms.
SHORTEST_HALT_MS = 1_000
#: What becomes of an intent that a halt would have stopped.
_FREE = ("skipped_drain", "skipped_duplicate", "rejected_risk")


@dataclass(slots=True)
class HaltHistory:
    """Takes in the decisions that a halt could have stopped, in their order."""

    last_free_ms: int | None = None
    first_halted: tuple[int, str] | None = None
    short: list[tuple[str, int]] = field(default_factory=list)

    def see(self, decision_id: str, entry_id: str, decision: Mapping[str, Any], decoded: Decoded) -> None:
        """Take in one decision."""
        at_ms = milliseconds(decision_id)
        if decision["status"] == HALTED:
            self.first_halted = self.first_halted or (at_ms, entry_id)
        elif decision["status"] in _FREE and self._opens(decoded):
            if self.first_halted and self.last_free_ms is not None:
                self._close(at_ms)
            self.last_free_ms, self.first_halted = at_ms, None

    def problems(self) -> Iterator[tuple[str, str]]:
        """Name the halts that nobody can have set and lifted."""
        for entry_id, lasted_ms in self.short:
            yield entry_id, f"skipped_halted, by a halt that can have stood for {lasted_ms} ms at most"

    def _close(self, at_ms: int) -> None:
        began = self.last_free_ms if self.last_free_ms is not None else at_ms
        if self.first_halted and at_ms - began < SHORTEST_HALT_MS:
            self.short.append((self.first_halted[1], at_ms - began))

    @staticmethod
    def _opens(decoded: Decoded) -> bool:
        return decoded.intent is not None and decoded.intent["direction"] in ("long", "short")
