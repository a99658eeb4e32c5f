"""The journal's rows as they are written and read."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from consumer.live.journal.journaled_plan import JournaledPlan, read_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

type Kind = Literal["order", "algo"]


class State(StrEnum):
    """Where an order is, as far as is known.

    PREPARED: written down, and certainly not at the exchange. SENT: a request may have left. UNKNOWN: it may
    have arrived; only asking tells. ACCEPTED: at the exchange, still open. The others are ends: FILLED,
    CANCELED, EXPIRED (each perhaps with a part executed), REFUSED, and GONE: it never existed.
    """

    PREPARED = "PREPARED"
    SENT = "SENT"
    UNKNOWN = "UNKNOWN"
    ACCEPTED = "ACCEPTED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REFUSED = "REFUSED"
    GONE = "GONE"

    @property
    def is_end(self) -> bool:
        """Whether nothing more is expected of the order."""
        return self in ENDS


ENDS = frozenset({State.FILLED, State.CANCELED, State.EXPIRED, State.REFUSED, State.GONE})
#: A request may have left, and what became of it is not known.
DOUBTFUL = frozenset({State.SENT, State.UNKNOWN})


class IntentRow(NamedTuple):
    """A journaled intent. `plan` is JSON, and so is `outcome` once it is finished.

    `amendment` is what became known after the outcome was told; `promotion` names the promotion record.
    `closed_ms` is when nothing of it was left at the exchange.
    """

    origin_id: str
    body_sha256: str
    entry_id: str
    origin_ms: int
    symbol: str
    direction: str
    promotion: str
    plan: str
    created_ms: int
    outcome: str | None
    amendment: str | None
    settled: bool
    closed_ms: int | None

    @property
    def planned(self) -> JournaledPlan:
        """The plan as values."""
        return read_plan(self.plan)

    @property
    def is_finished(self) -> bool:
        """Whether its decision is known and durable."""
        return self.outcome is not None


class OrderRow(NamedTuple):
    """A journaled order. `leg` is one of ids.LEGS; `request` is JSON with all that is sent.

    `executed` in the base asset, `average_price` in USDT, None while not known. `fencing` is the token of the
    lease under which it was sent.
    """

    client_id: str
    origin_id: str
    leg: str
    attempt: int
    kind: Kind
    request: str
    state: State
    prepared_ms: int
    changed_ms: int
    sent_at_ms: int | None
    times_sent: int
    last_asked_ms: int | None
    fencing: int | None
    exchange_id: str | None
    executed: Decimal | None
    average_price: Decimal | None
    detail: str | None


class HaltRow(NamedTuple):
    """A halt that nobody has lifted."""

    number: int
    code: str
    detail: str
    set_ms: int


INTENT_COLUMNS = ", ".join(IntentRow._fields)
ORDER_COLUMNS = ", ".join(OrderRow._fields)


def intent_row(values: Sequence[Any]) -> IntentRow:
    """Return an intent as it was written."""
    row = IntentRow(*values)
    return row._replace(settled=bool(row.settled))


def order_row(values: Sequence[Any]) -> OrderRow:
    """Return an order as it was written."""
    row = OrderRow(*values)
    return row._replace(
        state=State(row.state), executed=_decimal(row.executed), average_price=_decimal(row.average_price)
    )


def _decimal(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)
