"""What the exchange's own record says of a run: how often an intent was entered, how long it had no stop.

Nothing here asks the consumer. An entry is an order that opens: market, not reduce-only, with our prefix.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: A filled entry has its stop, or is closed again, within so many ms of a running consumer.
NAKED_MS = 5000


class Span(NamedTuple):
    """One process: its first word, the exchange's first answer to it, its end; in ms."""

    began_ms: int
    saw_ms: int
    ended_ms: int


@dataclass(frozen=True)
class CrashVerdict:
    """One run's faults, and the longest time that a position stood without a stop while a consumer ran.

    What counts is the time since the fill could be seen; `longest_since_start_ms` has the start in it.
    """

    doubled: int = 0
    lost: int = 0
    naked: int = 0
    longest_naked_ms: int = 0
    longest_since_start_ms: int = 0
    decisions_wrong: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return not (self.doubled or self.lost or self.naked or self.decisions_wrong)


def judge(
    ledger: Mapping[str, Any],
    symbols: Mapping[str, str],
    decisions: Sequence[Mapping[str, str]],
    spans: Sequence[Span],
) -> CrashVerdict:
    """Judge a run. `symbols`: entry id → its symbol, one intent each; `spans`: when a consumer ran, in ms."""
    doubled, lost, naked, longest, since_start, wrong = 0, 0, 0, 0, 0, 0
    seeing = [(span.saw_ms, span.ended_ms) for span in spans]
    starting = [(span.began_ms, span.ended_ms) for span in spans]
    notes: list[str] = []
    for entry_id, symbol in symbols.items():
        entries = [order for order in ledger["orders"] if _opens(order, symbol)]
        doubled += max(0, len(entries) - 1)
        lost += not entries
        for entry in entries:
            bare_ms = _bare_ms(ledger, entry, seeing)
            longest = max(longest, bare_ms)
            since_start = max(since_start, _bare_ms(ledger, entry, starting))
            naked += bare_ms > NAKED_MS
        statuses = [decision["status"] for decision in decisions if decision["intent_id"] == entry_id]
        wrong += statuses != ["filled"]
        notes.append(f"{symbol}: {len(entries)} entries, decided {statuses}")
    return CrashVerdict(doubled, lost, naked, longest, since_start, wrong, notes)


def _opens(order: Mapping[str, Any], symbol: str) -> bool:
    return order["symbol"] == symbol and order["type"] == "MARKET" and not order["reduce_only"]


def _bare_ms(ledger: Mapping[str, Any], entry: Mapping[str, Any], spans: Sequence[tuple[int, int]]) -> int:
    """Return for how long one consumer ran between an entry's fill and the first stop or exit after it."""
    filled_ms = int(entry["created_ms"])
    covers = [
        int(order["created_ms"]) for order in ledger["algo_orders"] if order["symbol"] == entry["symbol"]
    ] + [
        int(order["created_ms"])
        for order in ledger["orders"]
        if order["symbol"] == entry["symbol"] and order["type"] == "MARKET" and order["reduce_only"]
    ]
    covered_ms = min((cover for cover in covers if cover >= filled_ms), default=spans[-1][1] + NAKED_MS + 1)
    never = NAKED_MS + 1 if covered_ms > spans[-1][1] else 0
    return never + max(max(0, min(end, covered_ms) - max(begin, filled_ms)) for begin, end in spans)
