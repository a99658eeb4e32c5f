"""HOLD and FLAT ask for nothing, and get it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from consumer.intents.wire import Intent

STATUS = "skipped_hold"
REASON = "HOLD"


def holds(intent: Intent) -> bool:
    """Tell whether an intent asks for no order."""
    return intent.direction == "hold"
