from __future__ import annotations

import base64

import pytest

from host.observe.redis_link import entry, named, order_of, plain


def test_text_stays_text() -> None:
    assert plain("größer".encode()) == "größer"


def test_bytes_that_are_no_text_are_kept_whole() -> None:
    assert plain(b"\xff\x00") == {"base64": base64.b64encode(b"\xff\x00").decode()}


def test_lists_and_numbers_pass_through() -> None:
    assert plain([b"a", 1, None, [b"b"]]) == ["a", 1, None, ["b"]]


def test_names_and_values_are_paired() -> None:
    assert named([b"length", 3, b"last-generated-id", b"1-0"]) == {"length": 3, "last-generated-id": "1-0"}


def test_an_entry_has_its_id_and_its_fields() -> None:
    assert entry(b"1-0", [b"symbol", b"BTCUSDT"]) == {"id": "1-0", "fields": {"symbol": "BTCUSDT"}}


def test_a_field_that_comes_twice_is_not_lost() -> None:
    decoded = entry(b"1-0", [b"side", b"BUY", b"side", b"SELL"])
    assert "fields" not in decoded
    assert [base64.b64decode(part) for part in decoded["raw_base64"]] == [b"side", b"BUY", b"side", b"SELL"]


def test_a_name_that_is_no_text_is_not_lost() -> None:
    assert "raw_base64" in entry(b"1-0", [b"\xff", b"x"])


@pytest.mark.parametrize(
    ("earlier", "later"), [("9-0", "10-0"), ("1-9", "1-10"), ("0-0", "0-1"), ("5", "5-1")]
)
def test_ids_order_as_the_stream_does(earlier: str, later: str) -> None:
    assert order_of(earlier) < order_of(later)
