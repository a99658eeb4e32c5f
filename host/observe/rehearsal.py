"""What the image is asked to judge in its rehearsal: every shape, side and time format, and every fault."""

from __future__ import annotations

from itertools import cycle
from typing import Any

from host.observe.crafted import DIRECTIONS, SHAPES, TIME_FORMATS, Craft

AN_HOUR_MS = 3_600_000


def entries(now_ms: int) -> list[dict[str, Any]]:
    """Return entries {id, fields, now_ms} to rehearse, each with its own symbol: none is a duplicate."""
    fields = [*(craft.fields() for craft in valid(now_ms)), *invalid(now_ms)]
    return [
        {"id": f"{now_ms}-{number}", "fields": entry, "now_ms": now_ms}
        for number, entry in enumerate(fields, start=1)
    ]


def valid(now_ms: int) -> list[Craft]:
    """Return intents in every shape with every side word and all time formats, and one from long ago."""
    names, formats = cycle(("side", "direction", "action")), cycle(TIME_FORMATS)
    crafts = [
        Craft(
            shape=shape,
            symbol=f"R{number:02d}USDT",
            word=word if number % 2 else word.lower(),
            time_format=next(formats),
            time_ms=now_ms - number,
            numbers=_numbers(number),
            side_name=next(names),
            envelope_ms=now_ms - 10 * number,
        )
        for number, (shape, word) in enumerate(
            ((shape, word) for shape in SHAPES for word in DIRECTIONS), start=1
        )
    ]
    known = Craft("payload", "BTCUSDT", "BUY", "iso_z", now_ms, {**_numbers(1), "entry_price": "50000.5"})
    share = Craft("flat", "ETHUSDT", "SELL", "ms_text", now_ms, {"size_pct": "0.1", "entry_price": "2500.25"})
    old = Craft("data", "OLDUSDT", "LONG", "iso_offset", now_ms - AN_HOUR_MS, _numbers(2))
    return [*crafts, known, share, old]


def invalid(now_ms: int) -> list[dict[str, str]]:
    """Return entries that no decoder may repair, one fault each."""
    good = Craft("flat", "BADUSDT", "BUY", "ms", now_ms, _numbers(3)).fields()
    return [
        {**good, "payload": "{not json"},
        {"payload": '{"symbol": "BADUSDT", "side": "BUY", "side": "SELL", "position_size_usd": 100}'},
        {"data": '{"symbol": "BADUSDT", "side": "BUY", "position_size_usd": NaN}'},
        {"payload": '{"symbol": "BADUSDT", "side": "BUY", "position_size_usd": true}'},
        {"payload": "[]"},
        {name: value for name, value in good.items() if name != "symbol"},
        {**good, "direction": "SHORT"},
        {**good, "side": "MAYBE"},
        {**good, "symbol": "badusdt"},
        {**good, "confidence": "1.5"},
        {**good, "volatility_factor": "5.5"},
        {**good, "leverage": "0"},
        {**good, "position_size_usd": "0"},
        {**good, "timestamp": "yesterday"},
        {name: value for name, value in good.items() if name != "position_size_usd"},
    ]


def _numbers(number: int) -> dict[str, str]:
    """Values that belong to one entry alone, so that a mix-up would show."""
    return {
        "position_size_usd": f"{100 + number}.25",
        "entry_price": f"{number}.0{number:02d}5",
        "confidence": f"0.6{number:02d}",
        "volatility_factor": f"0.5{number:02d}",
        "leverage": "1.0",
        "funding_rate": "0.0001",
        "exchange_divergence": f"0.0{number:02d}1",
        "stop_loss": f"{number}.5",
        "take_profit": f"{number}.75",
    }
