"""The points at which the consumer can be made to die, in the order in which an intent passes them."""

from __future__ import annotations

import random
from itertools import product

POINTS = (
    "after_read",
    "after_gates",
    "after_journal_intent",
    "after_prepare_entry",
    "after_mark_sent_entry",
    "after_entry_reply",
    "after_record_entry",
    "after_prepare_stop",
    "after_mark_sent_stop",
    "after_stop_reply",
    "after_record_stop",
    "after_target_1",
    "after_targets",
    "after_finish_intent",
    "before_settle",
    "after_settle",
)


def singles() -> list[tuple[str, ...]]:
    """Return each point alone: one crash, then a run that is left alone."""
    return [(point,) for point in POINTS]


def pairs() -> list[tuple[str, ...]]:
    """Return every ordered pair: a crash, another one while the first is recovered from, then peace."""
    return list(product(POINTS, repeat=2))


def sample(count: int, seed: int) -> list[tuple[str, ...]]:
    """Return some pairs, always the same for a seed."""
    return random.Random(seed).sample(pairs(), count)  # noqa: S311 - a seed is what it is for
