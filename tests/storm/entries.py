"""Entries as they could be published, by whoever: sound, broken in every way, and large."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

SYMBOLS = ("NEARUSDT", "ADAUSDT", "XRPUSDT", "DOGEUSDT", "HARNESSUSDT", "BTCUSD", "x", "", "NEARUSDT\0")
SIDES = (
    "BUY",
    "SELL",
    "LONG",
    "short",
    "HOLD",
    "FLAT",
    "CLOSE",
    "",
    "B\u00dcY",
    "\u017fell",
    None,
    1,
    True,
    [],
)
NUMBERS = (
    200,
    "200",
    1.5,
    "1e2",
    "-1",
    0,
    "NaN",
    "1e9999",
    "-1e999990",
    "9" * 70,
    None,
    True,
    [],
    {},
    "\u0663",
)
TIMES = (None, "", 0, -1, "2020-01-01T00:00:00", "2999-01-01", "1e11", 1e14, "-1e9999", "now", [], "T" * 90)
TEXTS = ("ai-engine", "", "\ud800", "\u20ac" * 400, "a" * 2000, "\0", "\U0001f600", None, 7, {"a": [1]})
NAMES = (
    "position_size_usd", "size_pct", "entry_price", "confidence", "volatility_factor", "funding_rate",
    "exchange_divergence", "leverage", "stop_loss", "take_profit",
)  # fmt: skip # a table, or a call that is read as one
TEARS = ("", "\\", '"', "}", "[" * 100, ",", "\x01", '"symbol":"a",', "NaN", "1e999999")
SHAPES = ("payload", "data", "flat")

type Fields = list[bytes]


def entry(dice: random.Random) -> Fields:
    """Return names and values of one entry, in turns."""
    body = _body(dice)
    shape = dice.choice(SHAPES)
    if shape == "flat":
        fields = {
            name: value if isinstance(value, str) else json.dumps(value) for name, value in body.items()
        }
    else:
        fields = {"event_type": "trade.intent", shape: _json(dice, body), "source": "storm"}
    flat = [part.encode("utf-8", "replace") for pair in fields.items() for part in pair]
    return _spoiled(dice, flat)


def _body(dice: random.Random) -> dict[str, Any]:
    body: dict[str, Any] = {
        "symbol": "NEARUSDT", "side": dice.choice(("BUY", "SELL")), "position_size_usd": 200,
        "entry_price": round(dice.uniform(0.5, 2), 4), "volatility_factor": 1.5,
    }  # fmt: skip # a table, or a call that is read as one
    if dice.random() < 0.5:
        return body | {"timestamp": datetime.fromtimestamp(time.time(), UTC).isoformat()}
    for _ in range(dice.randint(1, 3)):
        name, values = dice.choice(
            (
                ("symbol", SYMBOLS), ("side", SIDES), ("action", SIDES), ("timestamp", TIMES),
                ("trace_id", TEXTS), ("model", TEXTS), ("x", (*TEXTS, *NUMBERS)),
                (dice.choice(NAMES), NUMBERS),
            )
        )  # fmt: skip # a table, or a call that is read as one
        body[name] = dice.choice(values)
    return body


def _json(dice: random.Random, body: dict[str, Any]) -> str:
    text = json.dumps(body)
    kind = dice.random()
    if kind < 0.9:
        return text
    at, left_out = dice.randrange(len(text)), dice.randint(0, 3)
    return text[:at] + dice.choice(TEARS) + text[at + left_out :]


def _spoiled(dice: random.Random, flat: Fields) -> Fields:
    """Spoil few of them as only bytes can be: twice the same field, no text, much too large."""
    kind = dice.random()
    if kind < 0.01:
        return [*flat, *flat[:2]]
    if kind < 0.02:
        return [*flat, b"\xff\xfe", b"\x80"]
    if kind < 0.021:
        return [*flat, b"large", dice.choice((b"a", b"\x01", b"[", b"\xff")) * dice.randint(50_000, 300_000)]
    return flat
