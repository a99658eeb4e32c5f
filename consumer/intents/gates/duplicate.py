"""Two producers publish one opinion milliseconds apart. The second of a symbol and direction is skipped.

Only intents that reached a plan are remembered, under their origin id, in Redis, for restarts and replicas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from consumer.intents.wire import Intent

STATUS = "skipped_duplicate"
#: Before the memory's name: a sorted set of origin ids by their milliseconds.
MEMORY_PREFIX = "quantum:trade_intent:planned:"


def memory(intent: Intent) -> str:
    """Return the name of the memory that an intent is looked up in."""
    return f"{MEMORY_PREFIX}{intent.symbol}:{intent.direction}"


def lifetime_ms(max_age_ms: int, window_ms: int) -> int:
    """Return how long to remember: past it, every twin is stale, however late it is delivered."""
    return max_age_ms + 2 * window_ms + 10_000
