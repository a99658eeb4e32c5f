"""The backlog: what was left of the stream when the incident was found.

232,338 entries had been added and about 10,010 were left, from the evening of 22 December 2025 to the last
two, twins, at 16:42:52 UTC on the 24th. The group's cursor stands among them, so Redis cannot say its lag.
"""

from __future__ import annotations

from itertools import count, islice
from typing import TYPE_CHECKING

from sandbox.producers.intents import intents
from sandbox.producers.market import Opinion, OpinionSource
from sandbox.producers.profiles import twins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.producers.entry import Fields, PublishedEntry

ENTRIES_ADDED = 232_338
ENTRIES_LEFT = 10_010
CURSOR_ID = "1766550734062-1"
LAST_ID = "1766594572014-0"

_FIRST_MS = 1_766_438_412_367
_TWINS_MS = 1_766_594_572_012
_STEP_MS = (_TWINS_MS - _FIRST_MS) // ENTRIES_LEFT
_SEED = 20_251_224
_LAST_OPINION = Opinion(
    "CFXUSDT", is_long=True, price=0.0712, confidence=0.68, change=0.021, volatility=0.5513
)


def backlog() -> Iterator[tuple[str, Fields]]:
    """Yield the id and fields of each entry left, oldest first, in every shape of their producers."""
    for entry, at_ms in _before_the_twins():
        yield f"{at_ms}-0", entry.fields
    for entry in twins(OpinionSource(_SEED), _LAST_OPINION, _TWINS_MS):
        yield f"{_TWINS_MS + entry.pause_ms}-0", entry.fields


def _before_the_twins() -> Iterator[tuple[PublishedEntry, int]]:
    turns = count(_FIRST_MS, _STEP_MS)
    at_ms = _FIRST_MS

    def clock() -> int:
        nonlocal at_ms
        at_ms = next(turns)
        return at_ms

    for entry in islice(intents(_SEED, clock), ENTRIES_LEFT - 2):
        yield entry, at_ms + entry.pause_ms
