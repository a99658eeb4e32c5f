"""The second decoder follows the contract, sentence by sentence, and agrees with the consumer's."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.judge.oracle import Decoded, decode, differences, is_proof, same, shape_of
from consumer.base.errors import InvalidEntryError
from consumer.intents import wire
from host.observe.rehearsal import entries

NOW_MS = 1_766_594_500_000
GOOD = {"symbol": "NEARUSDT", "side": "BUY", "position_size_usd": "200.0"}


def flat(**changes: str | None) -> Decoded:
    fields = {name: value for name, value in (GOOD | changes).items() if value is not None}
    return decode({"id": "1-0", "fields": fields}, NOW_MS)


def wrapped(text: str, **envelope: str) -> Decoded:
    return decode({"id": "1-0", "fields": {"payload": text, **envelope}}, NOW_MS)


@pytest.mark.parametrize(
    ("fields", "shape"),
    [
        ({"payload": "{}", "data": "{}", "symbol": "X"}, "payload"),
        ({"data": "{}", "symbol": "X"}, "data"),
        ({"symbol": "X"}, "flat"),
    ],
)
def test_the_payload_wins_over_data_and_data_over_flat_fields(fields: dict[str, str], shape: str) -> None:
    assert shape_of({"id": "1-0", "fields": fields}) == shape


def test_bad_json_is_invalid_even_beside_good_flat_fields() -> None:
    assert not flat(payload="{not json").valid


@pytest.mark.parametrize(
    ("name", "word", "direction"),
    [
        ("side", "BUY", "long"),
        ("direction", "LONG", "long"),
        ("action", "sell", "short"),
        ("side", "Short", "short"),
        ("side", "HOLD", "hold"),
        ("side", "FLAT", "hold"),
        ("action", "CLOSE", "close"),
    ],
)
def test_every_word_for_a_side_is_known_under_every_name(name: str, word: str, direction: str) -> None:
    decoded = flat(**({"side": None} | {name: word}))

    assert decoded.intent is not None
    assert decoded.intent["direction"] == direction


@pytest.mark.parametrize(
    "changes",
    [
        {"side": None},
        {"side": "MAYBE"},
        {"side": "BUY", "direction": "SHORT"},
        {"symbol": None},
        {"symbol": "nearusdt"},
        {"symbol": "NEARBUSD"},
        {"symbol": "XUSDT"},
        {"confidence": "1.01"},
        {"volatility_factor": "5.1"},
        {"leverage": "0.9"},
        {"leverage": "126"},
        {"position_size_usd": "0"},
        {"position_size_usd": None},
        {"size_pct": "1.1"},
        {"size_pct": "0"},
        {"entry_price": "NaN"},
        {"entry_price": "Infinity"},
        {"entry_price": "1_000"},
        {"entry_price": " 1"},
        {"entry_price": ""},
        {"timestamp": "yesterday"},
        {"timestamp": "100000000000000"},
        {"timestamp": str(NOW_MS + 5_001)},
    ],
    ids=str,
)
def test_what_the_contract_calls_invalid_is_invalid(changes: dict[str, str | None]) -> None:
    decoded = flat(**changes)

    assert not decoded.valid
    assert decoded.fault


@pytest.mark.parametrize(
    "text",
    [
        '{"symbol": "NEARUSDT", "side": "BUY", "side": "BUY", "position_size_usd": 1}',
        '{"symbol": "NEARUSDT", "side": "BUY", "position_size_usd": NaN}',
        '{"symbol": "NEARUSDT", "side": "BUY", "position_size_usd": true}',
        "[]",
        '"text"',
        "null",
        "",
        "[" * 100_000,
    ],
    ids=lambda text: text[:40],
)
def test_json_that_is_no_clean_object_is_invalid(text: str) -> None:
    assert not wrapped(text).valid


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "1-0", "raw_base64": ["c3ltYm9s", "/w=="]},
        {"id": "1-0", "fields": {**GOOD, "note": {"base64": "/w=="}}},
    ],
)
def test_what_is_not_utf8_is_invalid(entry: dict[str, Any]) -> None:
    assert not decode(entry, NOW_MS).valid


@pytest.mark.parametrize(
    ("written", "desired"),
    [
        ("2025-12-24T16:40:00", 1_766_594_400_000),
        ("2025-12-24T16:40:00Z", 1_766_594_400_000),
        ("2025-12-24T17:40:00.250+01:00", 1_766_594_400_250),
        ("1766594400", 1_766_594_400_000),
        ("1766594400123", 1_766_594_400_123),
        ("1766594400.5", 1_766_594_400_500),
    ],
)
def test_a_time_is_read_in_every_format(written: str, desired: int) -> None:
    decoded = flat(timestamp=written)

    assert decoded.intent is not None
    assert decoded.intent["timestamp_ms"] == desired


def test_the_intents_own_time_wins_over_the_envelopes() -> None:
    body = json.dumps(GOOD | {"timestamp": 1_766_594_400})

    decoded = wrapped(body, timestamp="2025-12-24T16:00:00")

    assert decoded.intent is not None
    assert decoded.intent["timestamp_ms"] == 1_766_594_400_000


def test_without_a_time_of_its_own_the_envelopes_counts() -> None:
    decoded = wrapped(json.dumps(GOOD), timestamp="2025-12-24T16:40:00")

    assert decoded.intent is not None
    assert decoded.intent["timestamp_ms"] == 1_766_594_400_000


def test_numbers_are_kept_exactly() -> None:
    decoded = wrapped('{"symbol": "NEARUSDT", "side": "BUY", "position_size_usd": 0.1}')

    assert decoded.intent is not None
    assert decoded.intent["position_size_usd"] == Decimal("0.1")


@pytest.mark.parametrize(
    ("published", "decoded", "equal"),
    [
        (Decimal("200.0"), "200", True),
        (Decimal("0.1"), "0.10", True),
        (Decimal("0.1"), "0.2", False),
        (None, None, True),
        (None, "", False),
        (None, "0", False),
        ("long", "long", True),
        ("long", "short", False),
        (Decimal(1), True, False),
    ],
)
def test_values_are_the_same_by_meaning(published: Any, decoded: Any, equal: bool) -> None:
    assert same(published, decoded) is equal


def test_an_intent_that_decoded_to_nothing_differs_in_every_field() -> None:
    decoded = flat()

    named = " ".join(differences(decoded, {}))

    assert all(name in named for name in ("symbol", "direction", "position_size_usd", "shape"))


def test_a_source_that_nobody_named_is_a_difference() -> None:
    decoded = flat(source="trading-bot")
    intent = dict(decoded.intent or {})

    assert differences(decoded, intent | {"source": "trading-bot"}) == []
    assert differences(decoded, intent | {"source": "ai-engine"}) == [
        "source was published as trading-bot and decoded as ai-engine"
    ]


def test_a_proof_event_is_told_by_its_mark() -> None:
    assert is_proof({"id": "1-0", "fields": {**GOOD, "proof": "run"}})
    assert not is_proof({"id": "1-0", "fields": GOOD})
    assert not is_proof({"id": "1-0", "raw_base64": []})


# --- the same entries, decoded by the consumer ------------------------------------------------------------


def consumers_word(fields: dict[str, str]) -> dict[str, Any] | None:
    """Return the consumer's intent as its plan shows it, None when it refuses the entry."""
    try:
        intent = wire.decode(fields)._asdict()
    except InvalidEntryError:
        return None
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in intent.items()}


def assert_alike(fields: dict[str, str]) -> None:
    decoded, word = decode({"id": "1-0", "fields": fields}), consumers_word(fields)
    assert decoded.valid == (word is not None), (decoded.fault, word)
    assert word is None or differences(decoded, word) == []


@pytest.mark.parametrize("entry", entries(NOW_MS), ids=lambda entry: str(entry["id"]))
def test_both_decoders_agree_on_what_is_rehearsed(entry: dict[str, Any]) -> None:
    assert_alike(entry["fields"])


NUMBERS = st.sampled_from(
    [
        "0",
        "1",
        "-1",
        "0.5",
        "1.0",
        "5",
        "5.01",
        "125",
        "126",
        "1e2",
        "1E-2",
        "+3",
        ".5",
        "1.",
        "",
        " 1",
        "1_0",
        "x",
    ]
)
JSON_NUMBERS = st.one_of(NUMBERS, st.sampled_from([0, 1, 0.5, 2.5, -1, True, None, [], {}, 130]))
WORDS = st.sampled_from(["BUY", "buy", "SELL", "Long", "SHORT", "HOLD", "FLAT", "CLOSE", "MAYBE", ""])
ISO_TIMES = st.sampled_from(["2025-12-24T16:40:00", "2025-12-24T16:40:00Z", "2025-12-24", "never", ""])
UNIX_TIMES = st.sampled_from(["1766594400", "1766594400123", "1766594400.5", "1e11", "1e14", "-1"])
TIMES = ISO_TIMES | UNIX_TIMES
SYMBOLS = st.sampled_from(
    ["1000PEPEUSDT", "nearusdt", "USDT", "XUSDT", "NEARUSDT ", "NEARUSDT\n", "\uff2eEARUSDT"]
)
NUMBER_NAMES = st.sampled_from(
    [
        "position_size_usd",
        "size_pct",
        "entry_price",
        "confidence",
        "volatility_factor",
        "leverage",
        "stop_loss",
    ]
)


def changes(numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Up to three changes to a good entry, so that most of them alone decide about it."""
    change = st.one_of(
        st.tuples(NUMBER_NAMES, numbers),
        st.tuples(st.sampled_from(["side", "direction", "action"]), WORDS),
        st.tuples(st.just("timestamp"), TIMES),
        st.tuples(st.just("symbol"), SYMBOLS),
        st.tuples(st.sampled_from(["source", "trace_id", "model"]), st.sampled_from(["", "one"])),
    )
    return st.lists(change, max_size=3).map(dict)


@given(changes(NUMBERS))
@settings(max_examples=300, deadline=None)
def test_both_decoders_agree_on_flat_entries(changed: dict[str, str]) -> None:
    assert_alike(GOOD | changed)


@given(changes(JSON_NUMBERS), st.sampled_from(["payload", "data"]), st.one_of(st.none(), TIMES))
@settings(max_examples=300, deadline=None)
def test_both_decoders_agree_on_wrapped_entries(
    changed: dict[str, Any], shape: str, time: str | None
) -> None:
    envelope = {"source": "engine"} | ({} if time is None else {"timestamp": time})
    assert_alike({shape: json.dumps(GOOD | changed), **envelope})
