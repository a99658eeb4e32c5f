"""Intents as the JSON that a decision carries. Written by hand, as it is most of what a decision costs."""

from __future__ import annotations

from json.encoder import encode_basestring_ascii as quoted
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

    from consumer.intents.wire import Intent


def intent_json(intent: Intent) -> str:
    """Return all decoded fields, as a JSON object: decimals as texts, null where nothing was said."""
    return (
        f'{{"symbol":"{intent.symbol}","side":"{intent.side}","direction":"{intent.direction}",'
        f'"position_size_usd":{number(intent.position_size_usd)},"size_pct":{number(intent.size_pct)},'
        f'"entry_price":{number(intent.entry_price)},"confidence":{number(intent.confidence)},'
        f'"volatility_factor":{number(intent.volatility_factor)},"funding_rate":{number(intent.funding_rate)},'
        f'"exchange_divergence":{number(intent.exchange_divergence)},"leverage":{number(intent.leverage)},'
        f'"stop_loss":{number(intent.stop_loss)},"take_profit":{number(intent.take_profit)},'
        f'"timestamp_ms":{"null" if intent.timestamp_ms is None else intent.timestamp_ms},'
        f'"shape":"{intent.shape}","source":{text(intent.source)},"trace_id":{text(intent.trace_id)},'
        f'"model":{text(intent.model)}}}'
    )


def number(value: Decimal | None) -> str:
    """Return a decimal as a JSON text, in its own notation, or null."""
    return "null" if value is None else f'"{value!s}"'


def text(value: str | None) -> str:
    """Return a JSON text in plain ASCII, or null."""
    return "null" if value is None else quoted(value)
