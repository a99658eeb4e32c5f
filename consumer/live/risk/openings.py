"""What the journal says of what is open, or may be in a moment; read once for each judgement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.live.journal import OrderPhase
from consumer.live.orders import ids

if TYPE_CHECKING:
    from consumer.live.journal import IntentRow, Journal, OrderRow

#: For so long, in ms, what the exchange lists may not show an entry.
LAG_MS = 10_000
_OPENING_LEGS = (ids.ENTRY, ids.STOP, *ids.TARGETS)
_MAY_BE_THERE = (OrderPhase.SENT, OrderPhase.UNKNOWN, OrderPhase.ACCEPTED, OrderPhase.FILLED)


class Openings:
    """The intents that may have something at the exchange; `but_for` is the one that is judged, if begun."""

    def __init__(self, journal: Journal, but_for: str = "") -> None:
        self._intents = journal.open_intents()
        self._rows = {intent.origin_id: journal.orders(intent.origin_id) for intent in self._intents}
        self._but_for = but_for

    @property
    def count(self) -> int:
        """How many intents that open there are, the judged one included."""
        return len(self._opening)

    @property
    def begun(self) -> list[IntentRow]:
        """Other openings that were begun and have come to nothing yet: each may still become a position."""
        return [
            intent for intent in self._opening if not intent.is_finished and intent.origin_id != self._but_for
        ]

    @property
    def unsent(self) -> int:
        """How many of those have sent nothing yet."""
        return sum(not any(row.times_sent for row in self._rows[intent.origin_id]) for intent in self.begun)

    @property
    def orders_out(self) -> int:
        """How many orders of openings are, or may be, at the exchange, or were executed there."""
        return sum(self._out(self._rows[intent.origin_id]) for intent in self._opening)

    def entered(self, now_ms: int) -> list[IntentRow]:
        """Return the openings that were entered so short a time ago that lists may not show it."""
        return [
            intent
            for intent in self._opening
            if _sent_ms(self._rows[intent.origin_id], ids.ENTRY) > now_ms - LAG_MS
        ]

    def was_just_entered(self, symbol: str, now_ms: int) -> bool:
        """Tell whether a symbol was entered so short a time ago that lists may not show it, and not left."""
        rows = self._of_others(symbol)
        return _sent_ms(rows, ids.ENTRY) > max(_sent_ms(rows, ids.EXIT), now_ms - LAG_MS)

    def may_have_brought(self, symbol: str) -> bool:
        """Tell whether another intent of ours has, or may have, something of a symbol at the exchange."""
        return any(row.state in _MAY_BE_THERE for row in self._of_others(symbol))

    @property
    def _opening(self) -> list[IntentRow]:
        return [intent for intent in self._intents if intent.direction != "close"]

    def _of_others(self, symbol: str) -> list[OrderRow]:
        return [
            row
            for intent in self._intents
            if intent.symbol == symbol and intent.origin_id != self._but_for
            for row in self._rows[intent.origin_id]
        ]

    @staticmethod
    def _out(rows: list[OrderRow]) -> int:
        """Count an intent's orders that may be there.

        Its stops count once: the exchange takes one that closes a position, and an attempt that was lost on
        the way stays doubtful beside the one that stands.
        """
        there = [row for row in rows if row.leg in _OPENING_LEGS and row.state in _MAY_BE_THERE]
        stops = sum(row.leg == ids.STOP for row in there)
        return len(there) - max(0, stops - 1)


def _sent_ms(rows: list[OrderRow], leg: str) -> int:
    """Return when an order of a leg that executed something was sent last; 0 without one."""
    return max((row.sent_at_ms or 0 for row in rows if row.leg == leg and row.executed), default=0)
