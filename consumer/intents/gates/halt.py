"""While Redis holds the halt key, nothing opens. Closing is always allowed: it makes the risk smaller."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from consumer.intents.wire import Intent

STATUS = "skipped_halted"


def applies_to(intent: Intent) -> bool:
    """Tell whether a halt stops this intent."""
    return intent.direction != "close"
