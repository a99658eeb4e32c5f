"""A second decoder of stream entries, written from the contract and sharing nothing with the consumer's.

What the consumer says an entry means is compared with what this says. A fault would have to be made twice,
in two programs, to stay unseen.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

SHAPES = ("payload", "data", "flat")
PROOF_SYMBOL = "HARNESSUSDT"
FUTURE_MS = 5_000

#: As JSON and Python's repr write numbers: no blanks, no underscores, no words.
_NUMERAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_SYMBOL = re.compile(r"[A-Z0-9]{2,20}USDT")
_DIRECTIONS = {
    "BUY": "long", "LONG": "long",
    "SELL": "short", "SHORT": "short",
    "HOLD": "hold", "FLAT": "hold",
    "CLOSE": "close",
}  # fmt: skip
_SIDE_NAMES = ("side", "direction", "action")
_BOUNDS = {
    "confidence": (Decimal(0), Decimal(1)),
    "volatility_factor": (Decimal(0), Decimal(5)),
    "leverage": (Decimal(1), Decimal(125)),
}
_NUMBERS = (
    "position_size_usd", "size_pct", "entry_price", "confidence", "volatility_factor", "funding_rate",
    "exchange_divergence", "leverage", "stop_loss", "take_profit",
)  # fmt: skip
_SECONDS_BELOW = Decimal(10) ** 11
_MILLISECONDS_BELOW = Decimal(10) ** 14

type Intent = dict[str, Decimal | int | str | None]


class InvalidEntryError(Exception):
    """Raised when the contract calls the entry invalid; the text says why."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What an entry means: its wire shape and its intent, or why it is invalid.

    `origins` holds what may be named as source, trace id and model: the body's own and the envelope's.
    """

    shape: str
    intent: Intent | None
    origins: Mapping[str, tuple[str, ...]]
    fault: str = ""

    @property
    def valid(self) -> bool:
        """Whether the contract lets this entry become an intent."""
        return self.intent is not None


def shape_of(entry: Mapping[str, Any]) -> str:
    """Return which of the three wire shapes an observed entry has."""
    fields = entry.get("fields") or {}
    return next((name for name in ("payload", "data") if name in fields), "flat")


def is_proof(entry: Mapping[str, Any]) -> bool:
    """Tell whether a run published this entry to follow it to its decision."""
    return "proof" in (entry.get("fields") or {})


def decode(entry: Mapping[str, Any], now_ms: int | None = None) -> Decoded:
    """Decode an observed entry {id, fields} or {id, raw_base64} as of `now_ms`, when it was decided."""
    shape = shape_of(entry)
    try:
        fields = _texts(entry)
        body = fields if shape == "flat" else _object(fields[shape])
        return Decoded(shape, _intent(shape, body, fields, now_ms), _origins(body, fields))
    except InvalidEntryError as fault:
        return Decoded(shape, None, {}, str(fault))


def differences(decoded: Decoded, plan_intent: Mapping[str, Any]) -> list[str]:
    """Name each field in which the consumer's intent is not what was published."""
    intent = decoded.intent or {}
    wrong = [
        name
        for name, value in intent.items()
        if name not in plan_intent or not same(value, plan_intent[name])
    ]
    texts = [
        f"{name} was published as {_show(intent[name])} and decoded as {_show(plan_intent.get(name))}"
        for name in wrong
    ]
    return texts + _origin_differences(decoded, plan_intent)


def same(published: Any, decoded: Any) -> bool:
    """Compare values by meaning: numbers as decimals however they are written, all else as it stands."""
    if published is None or decoded is None or isinstance(published, bool) or isinstance(decoded, bool):
        return published is decoded
    try:
        return Decimal(str(published)) == Decimal(str(decoded))
    except InvalidOperation:
        return str(published) == str(decoded)


def _texts(entry: Mapping[str, Any]) -> Mapping[str, str]:
    fields = entry.get("fields")
    if fields is None or not all(isinstance(value, str) for value in fields.values()):
        raise InvalidEntryError("it is not UTF-8 text with each field once")
    return dict(fields)


def _object(text: str) -> Mapping[str, Any]:
    try:
        body = json.loads(
            text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_each_once
        )
    except (ValueError, RecursionError) as error:
        raise InvalidEntryError(f"its JSON cannot be read: {error}") from error
    if not isinstance(body, dict):
        raise InvalidEntryError("its JSON is not an object")
    return body


def _refuse_constant(name: str) -> None:
    raise InvalidEntryError(f"{name} is no number")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    body = dict(pairs)
    if len(body) < len(pairs):
        raise InvalidEntryError("a key stands twice in its JSON")
    return body


def _intent(shape: str, body: Mapping[str, Any], fields: Mapping[str, str], now_ms: int | None) -> Intent:
    numbers = {name: _number(name, body.get(name)) for name in _NUMBERS}
    _check_sizes(numbers)
    for name, (low, high) in _BOUNDS.items():
        _check_bounds(name, numbers[name], low, high)
    return {
        "symbol": _symbol(body),
        "direction": _direction(body),
        **numbers,
        "timestamp_ms": _timestamp_ms(body, fields, now_ms),
        "shape": shape,
    }


def _symbol(body: Mapping[str, Any]) -> str:
    symbol = body.get("symbol")
    if not isinstance(symbol, str) or not _SYMBOL.fullmatch(symbol):
        raise InvalidEntryError(f"{symbol!r} is no symbol")
    return symbol


def _direction(body: Mapping[str, Any]) -> str:
    named = {name: str(body[name]).upper() for name in _SIDE_NAMES if body.get(name) is not None}
    unknown = [word for word in named.values() if word not in _DIRECTIONS]
    if unknown or not named:
        raise InvalidEntryError(f"its side is {', '.join(unknown) or 'absent'}")
    directions = {_DIRECTIONS[word] for word in named.values()}
    if len(directions) > 1:
        raise InvalidEntryError(f"{' and '.join(named)} disagree")
    return directions.pop()


def _number(name: str, value: Any) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise InvalidEntryError(f"{name} is no number")
    if isinstance(value, str) and not _NUMERAL.fullmatch(value):
        raise InvalidEntryError(f"{name} is no number")
    return Decimal(value)


def _check_sizes(numbers: Mapping[str, Decimal | None]) -> None:
    usd, share = numbers["position_size_usd"], numbers["size_pct"]
    if usd is None and share is None:
        raise InvalidEntryError("it has no size")
    if (usd is not None and usd <= 0) or (share is not None and not 0 < share <= 1):
        raise InvalidEntryError("its size is out of range")


def _check_bounds(name: str, value: Decimal | None, low: Decimal, high: Decimal) -> None:
    if value is not None and not low <= value <= high:
        raise InvalidEntryError(f"{name} is outside {low}..{high}")


def _timestamp_ms(body: Mapping[str, Any], fields: Mapping[str, str], now_ms: int | None) -> int | None:
    own = body.get("timestamp")
    value = fields.get("timestamp") if own is None else own
    if value is None:
        return None
    time = _time_ms(value)
    if now_ms is not None and time > now_ms + FUTURE_MS:
        raise InvalidEntryError("its time is in the future")
    return time


def _time_ms(value: Any) -> int:
    try:
        number = _number("timestamp", value)
    except InvalidEntryError:
        return _iso_ms(value)
    if number is None or number >= _MILLISECONDS_BELOW:
        raise InvalidEntryError("its time cannot be read")
    return int(number * 1_000 if number < _SECONDS_BELOW else number)


def _iso_ms(value: Any) -> int:
    try:
        time = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise InvalidEntryError("its time cannot be read") from error
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time
    since = time - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000


def _origins(body: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(dict.fromkeys(str(held[name]) for held in (body, fields) if held.get(name) is not None))
        for name in ("source", "trace_id", "model")
    }


def _origin_differences(decoded: Decoded, plan_intent: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} was published as {' or '.join(known)} and decoded as {_show(plan_intent.get(name))}"
        for name, known in decoded.origins.items()
        if (plan_intent.get(name) or "") not in (known or ("",))
    ]


def _show(value: Any) -> str:
    return "nothing" if value is None else str(value)
