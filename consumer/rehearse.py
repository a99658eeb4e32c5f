"""Deciding without a stack: JSON lines {"id", "fields", "now_ms"} in, one decision a line out."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any

from consumer.base import stream_id
from consumer.intents.decide import Context, Decision, decide_entry, failed
from consumer.intents.entry import Entry
from consumer.stream.result_writer import shared_fields

if TYPE_CHECKING:
    from collections.abc import Mapping


def rehearse(lines: IO[str], out: IO[str], context: Context) -> None:
    """Answer each line with the decision that would be published if there were no halt and no twin."""
    for line in lines:
        if line.strip():
            asked = json.loads(line)
            decision = _decided(asked["id"], _fields(asked["fields"]), asked["now_ms"], context)
            out.write(json.dumps(published(decision, asked["now_ms"], context)) + "\n")


def published(decision: Decision, now_ms: int, context: Context) -> dict[str, Any]:
    """Return the fields that the settle script would write for a first delivery."""
    return {
        "intent_id": decision.entry_id,
        "origin_id": decision.origin_id,
        "symbol": decision.symbol,
        "side": decision.side,
        "status": decision.status,
        "reason": decision.reason,
        **shared_fields(context),
        "source": "trade_intent_consumer",
        "trace_id": decision.trace_id,
        "timestamp": str(now_ms),
        "latency_ms": str(now_ms - stream_id.parse(decision.entry_id)[0]),
        "redelivered": "0",
        "plan": decision.plan_json,
    }


def _decided(entry_id: str, fields: Mapping[bytes, bytes], now_ms: int, context: Context) -> Decision:
    flat = [part for pair in fields.items() for part in pair]
    entry = Entry.of(entry_id, flat, context.settings.entry_max_bytes)
    try:
        return decide_entry(entry, now_ms, context)
    except Exception as error:  # noqa: BLE001 - a rehearsal shows what the loop would publish in the end
        return failed(entry_id, fields, error)


def _fields(fields: Mapping[str, str]) -> dict[bytes, bytes]:
    return {name.encode(): value.encode("utf-8", "surrogateescape") for name, value in fields.items()}
