from __future__ import annotations

import json

import pytest

from host.observe.crafted import SHAPES, TIME_FORMATS, Craft, desired_by, written

AT_MS = 1795363200123


def craft(shape: str, time_format: str = "iso_z", **more: object) -> Craft:
    numbers = {"position_size_usd": "101.25", "confidence": "0.701"}
    return Craft(shape, "HARNESSUSDT", "BUY", time_format, AT_MS, numbers, **more)  # type: ignore[arg-type]  # names vary


@pytest.mark.parametrize(
    ("time_format", "text"),
    [
        ("iso_naive", "2026-11-22T16:00:00.123"),
        ("iso_offset", "2026-11-22T16:00:00.123+00:00"),
        ("iso_z", "2026-11-22T16:00:00.123Z"),
        ("ms", AT_MS),
        ("ms_text", str(AT_MS)),
        ("s", 1795363200),
        ("s_text", "1795363200"),
        ("absent", None),
    ],
)
def test_each_time_format_is_written_as_its_producers_do(time_format: str, text: object) -> None:
    assert written(time_format, AT_MS) == text


@pytest.mark.parametrize("time_format", TIME_FORMATS)
def test_seconds_lose_their_milliseconds_and_nothing_else_does(time_format: str) -> None:
    desired = {"s": AT_MS - 123, "s_text": AT_MS - 123, "absent": None}.get(time_format, AT_MS)
    assert desired_by(time_format, AT_MS) == desired


def test_a_flat_entry_is_all_text_without_a_wrapper() -> None:
    fields = craft("flat", "ms").fields()
    assert fields == {
        "symbol": "HARNESSUSDT",
        "side": "BUY",
        "position_size_usd": "101.25",
        "confidence": "0.701",
        "timestamp": str(AT_MS),
    }


@pytest.mark.parametrize("shape", ["payload", "data"])
def test_a_wrapped_entry_holds_numbers_as_json(shape: str) -> None:
    body = json.loads(craft(shape).fields()[shape])
    assert (body["position_size_usd"], body["confidence"]) == (101.25, 0.701)


def test_what_is_carried_beside_the_payload_is_a_field_of_its_own() -> None:
    assert craft("payload", extra={"proof": "run"}).fields()["proof"] == "run"


@pytest.mark.parametrize("shape", SHAPES)
def test_without_its_own_time_only_a_wrapped_entry_has_one(shape: str) -> None:
    envelope_ms = None if shape == "flat" else AT_MS - 10
    assert craft(shape, "absent", envelope_ms=envelope_ms).timestamp_ms() == envelope_ms


def test_the_own_time_wins_over_the_wrappers() -> None:
    assert craft("payload", envelope_ms=AT_MS - 10).timestamp_ms() == AT_MS
