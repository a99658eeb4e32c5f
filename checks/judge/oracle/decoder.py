"""What a stream entry means, by the contract: its intent, or everything for which it is none."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
}  # fmt: skip # a table, or a call that is read as one
_SIDE_NAMES = ("side", "direction", "action")
_BOUNDS = {
    "confidence": (Decimal(0), Decimal(1)),
    "volatility_factor": (Decimal(0), Decimal(5)),
    "leverage": (Decimal(1), Decimal(125)),
}
_NUMBERS = (
    "position_size_usd", "size_pct", "entry_price", "confidence", "volatility_factor", "funding_rate",
    "exchange_divergence", "leverage", "stop_loss", "take_profit",
)  # fmt: skip # a table, or a call that is read as one
#: Powers of ten within which a number is one of a market.
_LEAST_POWER, _MOST_POWER = -40, 11
_ENTRY_ID = re.compile(r"\d{1,20}-\d{1,20}", re.ASCII)
_SECONDS_BELOW = Decimal(10) ** 11
#: Powers of ten within which a number is a time.
_TIME_POWERS = range(-40, 15)
#: How many digits and characters, and how deep a nesting, the contract's bounds allow.
_MOST_DIGITS, _MOST_CHARACTERS, _MOST_NESTED = 64, 1024, 64
#: The same of a number that JSON has as one, not as a text.
_MOST_DECIMAL_DIGITS = 76
_MILLISECONDS_BELOW = Decimal(10) ** 14

type Intent = dict[str, Decimal | int | str | None]


type Id = tuple[int, int]


class NoIntentError(Exception):
    """Raised when the contract calls the entry invalid; `code` and the text say why."""

    def __init__(self, code: str, text: str) -> None:
        """Name the fault as a decision's reason does: `INVALID_<code>`."""
        super().__init__(text)
        self.code = f"INVALID_{code}"


@dataclass(frozen=True, slots=True)
class Decoded:
    """What an entry means: its wire shape and its intent, or why it is invalid.

    `origins` holds what may be named as source, trace id and model: the body's own and the envelope's.
    `origin` is the id by which the intent is known, `codes` every fault that makes the entry invalid.
    """

    shape: str
    intent: Intent | None
    origins: Mapping[str, tuple[str, ...]]
    origin: str = ""
    fault: str = ""
    codes: frozenset[str] = frozenset()

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


def decode(entry: Mapping[str, Any], now_ms: int | None = None, most_bytes: int | None = None) -> Decoded:
    """Decode an observed entry {id, fields} or {id, raw_base64} as of `now_ms`, when it was decided.

    More than `most_bytes` in names and values are too many.
    """
    shape, origin, faults = shape_of(entry), str(entry["id"]), _Faults()
    if most_bytes is not None and _size(entry) > most_bytes:
        too_large = NoIntentError("TOO_LARGE", f"it has {_size(entry)} bytes")
        return Decoded(shape, None, {}, origin, str(too_large), frozenset({too_large.code}))
    fields = faults.ask(_texts, entry)
    if fields is not None:
        origin = faults.ask(_origin, entry["id"], fields, now_ms) or str(fields.get("origin_id", origin))
        body = fields if shape == "flat" else faults.ask(_object, fields[shape])
        if body is not None:
            intent = _intent(shape, body, fields, now_ms, faults)
            if not faults.all:
                return Decoded(shape, intent, _origins(body, fields), origin)
    return Decoded(shape, None, {}, origin, faults.text, faults.codes)


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
    left, right = str(published), str(decoded)
    if left == right:
        return True
    try:
        return Decimal(left) == Decimal(right)
    except InvalidOperation:
        return False


class _Faults:
    """Collects what is wrong with an entry: which of several a consumer names first is its own affair."""

    def __init__(self) -> None:
        self.all: list[NoIntentError] = []

    def ask[**P, T](self, question: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Return the answer, None where it is a fault."""
        try:
            return question(*args, **kwargs)
        except NoIntentError as fault:
            self.all.append(fault)
            return None

    @property
    def text(self) -> str:
        return "; ".join(map(str, self.all))

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(fault.code for fault in self.all)


def _size(entry: Mapping[str, Any]) -> int:
    """Return the bytes of all names and values."""
    if "raw_base64" in entry:
        return sum(len(base64.b64decode(part)) for part in entry["raw_base64"])
    fields = entry.get("fields") or {}
    return sum(len(name.encode()) + _bytes_of(value) for name, value in fields.items())


def _bytes_of(value: Any) -> int:
    return len(base64.b64decode(value["base64"]) if isinstance(value, dict) else str(value).encode())


def _texts(entry: Mapping[str, Any]) -> Mapping[str, str]:
    fields = entry.get("fields")
    if fields is None or not all(isinstance(value, str) for value in fields.values()):
        raise NoIntentError("UTF8", "it is not UTF-8 text with each field once")
    return dict(fields)


def _object(text: str) -> Mapping[str, Any]:
    try:
        body = json.loads(
            text, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_each_once
        )
    except (ValueError, RecursionError) as error:
        raise NoIntentError("JSON", f"its JSON cannot be read: {error}") from error
    if not isinstance(body, dict):
        raise NoIntentError("JSON", "its JSON is not an object")
    if _depth(body) > _MOST_NESTED:
        raise NoIntentError("JSON", "its JSON is nested too deep")
    if _has_half_character(body):
        raise NoIntentError("JSON", "its JSON names half a character")
    return body


def _depth(body: Any) -> int:
    """Return how deep objects and lists are nested, counted by layers."""
    layer, depth = [body], 0
    while layer := [node for node in layer if isinstance(node, dict | list)]:
        depth += 1
        layer = [part for node in layer for part in (node.values() if isinstance(node, dict) else node)]
    return depth


def _has_half_character(body: Any) -> bool:
    """Tell whether any name or text holds what UTF-8 cannot carry."""
    left = [body]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            left += [*node, *node.values()]
        elif isinstance(node, list):
            left += node
        elif isinstance(node, str) and any("\ud800" <= character <= "\udfff" for character in node):
            return True
    return False


def _refuse_constant(name: str) -> None:
    raise NoIntentError("NUMBER", f"{name} is no number")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    body = dict(pairs)
    if len(body) < len(pairs):
        raise NoIntentError("JSON", "a key stands twice in its JSON")
    return body


def _origin(entry_id: str, fields: Mapping[str, str], now_ms: int | None) -> str:
    """Return the id by which the intent is known: a replayed entry carries the original's."""
    origin = fields.get("origin_id", entry_id)
    if not _ENTRY_ID.fullmatch(origin) or _position(origin) > _position(entry_id):
        raise NoIntentError("ORIGIN_ID", f"its origin {origin} is no id before its own")
    if now_ms is not None and _position(origin)[0] > now_ms + FUTURE_MS:
        raise NoIntentError("TIME", "its id is in the future")
    return origin


def _position(entry_id: str) -> Id:
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence)


def _intent(
    shape: str, body: Mapping[str, Any], fields: Mapping[str, str], now_ms: int | None, faults: _Faults
) -> Intent:
    numbers = {name: faults.ask(_number, name, body.get(name)) for name in _NUMBERS}
    if not any(body.get(name) is not None and numbers[name] is None for name in _NUMBERS[:2]):
        faults.ask(_check_sizes, numbers)
    for name, (low, high) in _BOUNDS.items():
        faults.ask(_check_bounds, name, numbers[name], low, high)
    for name in ("source", "trace_id", "model"):
        faults.ask(_check_length, name, body, fields)
    return {
        "symbol": faults.ask(_symbol, body),
        "side": _word(body),
        "direction": faults.ask(_direction, body),
        **numbers,
        "timestamp_ms": faults.ask(_timestamp_ms, body, fields, now_ms),
        "shape": shape,
    }


def _word(body: Mapping[str, Any]) -> str | None:
    """Return the first word for the side, in capitals."""
    return next((str(body[name]).upper() for name in _SIDE_NAMES if body.get(name) is not None), None)


def _symbol(body: Mapping[str, Any]) -> str:
    symbol = body.get("symbol")
    if not isinstance(symbol, str) or not _SYMBOL.fullmatch(symbol):
        raise NoIntentError("SYMBOL", f"{symbol!r} is no symbol")
    return symbol


def _direction(body: Mapping[str, Any]) -> str:
    published = {name: str(body[name]) for name in _SIDE_NAMES if body.get(name) is not None}
    named = {name: word.upper() for name, word in published.items()}
    # As capitals some letters of other alphabets become ours.
    unknown = [word for word in published.values() if not word.isascii() or word.upper() not in _DIRECTIONS]
    if unknown or not named:
        raise NoIntentError("SIDE", f"its side is {', '.join(unknown) or 'absent'}")
    directions = {_DIRECTIONS[word] for word in named.values()}
    if len(directions) > 1:
        raise NoIntentError("SIDE", f"{' and '.join(named)} disagree")
    return directions.pop()


def _number(name: str, value: Any) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise NoIntentError("NUMBER", f"{name} is no number")
    if isinstance(value, str) and (len(value) > _MOST_DIGITS or not _NUMERAL.fullmatch(value)):
        raise NoIntentError("NUMBER", f"{name} is no number")
    number = Decimal(value)
    powers = range(_LEAST_POWER, _MOST_POWER + 1)
    if name in _NUMBERS and (number.adjusted() not in powers or _digits(number) > _MOST_DECIMAL_DIGITS):
        raise NoIntentError("NUMBER", f"{name} is beyond any market")
    return number


def _digits(number: Decimal) -> int:
    return len(number.as_tuple().digits)


def _check_length(name: str, body: Mapping[str, Any], fields: Mapping[str, str]) -> None:
    said = body.get(name)
    said = fields.get(name) if said is None else said
    if said is not None and len(str(said)) > _MOST_CHARACTERS:
        raise NoIntentError("TEXT", f"{name} has {len(str(said))} characters")


def _check_sizes(numbers: Mapping[str, Decimal | None]) -> None:
    usd, share = numbers["position_size_usd"], numbers["size_pct"]
    if usd is None and share is None:
        raise NoIntentError("SIZE", "it has no size")
    if (usd is not None and usd <= 0) or (share is not None and not 0 < share <= 1):
        raise NoIntentError("SIZE", "its size is out of range")


def _check_bounds(name: str, value: Decimal | None, low: Decimal, high: Decimal) -> None:
    if value is not None and not low <= value <= high:
        raise NoIntentError(name.upper(), f"{name} is outside {low}..{high}")


def _timestamp_ms(body: Mapping[str, Any], fields: Mapping[str, str], now_ms: int | None) -> int | None:
    own = body.get("timestamp")
    value = fields.get("timestamp") if own is None else own
    if value is None:
        return None
    time = _time_ms(value)
    if now_ms is not None and time > now_ms + FUTURE_MS:
        raise NoIntentError("TIME", "its time is in the future")
    return time


def _time_ms(value: Any) -> int:
    try:
        number = _number("timestamp", value)
    except NoIntentError:
        return _iso_ms(value)
    if number is None or number.adjusted() not in _TIME_POWERS or abs(number) >= _MILLISECONDS_BELOW:
        raise NoIntentError("TIME", "its time cannot be read")
    return int(number * 1_000 if number < _SECONDS_BELOW else number)


def _iso_ms(value: Any) -> int:
    try:
        time = datetime.fromisoformat(value if len(value) <= _MOST_DIGITS else "")
    except (TypeError, ValueError) as error:
        raise NoIntentError("TIME", "its time cannot be read") from error
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
