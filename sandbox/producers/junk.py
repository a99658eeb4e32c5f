"""Entries that no reader can make an intent of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.producers import times
from sandbox.producers.entry import Fields, PublishedEntry

if TYPE_CHECKING:
    from sandbox.producers.market import OpinionSource

#: Of all entries, this share is junk.
JUNK_SHARE = 0.015

_FLAWS: dict[str, Fields] = {
    "bad_json": {"payload": '{"symbol": "CFXUSDT", "side": '},
    "empty_payload": {"payload": "{}"},
    "not_a_number": {"payload": '{"symbol": "ADAUSDT", "side": "BUY", "size_pct": NaN}'},
    "unknown_symbol": {"payload": '{"symbol": "ADA-USD", "side": "SELL", "position_size_usd": 200.0}'},
    "no_symbol": {"side": "BUY", "position_size_usd": "5"},
    "not_text": {"payload": b"\xff\xfe\x00"},
}


def junk(market: OpinionSource, producer: str, now_ms: int) -> PublishedEntry:
    """Return one of the six kinds of junk, in the name of a producer."""
    flaw = market.dice.choice(list(_FLAWS))
    fields = {"source": producer, "timestamp": times.iso_naive(now_ms)} | _FLAWS[flaw]
    return PublishedEntry(producer, fields, None, flaw=flaw)
