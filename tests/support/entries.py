"""Entries, a moment and a context, as the consumer's unit tests use them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from consumer.base import settings
from consumer.intents.context import context_for
from consumer.intents.decide import decide

if TYPE_CHECKING:
    from consumer.intents.context import Context
    from consumer.intents.decide import Decision

NOW_MS = 1_766_602_893_000
ENTRY_ID = f"{NOW_MS - 100}-0"

#: What the trading bot publishes, as its producer was measured.
BOT: dict[str, Any] = {
    "symbol": "NEARUSDT",
    "side": "BUY",
    "position_size_usd": 200.0,
    "leverage": 1,
    "entry_price": 1.5213,
    "stop_loss": 1.4909,
    "take_profit": 1.5822,
    "confidence": 0.72,
    "timestamp": "2025-12-24T19:01:32.766000",
    "model": "fallback",
    "volatility_factor": 0.5513,
    "exchange_divergence": 0.0,
    "funding_rate": 0.0,
}


def context(**variables: str) -> Context:
    """Make a context of settings: `leverage="10"` is TRADE_INTENT_LEVERAGE=10."""
    named = {f"{settings.PREFIX}{name.upper()}": value for name, value in variables.items()}
    return context_for(settings.from_environment({f"{settings.PREFIX}CUTOVER_ID": "0-0", **named}))


def flat(**fields: Any) -> dict[bytes, bytes]:
    """Return a flat entry: all values as text."""
    body = {"symbol": "NEARUSDT", "side": "BUY", "position_size_usd": 200, "entry_price": 1.5213, **fields}
    return {
        name.encode(): value if isinstance(value, bytes) else str(value).encode()
        for name, value in body.items()
        if value is not None
    }


def wrapped(
    shape: str = "payload", /, *, envelope: dict[str, str] | None = None, **fields: Any
) -> dict[bytes, bytes]:
    """Return a wrapped entry of the trading bot's intent; a field given as None is left out."""
    body = {name: value for name, value in {**BOT, **fields}.items() if value is not None}
    entry = {"event_type": "trade.intent", **(envelope or {}), shape: json.dumps(body)}
    return {name.encode(): value.encode() for name, value in entry.items()}


def decided(fields: dict[bytes, bytes], entry_id: str = ENTRY_ID, **variables: str) -> Decision:
    """Decide about fields at NOW_MS; keywords are settings."""
    return decide(entry_id, fields, NOW_MS, context(**variables))


def intent_of(decision: Decision) -> dict[str, Any]:
    """Return the intent that a decision carries."""
    return json.loads(decision.plan_json)["intent"]  # type: ignore[no-any-return]  # an object


def plan_of(decision: Decision) -> dict[str, Any]:
    """Return the plan that a decision carries."""
    return json.loads(decision.plan_json)  # type: ignore[no-any-return]  # an object
