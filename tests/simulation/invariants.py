"""What must hold, whatever happened. Judged by the exchange's own ledger, not by what the consumer says.

I1 at most one entry per intent, and one of twins. I2 a filled entry has its stop, or is flat, within 5 s
of each run of a consumer (and what faults cost on the way), and at the end. I3 what a gate stopped sends
nothing.
I4 orders out are no more than the legs of the intents that went in. I5 nothing opens after a halt. I6 nothing
is acknowledged whose outcome is not durable, and everything is acknowledged at last. I7 every entry has one
decision, with a coded reason. I8 nothing is sent while the exchange wants to be left alone, and never more
than so much a minute. I9 an entry is sent only at a price that was within the collar a moment before. I10 an
entry never meets a position. I11 a stop that a person takes away is back, or the position gone, in such time.
"""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tests.simulation.record import PublishedIntent, entries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.exchange.core.parameters import Parameters
    from sandbox.exchange.core.records import Order
    from tests.simulation.record import Record
    from tests.simulation.venue import Venue

NAKED_MS = 5000
#: The limits' price collar, a fraction of the mark price.
COLLAR = Decimal("0.2")
#: What one fault may cost on the way to a stop: the longest patience of a request, and a pause.
FAULT_MS = 4100
#: So long before it is sent an entry may have been judged, and so much its answer may lag.
JUDGED_MS = 3000
#: The most requests in a minute, whatever happens; the exchange's limit is 2,400 of weight.
MOST_ASKED = 1000
_MINUTE_MS = 60_000
#: How long the next instance may need until it looks after what is open: the other's lease, and comparing.
TAKEOVER_MS = 11_000
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
        *_asked_too_often(venue),
        *_i9(venue, record),
        *_i10(venue),
        *_i11(venue, record),
    ]


def unprotected_ms(venue: Venue, record: Record) -> list[int]:
    """Return of each entry how long, in ms, it stood without stop or exit while one could have been sent."""
    return [
        max((spell.bare_ms for spell in _spells(venue, record, intent.symbol, filled_ms)), default=0)
        for intent in record.intents
        for _, filled_ms in entries(venue, intent)
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
    for spell in _spells(venue, record, intent.symbol, filled_ms):
        if spell.bare_ms > spell.allowed_ms:
            return f"was bare for {spell.bare_ms} ms of one run, {spell.allowed_ms} allowed"
    return ""


class _Spell(NamedTuple):
    """A time without a stop within one run: how long one could have been sent, and how long that may be."""

    bare_ms: int
    allowed_ms: int


def _spells(venue: Venue, record: Record, symbol: str, since_ms: int) -> Iterator[_Spell]:
    """Give, run by run, for how long a symbol was bare from a time on."""
    covered_ms = min(_covers(venue, symbol, since_ms), default=record.ended_ms)
    forbidden = _union([*record.partitions, *record.quiet])
    for begin, end in record.running:
        from_ms, until_ms = max(begin, since_ms), min(end, covered_ms)
        if from_ms < until_ms:
            faults = sum(from_ms - FAULT_MS <= fault <= until_ms for fault in _faults(record, symbol))
            bare_ms = until_ms - from_ms - _overlap(forbidden, from_ms, until_ms)
            yield _Spell(bare_ms, NAKED_MS + faults * FAULT_MS + _lag_ms(venue))


def _faults(record: Record, symbol: str) -> list[int]:
    """Return when a request of a symbol, or of none, went wrong, or waited for what a partition swallowed."""
    own = [at for at, of in record.faults if of in ("", symbol)]
    return [*own, *(end for _, end in record.partitions)]


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


def _covers(venue: Venue, symbol: str, filled_ms: int) -> Iterator[int]:
    """Give the times from which the position had a stop, or was gone."""
    for algo in venue.ledger.algo_orders.values():
        if algo.symbol == symbol and algo.created_ms >= filled_ms:
            yield algo.created_ms
    amount = Decimal(0)
    for trade in venue.ledger.trades:
        if trade.symbol == symbol:
            amount += trade.signed_quantity
            if not amount and trade.time_ms >= filled_ms:
                yield trade.time_ms


def _i3(venue: Venue, record: Record) -> Iterator[str]:
    did_something = {
        decision["origin_id"]
        for decision in record.decisions
        if not decision["status"].startswith(_SENT_NOTHING)
    }
    for decision in record.decisions:
        if decision["origin_id"] in did_something:
            continue  # a replay is decided as what it repeats, or beside it
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


def _asked_too_often(venue: Venue) -> Iterator[str]:
    first = 0
    for last, at in enumerate(venue.asked):
        while venue.asked[first] < at - _MINUTE_MS:
            first += 1
        if last - first + 1 > MOST_ASKED:
            yield f"I8 {last - first + 1} requests in a minute"
            return


def _i9(venue: Venue, record: Record) -> Iterator[str]:
    for sent_ms, _, path, parameters in venue.sent:
        if not _opens(path, parameters):
            continue
        asked = next(
            (
                intent
                for intent in record.intents
                if (intent.symbol, f"{intent.quantity:f}") == (parameters["symbol"], parameters["quantity"])
            ),
            None,
        )
        if asked is None:
            continue  # which is for I1 to notice, or an id that the library made up
        marks = list(_marks(venue, asked.symbol, sent_ms - JUDGED_MS, sent_ms))
        if not any(abs(asked.price - mark) <= COLLAR * mark for mark in marks):
            yield f"I9 {asked.symbol} was entered for {asked.price}, at {', '.join(map(str, marks))}"


def _marks(venue: Venue, symbol: str, from_ms: int, until_ms: int) -> Iterator[Decimal]:
    """Give the mark prices that were in force within a time."""
    known = venue.marks[symbol]
    for (at, mark), (next_ms, _) in zip(known, [*known[1:], (until_ms + 1, Decimal(0))], strict=True):
        if at <= until_ms and next_ms > from_ms:
            yield mark


def _i10(venue: Venue) -> Iterator[str]:
    held: dict[tuple[str, str], Decimal] = {}
    by_entry: dict[tuple[str, str], int] = {}
    for trade in venue.ledger.trades:
        key, order = (trade.symbol, trade.position_side), venue.ledger.orders[trade.order_id]
        opens = order.type == "MARKET" and not order.closes and not order.algo_id
        if opens and held.get(key) and by_entry.get(key) != trade.order_id:
            yield f"I10 {trade.symbol} was entered on top of {held[key]}"
        if opens:
            by_entry[key] = trade.order_id
        held[key] = held.get(key, Decimal(0)) + trade.signed_quantity


def _i11(venue: Venue, record: Record) -> Iterator[str]:
    for taken_ms, symbol in record.taken:
        covered_ms = min(_covers(venue, symbol, taken_ms), default=record.ended_ms)
        forbidden = _union([*record.partitions, *record.quiet])
        bare_ms = covered_ms - taken_ms - _overlap(forbidden, taken_ms, covered_ms)
        troubles = sum(taken_ms - FAULT_MS <= fault <= covered_ms for fault in _faults(record, symbol))
        # Only who holds the lease looks for what is gone, and whoever comes after it has to wait for it.
        handovers = sum(taken_ms - TAKEOVER_MS <= end <= covered_ms for _, end in record.running)
        allowed_ms = NAKED_MS + troubles * FAULT_MS + handovers * TAKEOVER_MS + _lag_ms(venue)
        if bare_ms > allowed_ms:
            yield f"I11 {symbol} stayed {bare_ms} ms without its stop, {allowed_ms} allowed"


def _lag_ms(venue: Venue) -> int:
    return 2 * venue.ledger.switches.read_lag_ms
