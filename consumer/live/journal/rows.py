"""The journal's rows as they are written and read."""

from __future__ import annotations

import json
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from consumer.live.exchange.port import LimitOrder, MarketOrder, StopOrder
from consumer.live.journal.journaled_plan import JournaledPlan, read_plan
from consumer.live.journal.lease import RECV_WINDOW_MS, SLACK_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.live.exchange.port import Order

type Kind = Literal["order", "algo"]


class OrderPhase(StrEnum):
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


ENDS = frozenset(
    {OrderPhase.FILLED, OrderPhase.CANCELED, OrderPhase.EXPIRED, OrderPhase.REFUSED, OrderPhase.GONE}
)
#: A request may have left, and what became of it is not known.
DOUBTFUL = frozenset({OrderPhase.SENT, OrderPhase.UNKNOWN})


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
    state: OrderPhase
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

    @property
    def order(self) -> Order:
        """The request as values."""
        return _read_order(self.request)

    @property
    def absence_is_conclusive(self) -> bool:
        """Whether an order that was not found never will be: no exchange takes its request any more.

        That counts from when the last question left: an answer may have taken long, or been read late.
        """
        return (self.last_asked_ms or 0) > (self.sent_at_ms or 0) + RECV_WINDOW_MS + SLACK_MS


class HaltRow(NamedTuple):
    """A halt that nobody has lifted."""

    number: int
    code: str
    detail: str
    set_ms: int


_ORDERS: dict[str, type[Order]] = {kind.__name__: kind for kind in (MarketOrder, LimitOrder, StopOrder)}
_DECIMALS = frozenset({"quantity", "price", "trigger_price"})
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
        state=OrderPhase(row.state),
        executed=_decimal(row.executed),
        average_price=_decimal(row.average_price),
    )


def written(order: Order) -> str:
    """Return an order as JSON, to be journaled: all that is sent, and not when."""
    fields = {
        name: f"{value:f}" if isinstance(value, Decimal) else value
        for name, value in order._asdict().items()
        if name != "sent_at_ms"
    }
    return json.dumps({"kind": type(order).__name__, **fields})


@lru_cache(maxsize=4096)
def _read_order(text: str) -> Order:
    """Return the order that a row holds. What was asked for never changes, so it is parsed once."""
    fields: dict[str, Any] = json.loads(text)
    kind: Any = _ORDERS[fields.pop("kind")]
    order: Order = kind(
        **{name: Decimal(value) if name in _DECIMALS else value for name, value in fields.items()}
    )
    return order


def _decimal(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)
