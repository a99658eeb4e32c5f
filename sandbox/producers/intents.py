"""The endless, reproducible sequence of entries that a set of producers publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.producers.junk import JUNK_SHARE, junk
from sandbox.producers.market import OpinionSource
from sandbox.producers.profiles import PROFILES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sandbox.producers.entry import PublishedEntry


def intents(
    seed: int, clock: Callable[[], int], producers: Sequence[str] = tuple(PROFILES)
) -> Iterator[PublishedEntry]:
    """Yield entries for ever: the same ones for the same seed, producers and clock (Unix milliseconds).

    The clock is read once per turn, when the turn's first entry is asked for.
    """
    market = OpinionSource(seed)
    while True:
        producer = market.dice.choice(producers)
        now_ms = clock()
        if market.happens(JUNK_SHARE):
            yield junk(market, producer, now_ms)
        else:
            yield from PROFILES[producer](market, now_ms)
