"""The dead consumers of the execution group, and the one entry that one of them never acknowledged.

XINFO GROUPS said 34 consumers and every one of them was dead; the owner of the pending entry is one of
the 34. So: 33 that an execution service left behind, one at each of its starts, and `test-consumer`.
"""

from __future__ import annotations

import random

CONSUMERS = 34
PENDING_OWNER = "test-consumer"
PENDING_ID = "1765950222254-0"
PENDING_IDLE_MS = 652_112_520
GHOST_IDLE_MS = 448_668_459
_SEEN_IN_THE_REPORT = ("execution_032c6d11", "execution_0a4f19fa")


def names() -> list[str]:
    """Return the 34 consumer names, the same ones each time."""
    dice = random.Random(CONSUMERS)  # noqa: S311 - names, not secrets
    others = CONSUMERS - len(_SEEN_IN_THE_REPORT) - 1
    made_up = [f"execution_{dice.getrandbits(32):08x}" for _ in range(others)]
    return [*_SEEN_IN_THE_REPORT, *sorted(made_up), PENDING_OWNER]


def seen_ms(now_ms: int) -> dict[str, int]:
    """Return when each consumer was last seen (Unix milliseconds), for the idle times of the report."""
    times = dict.fromkeys(names(), now_ms - GHOST_IDLE_MS)
    return times | {PENDING_OWNER: now_ms - PENDING_IDLE_MS}
