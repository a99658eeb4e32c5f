"""A disk that hangs, or is slow, holds up whoever writes, and nobody else; what is damaged is noticed."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from consumer.live.journal import Journal, JournalError, thread
from consumer.live.journal.sqlite import path_of
from consumer.live.journal.thread import JournalThread

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Call slow what takes half of a tenth of a second."""
    monkeypatch.setattr(thread, "PATIENCE_S", 0.1)
    monkeypatch.setattr(thread, "SLOW_S", 0.05)
    monkeypatch.setattr(thread, "SLOW_FOR_S", 0.2)


async def test_a_change_is_on_the_disk_when_it_returns(journal: Journal, url: str) -> None:
    await JournalThread(journal).write(journal.set_meta, "a", "b")
    assert Journal.open(url).meta("a") == "b"


async def test_what_a_change_refuses_is_told_to_who_asked_for_it(journal: Journal) -> None:
    with pytest.raises(KeyError):
        await JournalThread(journal).write({}.__getitem__, "nothing")


async def test_others_go_on_while_a_disk_hangs(journal: Journal) -> None:
    writer, hangs = JournalThread(journal), threading.Event()
    with pytest.raises(JournalError, match="slow"):
        await writer.write(hangs.wait, 5)
    assert journal.meta("a") is None
    hangs.set()


async def test_no_further_write_waits_behind_one_that_hangs(journal: Journal) -> None:
    writer, hangs = JournalThread(journal), threading.Event()
    with pytest.raises(JournalError):
        await writer.write(hangs.wait, 5)
    began = time.monotonic()
    with pytest.raises(JournalError, match="has not ended"):
        await writer.write(journal.set_meta, "a", "b")
    assert time.monotonic() - began < 0.05
    hangs.set()
    await asyncio.sleep(0.05)
    await writer.write(journal.set_meta, "a", "b")


async def test_a_slow_write_is_a_fault_for_a_while(journal: Journal) -> None:
    writer = JournalThread(journal)
    await writer.write(time.sleep, 0.07)
    assert "it is slow: a write took 0.1 s" in writer.fault
    await asyncio.sleep(0.25)
    assert writer.fault == ""


async def test_a_write_that_fails_is_a_fault_until_one_succeeds(journal: Journal) -> None:
    def fail() -> None:
        raise JournalError("the disk is full")

    writer = JournalThread(journal)
    with pytest.raises(JournalError):
        await writer.write(fail)
    assert "the disk is full" in writer.fault
    await writer.write(journal.set_meta, "a", "b")
    assert writer.fault == ""


async def test_pages_that_were_overwritten_are_found(journal: Journal, url: str) -> None:
    writer = JournalThread(journal)
    for number in range(300):
        journal.set_meta(str(number), "x" * 500)
    await writer.check()
    assert writer.fault == ""
    overwrite(path_of(url))
    await writer.check()
    assert "it is damaged" in writer.fault


def overwrite(path: Path) -> None:
    """Write over the middle of a journal."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(FULL)")
    with path.open("r+b") as pages:
        pages.seek(path.stat().st_size // 2)
        pages.write(b"\xff" * 20_000)


async def test_a_file_that_is_gone_is_found_and_not_made_anew(journal: Journal, url: str) -> None:
    path_of(url).unlink()
    writer = JournalThread(journal)
    await writer.check()
    assert "it is damaged" in writer.fault
    assert not path_of(url).exists()


async def test_closing_does_not_wait_for_a_disk_that_hangs(journal: Journal) -> None:
    writer, hangs = JournalThread(journal), threading.Event()
    with pytest.raises(JournalError):
        await writer.write(hangs.wait, 5)
    began = time.monotonic()
    await writer.close()
    assert time.monotonic() - began < 0.5
    hangs.set()
