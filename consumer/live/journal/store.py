"""What the journal asks of whatever keeps it: statements in a transaction, durable when the block is left.

SQLite stands behind it here, PostgreSQL could, and in simulation a disk that loses what was not flushed.
Statements are plain SQL with `:name` parameters; values are texts, integers and None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

type Value = str | int | None


class StatementAnswer(Protocol):
    """What one statement gave."""

    @property
    def rowcount(self) -> int:
        """How many rows a change has touched."""

    def fetchone(self) -> Any:
        """Return the next row as a tuple, or None."""

    def fetchall(self) -> Sequence[Any]:
        """Return the remaining rows as tuples."""


class Statements(Protocol):
    """An open transaction."""

    def execute(self, sql: str, values: Mapping[str, Value], /) -> StatementAnswer:
        """Run one statement."""


class JournalStore(Protocol):
    """Keeps the journal. Raises JournalError for whatever keeps it from doing so."""

    def writing(self) -> AbstractContextManager[Statements]:
        """Begin a transaction that excludes other writers; committed to the disk when the block is left.

        An error in the block undoes it. Whoever leaves it without an error may rely on every change in it.
        """

    def reading(self) -> AbstractContextManager[Statements]:
        """Begin looking at one committed state."""

    def damage(self) -> str:
        """Look through all that is kept, from any thread; say what is damaged, or nothing."""

    def close(self) -> None:
        """Let go of the store."""
