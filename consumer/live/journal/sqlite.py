"""The journal in one SQLite file: write-ahead log, flushed to the disk at every commit."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import quote, unquote, urlsplit

from consumer.live.journal import schema
from consumer.live.journal.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from consumer.live.journal.store import Statements

#: How long to wait for another process's transaction, in seconds. They take milliseconds, and a position may
#: wait for its stop meanwhile.
PATIENCE_S = 0.5
#: After these, nothing that this process believes about the file is certain any more.
_FATAL = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
#: How often, in seconds, it is opened anew then.
_AGAIN_S = 1.0
_FULL = 2
_PRIMARY = 0xFF


class SqliteStore:
    """Two connections to one file: a thread reads while another one writes. Processes may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer, self._reader = _connect(path), _connect(path)
        self._file = _identity(path)
        self._broken = ""
        self._reopened_at = float("-inf")
        self._turn = threading.RLock()

    @classmethod
    def open(cls, url: str) -> Self:
        """Open, and make where there is none, the journal at `sqlite:////absolute/path`.

        Raises JournalError when it cannot be written, does not flush, or is of another version.
        """
        store = cls(path_of(url))
        try:
            store._prepare()
        except BaseException:
            store.close()
            raise
        return store

    @contextmanager
    def writing(self) -> Iterator[Statements]:
        """Begin a transaction that excludes other writers; on the disk when the block is left."""
        with self._turn, self._transaction(lambda: self._writer, "BEGIN IMMEDIATE") as statements:
            yield statements

    @contextmanager
    def reading(self) -> Iterator[Statements]:
        """Begin looking at one committed state."""
        with self._transaction(lambda: self._reader, "BEGIN") as statements:
            yield statements

    def damage(self) -> str:
        """Look through every page of the file, on a connection that has none in memory yet."""
        try:
            with closing(_connect(f"file:{quote(str(self._path))}?mode=rw")) as connection:
                (said, *_), *_ = connection.execute("PRAGMA quick_check(1)").fetchall()
        except (JournalError, sqlite3.Error) as error:
            return str(error)
        return "" if said == "ok" else str(said)

    def close(self) -> None:
        """Close the file."""
        self._writer.close()
        self._reader.close()

    @contextmanager
    def _transaction(self, connect: Callable[[], sqlite3.Connection], begin: str) -> Iterator[Statements]:
        # What is written to a file that is not at its place is gone with this process, and to open it anew
        # would put an empty one there.
        if _identity(self._path) != self._file:
            raise JournalError(f"{self._path} was taken away or replaced while it was in use")
        if self._broken:
            self._reopen()
        connection = connect()
        try:
            connection.execute(begin)
            yield connection
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._undo(connection)
            if getattr(error, "sqlite_errorcode", 0) & _PRIMARY in _FATAL:
                self._give_up(str(error))
            raise JournalError(str(error)) from error
        except BaseException:
            self._undo(connection)
            raise

    def _undo(self, connection: sqlite3.Connection) -> None:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            self._give_up(str(error))

    def _give_up(self, why: str) -> None:
        self._broken, self._reopened_at = why, time.monotonic()

    def _reopen(self) -> None:
        """Read the file anew, as a restart would, once in a while. Raises JournalError when that fails."""
        is_due = time.monotonic() - self._reopened_at >= _AGAIN_S
        if not is_due or not self._turn.acquire(blocking=False):
            raise JournalError(f"it has failed before ({self._broken})")
        try:
            self._reopened_at = time.monotonic()
            with suppress(sqlite3.Error):
                self.close()
            self._writer, self._reader = _connect(self._path), _connect(self._path)
            was, self._broken = self._broken, ""
            try:
                self._prepare()
            except JournalError:
                self._broken = was
                raise
        finally:
            self._turn.release()

    def _prepare(self) -> None:
        self._require("journal_mode", "WAL", "wal")
        self._require("synchronous", "FULL", _FULL)
        self._require("foreign_keys", "ON", 1)
        with self.writing() as statements:
            schema.create(statements)

    def _require(self, name: str, value: str, expected: str | int) -> None:
        try:
            self._writer.execute(f"PRAGMA {name} = {value}")
            (actual,) = self._writer.execute(f"PRAGMA {name}").fetchone()
        except sqlite3.Error as error:
            raise JournalError(str(error)) from error
        if actual != expected:
            raise JournalError(f"{name} is {actual} and must be {value}")


def _connect(path: Path | str) -> sqlite3.Connection:
    """Open a file, and make it where there is none; one that is named as a URI must be there."""
    try:
        return sqlite3.connect(
            path,
            timeout=PATIENCE_S,
            isolation_level=None,
            check_same_thread=False,
            uri=isinstance(path, str),
        )
    except sqlite3.Error as error:
        raise JournalError(f"{path} cannot be opened ({error})") from error


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
