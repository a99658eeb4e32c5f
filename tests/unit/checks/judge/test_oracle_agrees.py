"""The oracle shares no code with the consumer, and must come to the same about whatever a stream can hold."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.judge import oracle
from consumer.base import settings as consumer_settings
from consumer.intents.context import context_for
from consumer.intents.decide import decide, decide_undecoded
from consumer.intents.entry import Entry

NOW_MS = 1_795_772_000_000
ID = f"{NOW_MS - 500}-0"
MOST_BYTES = consumer_settings.Settings().entry_max_bytes
CONTEXT = context_for(consumer_settings.from_environment({"TRADE_INTENT_CUTOVER_ID": "0-0"}))
BODY = '{"symbol":"NEARUSDT","side":"BUY","position_size_usd":200,"entry_price":1.5%s}'

#: What is put behind the members of a sound intent.
MEMBERS = [
    ',"timestamp":-1e999990', ',"timestamp":-1e9999', ',"timestamp":1e-999990', ',"timestamp":0e999990',
    ',"timestamp":-5', ',"timestamp":-1e14', ',"timestamp":1e13', ',"timestamp":"1e99"',
    ',"timestamp":"' + "9" * 70 + '"',
    ',"x":' + "9" * 70, ',"x":0.' + "9" * 90, ',"confidence":0.' + "9" * 76, ',"confidence":0.' + "9" * 77,
    ',"confidence":0e50', ',"confidence":0e-50',
    ',"confidence":"0.' + "9" * 70 + '"', ',"leverage":' + "1" * 90,
    ',"source":"\\ud800"', ',"x":{"\\udc00":1}', ',"x":["\\ud83d\\ude00"]', ',"x":"\\\\ud800"',
    ',"trace_id":"' + "t" * 1024 + '"', ',"trace_id":"' + "t" * 1025 + '"', ',"model":["' + "t" * 1030 + '"]',
    ',"x":' + "[" * 63 + "]" * 63, ',"x":' + "[" * 64 + "]" * 64, ',"x":' + '{"a":' * 63 + "1" + "}" * 63,
    ',"action":"\\u017fell"', ',"direction":"\\ufb02at"', ',"action":"buy"', ',"x":"' + "a" * 140_000 + '"',
    ',"confidence":true', ',"confidence":NaN', ',"confidence":2', ',"symbol":"ADAUSDT"',
]  # fmt: skip # a table, or a call that is read as one


def verdict(flat: list[bytes]) -> str:
    """Return the consumer's reason up to its colon."""
    entry = Entry.of(ID, flat, MOST_BYTES)
    decision = decide_undecoded(entry, CONTEXT) or decide(ID, entry.fields or {}, NOW_MS, CONTEXT)
    return decision.reason.partition(":")[0]


def observed(flat: list[bytes]) -> dict[str, Any]:
    """Return the entry as the harness's program shows it."""
    names, values = [part.decode() for part in flat[::2]], flat[1::2]
    if len(set(names)) < len(names):
        return {"id": ID, "raw_base64": [base64.b64encode(part).decode() for part in flat]}
    return {"id": ID, "fields": {name: plain(value) for name, value in zip(names, values, strict=True)}}


def plain(value: bytes) -> str | dict[str, str]:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def agree(flat: list[bytes]) -> None:
    decoded, reason = oracle.decode(observed(flat), NOW_MS, MOST_BYTES), verdict(flat)
    if reason.startswith("INVALID_FIELDS"):
        assert not decoded.valid
    elif reason.startswith("INVALID_"):
        assert reason in decoded.codes, (reason, decoded)
    else:
        assert decoded.valid, (reason, decoded)


@pytest.mark.parametrize("member", MEMBERS, ids=range(len(MEMBERS)))
@pytest.mark.parametrize("name", ["payload", "data"])
def test_both_come_to_the_same_about_a_wrapped_entry(name: str, member: str) -> None:
    agree([name.encode(), (BODY % member).encode()])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timestamp", b"-1e9999"), ("timestamp", b"1e15"), ("timestamp", b"T" * 100),
        ("confidence", b"1e-60"),
        ("confidence", b"0" * 70), ("source", b"s" * 1025), ("side", "\u017fell".encode()),
        ("model", b"\xff"),
        ("x" * 140_000, b""), ("symbol", b"ADAUSDT"),
    ],
    ids=range(10),
)  # fmt: skip # a table, or a call that is read as one
def test_both_come_to_the_same_about_a_flat_entry(name: str, value: bytes) -> None:
    sound = {b"symbol": b"NEARUSDT", b"side": b"BUY", b"position_size_usd": b"200", b"entry_price": b"1.5"}
    flat = [part for pair in sound.items() for part in pair]
    agree([*flat, name.encode(), value])
    agree([part for pair in (sound | {name.encode(): value}).items() for part in pair])


NUMBERS = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.integers(-(10**90), 10**90).map(str),
    st.tuples(st.integers(-9, 9), st.integers(-99999, 99999)).map(lambda parts: f"{parts[0]}e{parts[1]}"),
)


@given(
    st.sampled_from(["timestamp", "confidence", "leverage", "size_pct", "entry_price", "funding_rate"]),
    NUMBERS,
    st.booleans(),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_both_come_to_the_same_about_any_number(name: str, number: str, quoted: bool) -> None:
    value = json.dumps(number) if quoted else number
    agree(
        [
            b"payload",
            (BODY % f',"{name}":{value}').replace('"entry_price":1.5,', "", name == "entry_price").encode(),
        ]
    )
