"""The memory of what was asked of the exchange: outside Redis, and on the disk before anything is sent."""

from __future__ import annotations

from consumer.journal.errors import (
    BodyChangedError,
    IntentFinishedError,
    JournalError,
    OrderChangedError,
    OrderStateError,
)
from consumer.journal.journal import Journal
from consumer.journal.rows import HaltRow, IntentRow, OrderRow, State
from consumer.journal.sqlite import SqliteStore
from consumer.journal.store import Statements, Store

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
