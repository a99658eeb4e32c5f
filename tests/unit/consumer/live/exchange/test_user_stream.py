from __future__ import annotations

from typing import Any

import pytest

from consumer.live.exchange.user_stream import symbols_of


@pytest.mark.parametrize(
    ("event", "symbols"),
    [
        ({"e": "ORDER_TRADE_UPDATE", "o": {"s": "ADAUSDT", "X": "FILLED"}}, {"ADAUSDT"}),
        ({"e": "ALGO_UPDATE", "o": {"s": "SEIUSDT", "X": "CANCELED"}}, {"SEIUSDT"}),
        ({"e": "ACCOUNT_UPDATE", "a": {"B": [], "P": [{"s": "A"}, {"s": "B"}]}}, {"A", "B"}),
        ({"e": "MARGIN_CALL", "p": [{"s": "ADAUSDT"}]}, {"ADAUSDT"}),
        ({"e": "ACCOUNT_UPDATE", "a": {"B": []}}, set()),
        ({"e": "listenKeyExpired"}, set()),
        ({"e": "SOMETHING_NEW", "o": "text", "a": 7, "p": {"s": "ADAUSDT"}}, set()),
        ({"o": {"s": 7}}, set()),
    ],
)
def test_an_event_is_of_the_symbols_that_it_names(event: dict[str, Any], symbols: set[str]) -> None:
    assert symbols_of(event) == symbols
