"""Entry → intent: three wire shapes, one meaning, and nothing repaired or guessed.

What an entry may cost is bounded: its nesting, the digits of its numbers and the length of its texts here,
its bytes before it comes here.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn

from consumer.base import stream_id
from consumer.base.errors import InvalidEntryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from consumer.base.stream_id import StreamId

type Direction = Literal["long", "short", "hold", "close"]
type Shape = Literal["payload", "data", "flat"]
type Body = Mapping[str, Any]

_SYMBOL = re.compile(r"[A-Z0-9]{2,20}USDT", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_DIRECTIONS: dict[str, Direction] = {
    "BUY": "long", "LONG": "long",
    "SELL": "short", "SHORT": "short",
    "HOLD": "hold", "FLAT": "hold",
    "CLOSE": "close",
}  # fmt: skip # a table, or a call that is read as one
_SIDE_NAMES = ("side", "direction", "action")
#: In the order of Intent.
_NUMBER_NAMES = (
    "position_size_usd", "size_pct", "entry_price", "confidence", "volatility_factor", "funding_rate",
    "exchange_divergence", "leverage", "stop_loss", "take_profit",
)  # fmt: skip # a table, or a call that is read as one
#: Powers of ten in which a number may lie: wider than any market, and good to calculate with.
_MAGNITUDES = range(-40, 12)
#: The same for a time: what lies beyond costs more to convert than its text is long.
_TIME_MAGNITUDES = range(-40, 15)
#: How many characters a number may have as a text, a text that a decision carries, and how deep JSON may be
#: nested.
MOST_DIGITS, MOST_CHARACTERS, MOST_NESTED = 64, 1024, 64
#: How large a decimal with the most digits that a number of JSON may have is: counting digits takes longer.
_MOST_SIZE = Decimal("9" * 76).__sizeof__()
_ZERO, _ONE = Decimal(0), Decimal(1)
_MAX_VOLATILITY, _MAX_LEVERAGE = Decimal(5), Decimal(125)
_SECONDS_BELOW, _MILLISECONDS_BELOW = Decimal(10) ** 11, Decimal(10) ** 14
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Intent(NamedTuple):
    """One decoded entry. Sizes and prices in USDT, shares as fractions; None where nothing was said.

    `side` is the word that was published, in capitals; `direction` is what it means. `timestamp_ms` is the
    intent's own time, else its envelope's.
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


def texts(fields: Mapping[bytes, bytes]) -> dict[str, str]:
    """Return the fields of an entry as text. Raises InvalidEntryError when they are not UTF-8."""
    try:
        return {name.decode(): value.decode() for name, value in fields.items()}
    except UnicodeDecodeError as error:
        raise InvalidEntryError("UTF8", f"byte {error.start} of a field cannot be read") from error


def origin_of(entry_id: str, position: StreamId, fields: Mapping[str, str]) -> tuple[str, StreamId]:
    """Return the id by which an intent is known, and where it stood: a replayed entry carries the original's.

    Raises InvalidEntryError for one that is no id, or later than the entry itself.
    """
    given = fields.get("origin_id")
    if given is None:
        return entry_id, position
    try:
        origin = stream_id.parse(given)
    except ValueError as error:
        raise InvalidEntryError("ORIGIN_ID", str(error)) from error
    if origin > position:
        raise InvalidEntryError("ORIGIN_ID", f"{given} is later than the entry itself")
    return given, origin


def decode(fields: Mapping[str, str]) -> Intent:
    """Return the intent that an entry's fields stand for. Raises InvalidEntryError if there is none."""
    shape, body = _body(fields)
    numbers = _numbers(body)
    _check_ranges(*numbers)
    side, direction = _side(body)
    return Intent(  # type: ignore[call-arg]  # the numbers are ten, by their names
        _symbol(body),
        side,
        direction,
        *numbers,  # type: ignore[arg-type]  # likewise
        _own_time(body, fields),
        shape,
        _text(body, fields, "source"),
        _text(body, fields, "trace_id"),
        _text(body, fields, "model"),
    )


def also_said(fields: Mapping[str, str], *names: str) -> dict[str, str | None]:
    """Return what an intent says under names that are no part of its meaning; None where it says nothing."""
    _, body = _body(fields)
    return {name: None if body.get(name) is None else str(body[name]) for name in names}


def time_ms(value: object) -> int:
    """Return a published time in milliseconds since 1970: ISO 8601 (naive is UTC), seconds or milliseconds.

    Raises InvalidEntryError when it cannot be read.
    """
    if isinstance(value, str) and ("T" in value or len(value) > MOST_DIGITS or not _NUMBER.fullmatch(value)):
        return _iso_ms(value)
    number = value if isinstance(value, Decimal) else _decimal("TIME", value, "time")
    if number.adjusted() not in _TIME_MAGNITUDES or abs(number) >= _MILLISECONDS_BELOW:
        raise InvalidEntryError("TIME", f"{value} is beyond milliseconds")
    return int(number * 1000 if number < _SECONDS_BELOW else number)


def _body(fields: Mapping[str, str]) -> tuple[Shape, Body]:
    if "payload" in fields:
        return "payload", _json(fields["payload"])
    if "data" in fields:
        return "data", _json(fields["data"])
    return "flat", fields


def _json(text: str) -> Body:
    text = text.strip(_WHITE_SPACE)
    try:
        body, end = _DECODER.raw_decode(text)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise InvalidEntryError("JSON", str(error)) from error
    if type(body) is not dict or end != len(text):
        raise InvalidEntryError("JSON", "it is not one object and nothing else")
    if text.count("{") + text.count("[") > MOST_NESTED:
        _refuse_nested(body)
    if "\\u" in text:
        _refuse_half_characters(body)
    return body


def _refuse_nested(body: object) -> None:
    level, depth = [body], 0
    while level:
        depth += 1
        if depth > MOST_NESTED:
            raise InvalidEntryError("JSON", f"it is nested deeper than {MOST_NESTED}")
        level = [part for node in level for part in _parts(node)]


def _parts(node: object) -> Iterable[object]:
    """Return what is in an object or a list that can itself hold something."""
    held = node.values() if type(node) is dict else node if type(node) is list else ()
    return [part for part in held if type(part) in (dict, list)]


def _refuse_half_characters(body: object) -> None:
    """Refuse what JSON can name and UTF-8 cannot carry, wherever it stands."""
    try:
        json.dumps(body, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError as error:
        raise InvalidEntryError("JSON", "half a character stands in it") from error


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    body = dict(pairs)
    if len(body) != len(pairs):
        raise InvalidEntryError("JSON", "a key stands twice")
    return body


def _no_constant(name: str) -> NoReturn:
    raise InvalidEntryError("NUMBER", f"{name} is not a number")


#: What JSON allows around a value; Python's own idea of white space is wider.
_WHITE_SPACE = " \t\n\r"
_DECODER = json.JSONDecoder(object_pairs_hook=_each_once, parse_float=Decimal, parse_constant=_no_constant)


def _symbol(body: Body) -> str:
    symbol = body.get("symbol")
    if type(symbol) is not str or not _SYMBOL.fullmatch(symbol):
        raise InvalidEntryError("SYMBOL", f"{symbol!r} does not name a USDT market")
    return symbol


def _side(body: Body) -> tuple[str, Direction]:
    words = [word for name in _SIDE_NAMES if (word := body.get(name)) is not None]
    desired = {_direction_of(word) for word in words}
    direction = desired.pop() if len(desired) == 1 else None
    if direction is None:
        raise InvalidEntryError(
            "SIDE", f"{words} is not one side" if words else "no side, direction or action"
        )
    return words[0].upper(), direction


def _direction_of(word: object) -> Direction | None:
    """Return what a word means. In Unicode some letters become others as capitals: no such word is a side."""
    if type(word) is not str or not word.isascii():
        return None
    return _DIRECTIONS.get(word) or _DIRECTIONS.get(word.upper())


def _numbers(body: Body) -> list[Decimal | None]:
    numbers = []
    for name in _NUMBER_NAMES:
        value = body.get(name)
        if value is not None:
            if type(value) is not Decimal:
                value = _decimal("NUMBER", value, name)
            if value.adjusted() not in _MAGNITUDES or value.__sizeof__() > _MOST_SIZE:
                raise InvalidEntryError("NUMBER", f"{name} is beyond any market")
        numbers.append(value)
    return numbers


def _check_ranges(
    usd: Decimal | None,
    share: Decimal | None,
    _price: Decimal | None,
    confidence: Decimal | None,
    volatility: Decimal | None,
    _funding: Decimal | None,
    _divergence: Decimal | None,
    leverage: Decimal | None,
    *_stops: Decimal | None,
) -> None:
    if usd is None and share is None:
        raise InvalidEntryError("SIZE", "neither position_size_usd nor size_pct")
    if usd is not None and usd <= _ZERO:
        raise InvalidEntryError("SIZE", f"position_size_usd {usd} is not above 0")
    if share is not None and not _ZERO < share <= _ONE:
        raise InvalidEntryError("SIZE", f"size_pct {share} is not in (0, 1]")
    if confidence is not None and not _ZERO <= confidence <= _ONE:
        raise InvalidEntryError("CONFIDENCE", f"{confidence} is outside 0..1")
    if volatility is not None and not _ZERO <= volatility <= _MAX_VOLATILITY:
        raise InvalidEntryError("VOLATILITY_FACTOR", f"{volatility} is outside 0..{_MAX_VOLATILITY}")
    if leverage is not None and not _ONE <= leverage <= _MAX_LEVERAGE:
        raise InvalidEntryError("LEVERAGE", f"{leverage} is outside 1..{_MAX_LEVERAGE}")


def _decimal(what: str, value: object, name: str) -> Decimal:
    if type(value) is int:  # a boolean is no number
        return Decimal(value)
    if isinstance(value, str) and len(value) <= MOST_DIGITS and _NUMBER.fullmatch(value):
        return Decimal(value)
    raise InvalidEntryError(what, f"{name} {value!r} is not a number")


def _own_time(body: Body, fields: Mapping[str, str]) -> int | None:
    value = body.get("timestamp")
    if value is None:
        value = fields.get("timestamp")
    return None if value is None else time_ms(value)


def _iso_ms(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise InvalidEntryError("TIME", f"{text[:MOST_DIGITS]!r}… cannot be read")
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is None:
            time = time.replace(tzinfo=UTC)
        return (time - _EPOCH) // _MILLISECOND
    except (ValueError, OverflowError) as error:
        raise InvalidEntryError("TIME", f"{text!r} cannot be read") from error


def _text(body: Body, fields: Mapping[str, str], name: str) -> str | None:
    value = body.get(name)
    if value is None:
        value = fields.get(name)
    if value is None:
        return None
    text = value if type(value) is str else str(value)
    if len(text) > MOST_CHARACTERS:
        raise InvalidEntryError("TEXT", f"{name} has {len(text)} characters")
    return text
