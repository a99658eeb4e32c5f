"""The journal's disk: what is committed survives, unless the disk is told to lie about it."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from consumer.live.journal.errors import JournalError
from consumer.live.journal.schema import TABLES, VERSION

if TYPE_CHECKING:
    import random
    from collections import Counter
    from collections.abc import Iterator

    from consumer.live.journal.store import Statements
    from tests.simulation.loop import Process
    from tests.simulation.world import Hazards


class Disk:
    """One database that processes come and go around. A `lying` one keeps only what it happened to flush."""

    def __init__(self, chance: random.Random, fired: Counter[str], *, lying: bool = False) -> None:
        self.chance = chance
        self.fired = fired
        self._lying = lying
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        for table in TABLES:
            self.connection.execute(table)
        self.connection.execute("INSERT INTO meta (name, value) VALUES ('schema', ?)", (VERSION,))
        self.connection.execute("INSERT INTO meta (name, value) VALUES ('identity', 'simulated')")
        self._flushed = self.connection.serialize() if lying else b""

    def committed(self) -> None:
        """Note a commit; a lying disk flushes one in four."""
        if self._lying and self.chance.random() < 0.25:
            self._flushed = self.connection.serialize()

    def power_cut(self) -> None:
        """Forget what was not flushed."""
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")
        if self._lying:
            self.connection.deserialize(self._flushed)


class DiskStore:
    """Implements consumer.live.journal.store.Store for one process, which may die at each of its commits."""

    def __init__(self, disk: Disk, process: Process, hazards: Hazards) -> None:
        self._disk = disk
        self._process = process
        self._hazards = hazards

    @contextmanager
    def writing(self) -> Iterator[Statements]:
        """Begin a transaction; around its commit the power may fail, or the disk be full."""
        with self._transaction() as statements:
            yield statements
            self._perhaps_crash("crash before commit")
            self._perhaps_full()
        self._disk.committed()
        self._perhaps_crash("crash after commit")

    @contextmanager
    def reading(self) -> Iterator[Statements]:
        """Begin looking at one committed state."""
        with self._transaction() as statements:
            yield statements

    def damage(self) -> str:
        """Find nothing damaged: that is for real files to show."""
        return ""

    def close(self) -> None:
        """Let go of nothing: the disk stays."""

    @contextmanager
    def _transaction(self) -> Iterator[Statements]:
        self._process.require_life()
        connection = self._disk.connection
        connection.execute("BEGIN")
        try:
            yield connection
        except sqlite3.Error as error:
            connection.execute("ROLLBACK")
            raise JournalError(str(error)) from error
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _perhaps_crash(self, when: str) -> None:
        if self._disk.chance.random() < self._hazards.crash_at_commit:
            self._disk.fired[when] += 1
            self._process.crash()

    def _perhaps_full(self) -> None:
        if self._disk.chance.random() < self._hazards.disk_full:
            self._disk.fired["journal write refused"] += 1
            raise JournalError("the simulated disk is full")
