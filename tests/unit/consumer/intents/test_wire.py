"""Entry → intent, by the contract's section 1."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumer.base.errors import InvalidEntryError
from consumer.intents.wire import Intent, decode, texts, time_ms
from tests.support.entries import flat, wrapped

if TYPE_CHECKING:
    from collections.abc import Callable

MOMENT_MS = 1_766_602_892_766


def intent(fields: dict[bytes, bytes]) -> Intent:
    return decode(texts(fields))


def refusal(fields: dict[bytes, bytes]) -> str:
    with pytest.raises(InvalidEntryError) as caught:
        intent(fields)
    return str(caught.value)


@pytest.mark.parametrize("shape", ["payload", "data"])
def test_a_wrapped_entry_is_decoded(shape: str) -> None:
    decoded = intent(wrapped(shape))
    assert (decoded.shape, decoded.symbol, decoded.direction) == (shape, "NEARUSDT", "long")
    assert decoded.position_size_usd == Decimal("200.0")


def test_a_flat_entry_is_decoded() -> None:
    decoded = intent(flat(confidence="0.72"))
    assert (decoded.shape, decoded.confidence, decoded.entry_price) == (
        "flat",
        Decimal("0.72"),
        Decimal("1.5213"),
    )


def test_a_payload_goes_before_data_and_flat_fields() -> None:
    assert intent({**flat(), **wrapped("data"), **wrapped(symbol="ADAUSDT")}).symbol == "ADAUSDT"


def test_bad_json_is_invalid_even_beside_good_flat_fields() -> None:
    assert refusal({**flat(), b"payload": b'{"symbol": '}).startswith("INVALID_JSON")


def test_a_flat_entry_without_symbol_is_invalid() -> None:
    assert refusal(flat(symbol=None)).startswith("INVALID_SYMBOL")


@pytest.mark.parametrize("body", ["[]", '"text"', "1", "null", "{}", "", "[" * 100_000, "{} {}", "\u00a0{}"])
def test_a_payload_that_is_no_object_with_a_symbol_is_invalid(body: str) -> None:
    assert refusal({b"payload": body.encode()}).startswith("INVALID_")


def test_a_key_that_stands_twice_is_invalid() -> None:
    body = b'{"symbol": "ADAUSDT", "side": "BUY", "side": "SELL", "position_size_usd": 5}'
    assert refusal({b"payload": body}) == "INVALID_JSON:a key stands twice"


def test_a_nested_key_that_stands_twice_is_invalid() -> None:
    body = b'{"symbol": "ADAUSDT", "side": "BUY", "position_size_usd": 5, "meta": {"a": 1, "a": 2}}'
    assert refusal({b"payload": body}).startswith("INVALID_JSON")


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
def test_a_json_constant_is_no_number(word: str) -> None:
    body = f'{{"symbol": "ADAUSDT", "side": "BUY", "position_size_usd": 5, "atr_value": {word}}}'
    assert refusal({b"payload": body.encode()}).startswith("INVALID_NUMBER")


@pytest.mark.parametrize(
    "text", ["nan", "inf", "1_000", " 5", "5 ", "", "0x10", "٣", "1e99999", "1e400", "five"]
)
def test_a_text_that_is_no_plain_number_is_invalid(text: str) -> None:
    assert refusal(flat(position_size_usd=text)).startswith("INVALID_NUMBER")


def test_a_boolean_is_no_number() -> None:
    assert refusal(wrapped(position_size_usd=True)).startswith("INVALID_NUMBER")


@pytest.mark.parametrize("number", ["1e400", "1" + "0" * 5000, "1e12"])
def test_a_number_beyond_any_market_is_invalid(number: str) -> None:
    body = f'{{"symbol": "ADAUSDT", "side": "BUY", "position_size_usd": {number}}}'
    assert refusal({b"payload": body.encode()}).startswith(("INVALID_NUMBER", "INVALID_JSON"))


def test_a_number_next_to_nothing_is_still_a_number() -> None:
    assert intent(wrapped(exchange_divergence=2.2e-16)).exchange_divergence == Decimal("2.2e-16")


def test_bytes_that_are_no_utf8_are_invalid() -> None:
    assert refusal({b"symbol": b"\xff\xfe"}).startswith("INVALID_UTF8")


@pytest.mark.parametrize(
    ("word", "direction"),
    [("BUY", "long"), ("LONG", "long"), ("SELL", "short"), ("short", "short"), ("HOLD", "hold"),
     ("Flat", "hold"), ("close", "close")],
)  # fmt: skip # a table, or a call that is read as one
@pytest.mark.parametrize("name", ["side", "direction", "action"])
def test_every_word_for_a_side_is_known_under_every_name(name: str, word: str, direction: str) -> None:
    decoded = intent(flat(**{"side": None, name: word}))
    assert (decoded.direction, decoded.side) == (direction, word.upper())


def test_names_of_a_side_may_agree() -> None:
    assert intent(flat(side="BUY", direction="LONG", action="buy")).direction == "long"


@pytest.mark.parametrize("other", ["SELL", "HOLD", "CLOSE", "MAYBE", ""])
def test_names_of_a_side_that_disagree_are_invalid(other: str) -> None:
    assert refusal(flat(side="BUY", direction=other)).startswith("INVALID_SIDE")


@pytest.mark.parametrize("word", ["", "MAYBE", "BUY ", 1, True, ["BUY"]])
def test_an_unknown_side_is_invalid(word: object) -> None:
    assert refusal(wrapped(side=word)).startswith("INVALID_SIDE")


def test_no_side_is_invalid() -> None:
    assert refusal(flat(side=None)) == "INVALID_SIDE:no side, direction or action"


@pytest.mark.parametrize("symbol", ["BTCUSDT", "1000PEPEUSDT", "BTUSDT"])
def test_a_usdt_market_is_a_symbol(symbol: str) -> None:
    assert intent(flat(symbol=symbol)).symbol == symbol


@pytest.mark.parametrize(
    "symbol", ["btcusdt", "BTC-USDT", "BTCUSD", "USDT", "BUSDT", " BTCUSDT", "BTCUSDT\n", "ÄÖUSDT"]
)
def test_nothing_else_is_a_symbol(symbol: str) -> None:
    assert refusal(flat(symbol=symbol)).startswith("INVALID_SYMBOL")


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("confidence", ["0", "1"], ["-0.01", "1.0000001"]),
        ("volatility_factor", ["0", "5"], ["-1", "5.01"]),
        ("leverage", ["1", "125"], ["0", "0.99", "126"]),
        ("position_size_usd", ["0.01"], ["0", "-5"]),
        ("size_pct", ["0.0001", "1"], ["0", "1.01", "-0.1"]),
    ],
)
def test_a_number_outside_its_range_is_invalid(name: str, good: list[str], bad: list[str]) -> None:
    assert [str(getattr(intent(flat(**{name: text})), name)) for text in good] == good
    assert all(refusal(flat(**{name: text})).startswith("INVALID_") for text in bad)


def test_without_any_size_an_entry_is_invalid() -> None:
    assert refusal(flat(position_size_usd=None)).startswith("INVALID_SIZE")


def test_a_null_is_the_same_as_nothing() -> None:
    body = {"symbol": "ADAUSDT", "side": "BUY", "size_pct": 0.1, "confidence": None, "timestamp": None}
    decoded = intent({b"payload": json.dumps(body).encode()})
    assert (decoded.confidence, decoded.timestamp_ms) == (None, None)


def test_unknown_fields_are_ignored() -> None:
    assert intent(wrapped(regime="unknown", meta_strategy="x")).symbol == "NEARUSDT"


@pytest.mark.parametrize(
    "value",
    [MOMENT_MS, str(MOMENT_MS), "1766602892.766", "2025-12-24T19:01:32.766", "2025-12-24T19:01:32.766999Z",
     "2025-12-24T19:01:32.766+00:00", "2025-12-24T21:01:32.766+02:00", "2025-12-24 19:01:32.766"],
)  # fmt: skip # a table, or a call that is read as one
def test_every_format_of_a_time_means_the_same_moment(value: object) -> None:
    assert time_ms(value) == MOMENT_MS


def test_below_1e11_a_number_is_seconds_and_from_there_milliseconds() -> None:
    assert (time_ms(99_999_999_999), time_ms(100_000_000_000)) == (99_999_999_999_000, 100_000_000_000)


@pytest.mark.parametrize("value", ["yesterday", "", "2025-13-01", True, 10**14, "1e14", {}, []])
def test_a_time_that_cannot_be_read_is_invalid(value: object) -> None:
    with pytest.raises(InvalidEntryError, match="INVALID_TIME"):
        time_ms(value)


def test_the_envelopes_time_counts_when_the_intent_has_none() -> None:
    envelope = {"timestamp": "2025-12-24T19:01:32.766", "source": "bot", "trace_id": "t-1"}
    decoded = intent(wrapped(timestamp=None, envelope=envelope))
    assert (decoded.timestamp_ms, decoded.source, decoded.trace_id) == (MOMENT_MS, "bot", "t-1")


def test_the_intents_own_time_and_source_go_before_the_envelopes() -> None:
    envelope = {"timestamp": "2020-01-01T00:00:00", "source": "envelope"}
    decoded = intent(wrapped(source="rl_v3", envelope=envelope))
    assert (decoded.timestamp_ms, decoded.source) == (MOMENT_MS, "rl_v3")


@pytest.mark.parametrize("name", ["fallback", "model", "source"])
def test_half_a_character_is_invalid_wherever_it_stands(name: str) -> None:
    payload = json.dumps({**json.loads(wrapped(source="rl_v3")[b"payload"]), "unknown": {"a": ["model"]}})
    with pytest.raises(InvalidEntryError, match="half a character"):
        intent({b"payload": payload.encode().replace(name.encode(), rb"\ud800")})


def outcome(decoding: Callable[[], Intent]) -> str:
    """Return the direction of what was decoded, or the first word of why it is invalid."""
    try:
        return decoding().direction
    except InvalidEntryError as error:
        return str(error).split("_")[0]


FIELDS = st.dictionaries(
    st.sampled_from(
        [b"payload", b"data", b"symbol", b"side", b"position_size_usd", b"timestamp", b"leverage"]
    )
    | st.binary(max_size=4),
    st.binary(max_size=40)
    | st.sampled_from([b"BTCUSDT", b"BUY", b"1", b"1e3", b"{}", b'{"symbol":"BTCUSDT"}']),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
@given(FIELDS)
def test_whatever_stands_in_an_entry_it_is_an_intent_or_invalid(fields: dict[bytes, bytes]) -> None:
    assert outcome(lambda: decode(texts(fields))) in ("long", "short", "hold", "close", "INVALID")


VALUES = (
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.just([]) | st.just({})
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
@given(
    st.dictionaries(
        st.sampled_from(["symbol", "side", "size_pct", "timestamp", "entry_price", "source"]), VALUES
    )
)
def test_whatever_json_a_payload_holds_it_is_an_intent_or_invalid(body: dict[str, object]) -> None:
    payload = json.dumps({"symbol": "BTCUSDT", "side": "BUY", "size_pct": 1, **body})
    assert outcome(lambda: decode({"payload": payload})) in ("long", "INVALID")
