"""What the invariants are judged by: everything that was sent, decided and halted, with its time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

    from tests.simulation.venue import Venue


@dataclass(frozen=True)
class PublishedIntent:
    """A published intent. Its quantity is its own, so that its entries are known by what was bought."""

    entry_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    twin_of: str = ""


@dataclass
class Record:
    """The history of one simulated world, in ms."""

    intents: list[PublishedIntent] = field(default_factory=list)
    #: When a process was up.
    running: list[tuple[int, int]] = field(default_factory=list)
    #: When a process could not reach the exchange.
    partitions: list[tuple[int, int]] = field(default_factory=list)
    #: When a request met a fault, and of which symbol it was; empty where it was of none.
    faults: list[tuple[int, str]] = field(default_factory=list)
    #: When a person took a symbol's stop away.
    taken: list[tuple[int, str]] = field(default_factory=list)
    #: When the exchange wanted to be left alone, and what was sent to it all the same.
    quiet: list[tuple[int, int]] = field(default_factory=list)
    noise: list[str] = field(default_factory=list)
    #: What an acknowledgement left behind that was not durable.
    hollow: list[str] = field(default_factory=list)
    #: (from, until) of every halt; until is 0 while it holds.
    halts: list[tuple[int, int]] = field(default_factory=list)
    decisions: list[dict[str, str]] = field(default_factory=list)
    ended_ms: int = 0


def entries(venue: Venue, intent: PublishedIntent) -> list[tuple[int, int]]:
    """Return (order id, time) of the orders that opened this intent's position."""
    return [
        (order.order_id, order.created_ms)
        for order in venue.ledger.orders.values()
        if order.symbol == intent.symbol
        and order.quantity == intent.quantity
        and order.type == "MARKET"
        and not order.closes
        and not order.algo_id
        and order.executed
    ]
