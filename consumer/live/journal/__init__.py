"""The memory of what was asked of the exchange: outside Redis, and on the disk before anything is sent."""

from __future__ import annotations

from consumer.live.journal.errors import (
    BodyChangedError,
    IntentFinishedError,
    JournalError,
    OrderChangedError,
    OrderStateError,
)
from consumer.live.journal.journal import Journal
from consumer.live.journal.rows import HaltRow, IntentRow, OrderRow, State
from consumer.live.journal.sqlite import SqliteStore
from consumer.live.journal.store import Statements, Store

__all__ = [
    "BodyChangedError",
    "HaltRow",
    "IntentFinishedError",
    "IntentRow",
    "Journal",
    "JournalError",
    "OrderChangedError",
    "OrderRow",
    "OrderStateError",
    "SqliteStore",
    "State",
    "Statements",
    "Store",
]
