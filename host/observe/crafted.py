"""Stream entries as the stack's producers write them, made here so that their meaning is known beforehand."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

SHAPES = ("payload", "data", "flat")
TIME_FORMATS = ("iso_naive", "iso_offset", "iso_z", "ms", "ms_text", "s", "s_text", "absent")
DIRECTIONS = {
    "BUY": "long",
    "LONG": "long",
    "SELL": "short",
    "SHORT": "short",
    "HOLD": "hold",
    "FLAT": "hold",
    "CLOSE": "close",
}


@dataclass(frozen=True)
class Craft:
    """One intent and how it is written: `numbers` as decimal texts, its own time in one format.

    `side_name` is side, direction or action; `envelope_ms` is the wrapper's time, which a flat entry lacks.
    """

    shape: str
    symbol: str
    word: str
    time_format: str
    time_ms: int
    numbers: dict[str, str]
    side_name: str = "side"
    envelope_ms: int | None = None
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def direction(self) -> str:
        """What the side's word means."""
        return DIRECTIONS[self.word.upper()]

    def fields(self) -> dict[str, str]:
        """Return the entry's fields as they go over the wire."""
        if self.shape == "flat":
            return {**{name: str(value) for name, value in self._body().items()}, **self.extra}
        envelope = {"event_type": "trade.intent", self.shape: json.dumps(self._body())}
        if self.envelope_ms is not None:
            envelope["timestamp"] = str(written("iso_naive", self.envelope_ms))
        return {**envelope, **self.extra}

    def timestamp_ms(self) -> int | None:
        """Return the time that the entry says: its own, else the envelope's."""
        own = desired_by(self.time_format, self.time_ms)
        return own if own is not None or self.shape == "flat" else self.envelope_ms

    def intent(self) -> dict[str, Any]:
        """Return what a right decoder reads: decimals as texts, the time in milliseconds."""
        return {
            "symbol": self.symbol,
            "direction": self.direction,
            "shape": self.shape,
            "timestamp_ms": self.timestamp_ms(),
            **self.numbers,
        }

    def _body(self) -> dict[str, Any]:
        numbers = {name: float(text) for name, text in self.numbers.items()}
        values = self.numbers if self.shape == "flat" else numbers
        stamp = written(self.time_format, self.time_ms)
        own = {} if stamp is None else {"timestamp": stamp}
        return {"symbol": self.symbol, self.side_name: self.word, **values, **own}


def written(time_format: str, moment_ms: int) -> str | int | None:
    """Write a time in one of the producers' formats; None where the format is to say nothing."""
    moment = datetime.fromtimestamp(moment_ms / 1000, tz=timezone.utc)
    offset = moment.isoformat(timespec="milliseconds")
    formats: dict[str, str | int | None] = {
        "iso_naive": offset.removesuffix("+00:00"),
        "iso_offset": offset,
        "iso_z": offset.replace("+00:00", "Z"),
        "ms": moment_ms,
        "ms_text": str(moment_ms),
        "s": moment_ms // 1000,
        "s_text": str(moment_ms // 1000),
        "absent": None,
    }
    return formats[time_format]


def desired_by(time_format: str, moment_ms: int) -> int | None:
    """Return the milliseconds that a time written so still says."""
    if time_format == "absent":
        return None
    return moment_ms // 1000 * 1000 if time_format in ("s", "s_text") else moment_ms
