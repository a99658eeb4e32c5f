"""What became of an intent, as the journal keeps it and the decision tells it."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from consumer.live.exchange.port import LimitOrder, StopOrder
from consumer.live.journal import OrderPhase
from consumer.live.orders import ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.live.journal import OrderRow

FILLED, FAILED, UNKNOWN = "filled", "failed", "unknown"
REJECTED = "rejected_venue"
_NAMES: dict[str, str] = {ids.ENTRY: "entry", ids.STOP: "stop_loss", ids.EXIT: "exit"}


class ExecutionReport(NamedTuple):
    """Status and reason of a decision, its orders as JSON values, and when it came about."""

    status: str
    reason: str
    orders: dict[str, Any]
    at_ms: int

    @property
    def text(self) -> str:
        """The verdict as JSON, to be journaled."""
        return json.dumps(self._asdict())

    @classmethod
    def read(cls, text: str) -> ExecutionReport:
        """Return what `text` was made from."""
        return cls(**json.loads(text))


def orders(rows: Sequence[OrderRow]) -> dict[str, Any]:
    """Return an intent's orders as its decision shows them: sums first, then every request that was made."""
    if not any(row.times_sent for row in rows):
        return {}
    entered = [row for row in rows if row.leg in (ids.ENTRY, ids.EXIT) and row.executed]
    entry = next((row for row in entered if row.leg == ids.ENTRY), entered[0] if entered else None)
    stop = next((row for row in rows if row.leg == ids.STOP and row.state in _PRESENT), None)
    return {
        "filled_qty": _text(entry.executed if entry else Decimal(0)),
        "avg_price": _text(entry.average_price if entry else None),
        "stop_id": stop.client_id if stop else None,
        "requests": [_described(row) for row in rows],
    }


_PRESENT = (OrderPhase.ACCEPTED, OrderPhase.FILLED)


def _described(row: OrderRow) -> dict[str, Any]:
    request = row.order
    document: dict[str, Any] = {
        "leg": _NAMES.get(row.leg, f"take_profit_{row.leg}"),
        "client_id": row.client_id,
        "exchange_id": row.exchange_id,
        "side": request.side,
        "state": row.state,
        "detail": row.detail,
    }
    if isinstance(request, StopOrder):
        return {**document, "trigger_price": _text(request.trigger_price)}
    document |= {"quantity": _text(request.quantity), "filled_qty": _text(row.executed)}
    if isinstance(request, LimitOrder):
        return {**document, "price": _text(request.price)}
    return {**document, "avg_price": _text(row.average_price)}


def _text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"
