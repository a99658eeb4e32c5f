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
from consumer.live.journal.rows import HaltRow, IntentRow, OrderPhase, OrderRow
from consumer.live.journal.sqlite import SqliteStore
from consumer.live.journal.store import JournalStore, Statements

__all__ = [
    "BodyChangedError",
    "HaltRow",
    "IntentFinishedError",
    "IntentRow",
    "Journal",
    "JournalError",
    "JournalStore",
    "OrderChangedError",
    "OrderPhase",
    "OrderRow",
    "OrderStateError",
    "SqliteStore",
    "Statements",
]
