"""What must hold, whatever happened. Judged by the exchange's own ledger, not by what the consumer says.

I1 at most one entry per intent, and one of twins. I2 a filled entry has its stop, or is flat, within 5 s
of each run of a consumer (and what faults cost on the way), and at the end. I3 what a gate stopped sends
nothing.
I4 orders out are no more than the legs of the intents that went in. I5 nothing opens after a halt. I6 nothing
is acknowledged whose outcome is not durable, and everything is acknowledged at last. I7 every entry has one
decision, with a coded reason. I8 nothing is sent while the exchange wants to be left alone.
"""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.simulation.record import PublishedIntent, entries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.exchange.core.parameters import Parameters
    from sandbox.exchange.core.records import Order
    from tests.simulation.record import Record
    from tests.simulation.venue import Venue

NAKED_MS = 5000
#: What one fault may cost on the way to a stop: the longest patience of a request, and a pause.
FAULT_MS = 4100
_CODED = re.compile(r"[A-Z][A-Z0-9_]*(:.*)?", re.DOTALL)
_SENT_NOTHING = ("skipped_", "rejected_risk", "invalid")


def broken(venue: Venue, record: Record) -> list[str]:
    """Return what does not hold, an empty list when all does."""
    return [
        *_i1(venue, record),
        *_i2(venue, record),
        *_i3(venue, record),
        *_i4(venue, record),
        *_i5(venue, record),
        *(f"I6 {line}" for line in record.hollow),
        *_i7(record),
        *(f"I8 {line}" for line in record.noise),
    ]


def _i1(venue: Venue, record: Record) -> Iterator[str]:
    for intent in record.intents:
        entered = entries(venue, intent)
        if len(entered) > 1:
            yield f"I1 {intent.symbol} of {intent.entry_id} was entered {len(entered)} times"
        first = next((other for other in record.intents if other.entry_id == intent.twin_of), None)
        if first and entered and entries(venue, first):
            yield f"I1 {intent.symbol} of {intent.entry_id} was entered beside its twin {first.entry_id}"


def _i2(venue: Venue, record: Record) -> Iterator[str]:
    for intent in record.intents:
        for _, filled_ms in entries(venue, intent):
            bare = _bare(venue, record, intent, filled_ms)
            if bare:
                yield f"I2 {intent.symbol} of {intent.entry_id} {bare}"
    for (symbol, side), held in venue.ledger.open_positions.items():
        stops = [
            order
            for order in venue.ledger.open_algo_orders
            if order.symbol == symbol and order.close_position
        ]
        if not any(stop.sign * held.amount < 0 and stop.position_side == side for stop in stops):
            yield f"I2 {symbol} {held.amount} has no stop at the end"


def _bare(venue: Venue, record: Record, intent: PublishedIntent, filled_ms: int) -> str:
    """Say for how long a consumer let a filled entry stand without a stop, if it was too long."""
    covered_ms = min(_covers(venue, intent, filled_ms), default=record.ended_ms)
    lag_ms = 2 * venue.ledger.switches.read_lag_ms
    for begin, end in record.running:
        from_ms, until_ms = max(begin, filled_ms), min(end, covered_ms)
        faults = sum(from_ms - FAULT_MS <= fault <= until_ms for fault in _faults(record))
        forbidden = _union([*record.partitions, *record.quiet])
        allowed_ms = NAKED_MS + faults * FAULT_MS + lag_ms + _overlap(forbidden, from_ms, until_ms)
        if until_ms - from_ms > allowed_ms:
            return f"was bare for {until_ms - from_ms} ms of one run, {allowed_ms} allowed"
    return ""


def _faults(record: Record) -> list[int]:
    """Return when a request went wrong, or waited for what a partition had swallowed."""
    return [*record.faults, *(end for _, end in record.partitions)]


def _union(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the same times without one of them twice."""
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined


def _overlap(spans: list[tuple[int, int]], begin_ms: int, end_ms: int) -> int:
    return sum(max(0, min(end, end_ms) - max(begin, begin_ms)) for begin, end in spans)


def _covers(venue: Venue, intent: PublishedIntent, filled_ms: int) -> Iterator[int]:
    """Give the times from which the position had a stop, or was gone."""
    for algo in venue.ledger.algo_orders.values():
        if algo.symbol == intent.symbol and algo.created_ms >= filled_ms:
            yield algo.created_ms
    amount = Decimal(0)
    for trade in venue.ledger.trades:
        if trade.symbol == intent.symbol:
            amount += trade.signed_quantity
            if not amount and trade.time_ms >= filled_ms:
                yield trade.time_ms


def _i3(venue: Venue, record: Record) -> Iterator[str]:
    for decision in record.decisions:
        intent = next((other for other in record.intents if other.entry_id == decision["origin_id"]), None)
        if intent and decision["status"].startswith(_SENT_NOTHING) and entries(venue, intent):
            told = f"{decision['status']} {decision['reason']}"
            yield f"I3 {intent.symbol} of {intent.entry_id} is {told}, and was entered"


def _i4(venue: Venue, record: Record) -> Iterator[str]:
    entered = Counter(intent.symbol for intent in record.intents if entries(venue, intent))
    for symbol in {intent.symbol for intent in record.intents}:
        targets = Counter(target.price for target in _targets(venue, symbol))
        for price, count in targets.items():
            if count > entered[symbol]:
                yield f"I4 {symbol} has {count} take profits at {price} for {entered[symbol]} entries"
        stops = sum(order.symbol == symbol for order in venue.ledger.open_algo_orders)
        if stops > 1:
            yield f"I4 {symbol} has {stops} open stops"


def _targets(venue: Venue, symbol: str) -> list[Order]:
    return [
        order for order in venue.ledger.orders.values() if order.symbol == symbol and order.type == "LIMIT"
    ]


def _i5(venue: Venue, record: Record) -> Iterator[str]:
    for sent_ms, _, path, parameters in venue.sent:
        if _opens(path, parameters) and any(
            begin < sent_ms and (not end or sent_ms < end) for begin, end in record.halts
        ):
            yield f"I5 {parameters['symbol']} was entered while halted"


def _opens(path: str, parameters: Parameters) -> bool:
    if not path.endswith("/order") or parameters["type"] != "MARKET":
        return False
    if parameters["positionSide"] == "BOTH":
        return "reduceOnly" not in parameters
    return (parameters["side"], parameters["positionSide"]) in (("BUY", "LONG"), ("SELL", "SHORT"))


def _i7(record: Record) -> Iterator[str]:
    decided = Counter(decision["intent_id"] for decision in record.decisions)
    for entry_id, count in decided.items():
        if count > 1:
            yield f"I7 {entry_id} was decided {count} times"
    for decision in record.decisions:
        if not _CODED.fullmatch(decision["reason"]):
            yield f"I7 {decision['intent_id']} has the reason {decision['reason']!r}"
