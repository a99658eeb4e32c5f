"""The journal in one SQLite file: write-ahead log, flushed to the disk at every commit."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urlsplit

from consumer.live.journal import schema
from consumer.live.journal.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consumer.live.journal.store import Statements

#: How long to wait for another process's transaction, in seconds. They take milliseconds, and a position may
#: wait for its stop meanwhile.
PATIENCE_S = 0.5
#: After these, nothing that this process believes about the file is certain any more.
_FATAL = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_FULL = 2
_PRIMARY = 0xFF


class SqliteStore:
    """One connection to one file, for one thread. Several processes may share the file."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._file = _identity(path)
        self._broken = ""

    @classmethod
    def open(cls, url: str) -> Self:
        """Open, and make where there is none, the journal at `sqlite:////absolute/path`.

        Raises JournalError when it cannot be written, does not flush, or is of another version.
        """
        path = path_of(url)
        try:
            connection = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None)
        except sqlite3.Error as error:
            raise JournalError(f"{path} cannot be opened ({error})") from error
        store = cls(connection, path)
        try:
            store._prepare()
        except BaseException:
            connection.close()
            raise
        return store

    @contextmanager
    def writing(self) -> Iterator[Statements]:
        """Begin a transaction that excludes other writers; on the disk when the block is left."""
        with self._transaction("BEGIN IMMEDIATE") as statements:
            yield statements

    @contextmanager
    def reading(self) -> Iterator[Statements]:
        """Begin looking at one committed state."""
        with self._transaction("BEGIN") as statements:
            yield statements

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Statements]:
        if self._broken:
            raise JournalError(
                f"it has failed before ({self._broken}); restart to read it anew", needs_restart=True
            )
        # What is written to a file that is not at its place is gone with this process.
        if _identity(self._path) != self._file:
            raise JournalError(f"{self._path} was taken away or replaced while it was in use")
        try:
            self._connection.execute(begin)
            yield self._connection
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo()
            if getattr(error, "sqlite_errorcode", 0) & _PRIMARY in _FATAL:
                self._broken = str(error)
            raise JournalError(str(error), needs_restart=bool(self._broken)) from error
        except BaseException:
            self._undo()
            raise

    def _undo(self) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            self._broken = str(error)

    def _prepare(self) -> None:
        self._require("journal_mode", "WAL", "wal")
        self._require("synchronous", "FULL", _FULL)
        self._require("foreign_keys", "ON", 1)
        with self.writing() as statements:
            schema.create(statements)

    def _require(self, name: str, value: str, expected: str | int) -> None:
        try:
            self._connection.execute(f"PRAGMA {name} = {value}")
            (actual,) = self._connection.execute(f"PRAGMA {name}").fetchone()
        except sqlite3.Error as error:
            raise JournalError(str(error)) from error
        if actual != expected:
            raise JournalError(f"{name} is {actual} and must be {value}")


def _identity(path: Path) -> tuple[int, int] | None:
    """Return which file lies at a path, by device and number; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def path_of(url: str) -> Path:
    """Return the file that `sqlite:////absolute/path` names. Raises JournalError for anything else."""
    parts = urlsplit(url)
    path = Path(unquote(parts.path).removeprefix("/"))
    if parts.scheme != "sqlite" or parts.netloc or parts.query or parts.fragment or not path.is_absolute():
        raise JournalError(f"{url[:100]!r} is no journal's address; write sqlite:////absolute/path")
    return path
