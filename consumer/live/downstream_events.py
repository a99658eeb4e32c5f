"""What other services read of an order: three streams and one hash, in the shapes that they read today.

The streams carry the event bus's wrapper around a JSON payload; its times are UTC without a zone, as the bus
writes them.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from consumer.live.orders import execution_report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from consumer.live.orders.execution_report import ExecutionReport

STREAM_PREFIX = "quantum:stream:"
EXECUTED, FAILED, LEVELS = "trade.executed", "trade.failed", "exitbrain.adaptive_levels"
POSITION_PREFIX = "quantum:position:ilf:"
SOURCE = "trade_intent_consumer"
#: How long the other services keep a position's levels, and how many events a stream.
_LIFETIME_S, _LENGTH = "86400", "10000"
_LEVEL_NAMES = ("tp1", "tp2", "tp3", "sl", "lsf", "adjustment")

type Document = Mapping[str, Any]
type Commands = list[list[str]]


def commands(shown: Document, said: Mapping[str, str | None], report: ExecutionReport) -> Commands:
    """Return what is written beside the decision about an intent.

    `shown` is the decision's plan, `said` what the intent says besides: atr_value and regime.
    """
    intent = shown["intent"]
    if report.status != execution_report.FILLED:
        error = f"{report.status}: {report.reason}"
        payload = {"symbol": intent["symbol"], "side": intent["side"], "source": _source(intent)}
        return [_event(FAILED, intent, report.at_ms, {**payload, "error": error})]
    executed = _event(EXECUTED, intent, report.at_ms, _executed(intent, report))
    if "levels" not in shown:
        return [executed]
    order_id = _order_id(report)
    levels = {name: float(shown["levels"][name]) for name in _LEVEL_NAMES}
    context = {
        "atr_value": _number(said.get("atr_value")),
        "exchange_divergence": _number(intent["exchange_divergence"]),
        "funding_rate": _number(intent["funding_rate"]),
        "regime": said.get("regime"),
    }
    volatility = _number(intent["volatility_factor"])
    adapted = {
        "symbol": intent["symbol"],
        "order_id": order_id,
        "leverage": float(shown["leverage"]["value"]),
        "volatility_factor": volatility,
        "adaptive_levels": levels,
        "ilf_metadata": context,
    }
    position = {"symbol": intent["symbol"], "order_id": order_id, "volatility_factor": volatility}
    return [
        executed,
        _event(LEVELS, intent, report.at_ms, adapted),
        *_hash(intent["symbol"], order_id, {**position, **context, **levels}),
    ]


def _executed(intent: Document, report: ExecutionReport) -> dict[str, Any]:
    return {
        "symbol": intent["symbol"],
        "side": _entry(report)["side"],
        "quantity": float(report.orders["filled_qty"]),
        "source": _source(intent),
        "confidence": _number(intent["confidence"]),
        "order_id": _order_id(report),
        "executed_at": _time(report.at_ms),
    }


def _event(name: str, intent: Document, at_ms: int, payload: Document) -> list[str]:
    fields = {
        "event_type": name,
        "payload": json.dumps(payload),
        "trace_id": intent["trace_id"] or "",
        "timestamp": _time(at_ms),
        "source": SOURCE,
    }
    flat = [text for pair in fields.items() for text in pair]
    return ["XADD", f"{STREAM_PREFIX}{name}", "MAXLEN", "~", _LENGTH, "*", *flat]


def _hash(symbol: str, order_id: str, values: Document) -> Commands:
    key = f"{POSITION_PREFIX}{symbol}:{order_id}"
    flat = [text for name, value in values.items() if value is not None for text in (name, str(value))]
    return [["HSET", key, *flat], ["EXPIRE", key, _LIFETIME_S]]


def _entry(report: ExecutionReport) -> Document:
    """Return the request that was executed: the entry, or the exit of a CLOSE."""
    requests: Sequence[Document] = report.orders["requests"]
    market = [request for request in requests if request["leg"] in ("entry", "exit")]
    return next((request for request in market if request["exchange_id"]), market[0])


def _order_id(report: ExecutionReport) -> str:
    """Return the exchange's id of the order; ours where only its position was seen, and not the order."""
    entry = _entry(report)
    return str(entry["exchange_id"] or entry["client_id"])


def _source(intent: Document) -> str:
    return str(intent["source"] or "")


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
