"""What a producer puts on the stream, and what a reader must make of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Literal

Direction = Literal["long", "short", "close", "hold"]
Shape = Literal["payload", "data", "flat"]
Fields = dict[str, str | bytes]

_DIRECTIONS: dict[str, Direction] = {
    "BUY": "long",
    "LONG": "long",
    "SELL": "short",
    "SHORT": "short",
    "CLOSE": "close",
    "HOLD": "hold",
    "FLAT": "hold",
}
_SIDE_KEYS = ("side", "direction", "action")


@dataclass(frozen=True)
class ExpectedIntent:
    """The decoded intent: exact decimals, fractions as fractions, None when absent.

    `side` is the published word in capitals. `timestamp_ms` (Unix milliseconds) is the intent's own time,
    else that of the wrapper around it.
    """

    symbol: str
    side: str
    direction: Direction
    position_size_usd: Decimal | None
    size_pct: Decimal | None
    entry_price: Decimal | None
    confidence: Decimal | None
    volatility_factor: Decimal | None
    funding_rate: Decimal | None
    exchange_divergence: Decimal | None
    leverage: Decimal | None
    stop_loss: Decimal | None
    take_profit: Decimal | None
    timestamp_ms: int | None
    shape: Shape
    source: str | None
    trace_id: str | None
    model: str | None

    def as_json(self) -> dict[str, Any]:
        """Return it with decimals as strings."""
        return {
            key: str(value) if isinstance(value, Decimal) else value for key, value in asdict(self).items()
        }


@dataclass(frozen=True)
class PublishedEntry:
    """One stream entry. Junk has a `flaw` instead of something expected.

    `maxlen` is what its producer trims the stream to, approximately (None: it does not trim). `pause_ms` is
    how long its producer waits before it, where that matters: the second of two twins.
    """

    producer: str
    fields: Fields
    expected: ExpectedIntent | None
    flaw: str | None = None
    maxlen: int | None = None
    pause_ms: int = 0


def expected(
    shape: Shape,
    intent: dict[str, Any],
    *,
    timestamp_ms: int | None,
    source: str,
    trace_id: str | None = None,
) -> ExpectedIntent:
    """Say what `intent` (values as its producer holds them, before any encoding) decodes to."""
    side = next(str(intent[key]).upper() for key in _SIDE_KEYS if key in intent)
    return ExpectedIntent(
        shape=shape,
        symbol=intent["symbol"],
        side=side,
        direction=_DIRECTIONS[side],
        timestamp_ms=timestamp_ms,
        source=source,
        trace_id=trace_id,
        model=intent.get("model"),
        **{key: _decimal(intent.get(key)) for key in _NUMBERS},
    )


_NUMBERS = (
    "position_size_usd",
    "size_pct",
    "entry_price",
    "confidence",
    "volatility_factor",
    "funding_rate",
    "exchange_divergence",
    "leverage",
    "stop_loss",
    "take_profit",
)


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def as_json_text(intent: dict[str, Any]) -> str:
    """Encode an intent as producers do: Python's own JSON, keys in order of insertion."""
    return json.dumps(intent)


def as_flat_fields(intent: dict[str, Any]) -> Fields:
    """Encode an intent as direct stream fields: every value a string."""
    return {key: str(value) for key, value in intent.items()}
