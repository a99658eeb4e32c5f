"""What is on the disk when a call returns, and what happens when the disk says no."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from consumer.live.journal import Journal, JournalError, SqliteStore
from consumer.live.journal.sqlite import path_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[5]
NOBODY = 65534

#: Makes one change after another, says which one has returned, and is killed without a chance to do more.
DIES = """
import os, signal, sys
from consumer.live.journal import Journal
from consumer.live.journal.lease import Lease
journal = Journal.open(sys.argv[1])
changes = [
    lambda: journal.begin_intent("100-0", "body", "100-0", "BTCUSDT", "long", "{}", 1),
    lambda: journal.prepare_order("stop", "100-0", "s", 0, "algo", "{}", 2),
    lambda: journal.mark_sent("stop", 3, None),
    lambda: journal.record("stop", "ACCEPTED", 4, exchange_id="77"),
    lambda: journal.finish_intent("100-0", "{}"),
    lambda: journal.mark_settled("100-0"),
    lambda: journal.set_halt("HALT_A", "a", 5),
    lambda: journal.note_settled("100-0"),
    lambda: Lease(journal.store, "me").acquire(6),
]
for change in changes[: int(sys.argv[2])]:
    change()
os.kill(os.getpid(), signal.SIGKILL)
"""

SEEN = (
    "SELECT (SELECT COUNT(*) FROM intents), (SELECT COUNT(*) FROM orders),"
    " (SELECT COUNT(*) FROM orders WHERE sent_at_ms = 3),"
    " (SELECT COUNT(*) FROM orders WHERE exchange_id = '77'),"
    " (SELECT COUNT(*) FROM intents WHERE outcome = '{}'), (SELECT COUNT(*) FROM intents WHERE settled = 1),"
    " (SELECT COUNT(*) FROM halts), (SELECT COUNT(*) FROM meta WHERE value = '100-0'),"
    " (SELECT COUNT(*) FROM leases)"
)


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip # a table, or a call that is read as one


@pytest.mark.parametrize("count", range(1, 10))
def test_a_change_that_has_returned_survives_a_kill_and_nothing_else_happened(url: str, count: int) -> None:
    died = run(DIES, url, str(count))
    assert died.returncode == -signal.SIGKILL, died.stderr
    with Journal.open(url).store.reading() as statements:
        seen = statements.execute(SEEN, {}).fetchone()
    assert seen == (1,) * count + (0,) * (9 - count)


def test_every_commit_is_flushed_to_the_disk(journal: Journal) -> None:
    store = journal.store
    assert isinstance(store, SqliteStore)
    pragmas = [
        store._writer.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys")
    ]
    assert pragmas == ["wal", 2, 1]


def test_an_error_in_the_middle_undoes_the_whole_change(journal: Journal) -> None:
    def change() -> None:
        with journal.store.writing() as statements:
            statements.execute("INSERT INTO meta (name, value) VALUES ('a', 'b')", {})
            raise KeyError

    with pytest.raises(KeyError):
        change()
    assert journal.meta("a") is None
    journal.set_meta("a", "c")
    assert journal.meta("a") == "c"


def test_who_reads_sees_one_state(journal: Journal, url: str) -> None:
    with journal.store.reading() as statements:
        before = statements.execute("SELECT COUNT(*) FROM meta", {}).fetchone()
        other = Journal.open(url)
        other.set_meta("a", "b")
        other.close()
        assert statements.execute("SELECT COUNT(*) FROM meta", {}).fetchone() == before
    assert journal.meta("a") == "b"


def test_a_full_disk_fails_the_change_and_room_lets_it_through_again(begun: Journal) -> None:
    store = begun.store
    assert isinstance(store, SqliteStore)
    pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
    store._writer.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(JournalError, match="full"):
        begun.finish_intent("100-0", "x" * 1_000_000)
    assert len(begun.unresolved()) == 1
    store._writer.execute("PRAGMA max_page_count = 100000")
    begun.finish_intent("100-0", "{}")
    assert begun.unresolved() == []


#: Writes until the file may not grow any more, which is an error of the disk, and tells what came of it.
OUTGROWS = """
import resource, sys
from consumer.live.journal import Journal, JournalError
journal = Journal.open(sys.argv[1])
journal.set_meta("kept", "yes")
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
try:
    journal.set_meta("lost", "x" * 400_000)
except JournalError as error:
    print("first:", error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
for use in (lambda: journal.set_meta("late", "no"), lambda: journal.meta("kept")):
    try:
        use()
    except JournalError as error:
        print("then:", error)
"""


def test_after_an_error_of_the_disk_nothing_is_believed_until_a_restart(url: str) -> None:
    ran = run(OUTGROWS, url)
    assert ran.returncode == 0, ran.stderr
    first, *then = ran.stdout.splitlines()
    assert first.startswith("first: the journal fails:")
    assert [line.startswith("then: the journal fails: it has failed before") for line in then] == [True, True]
    journal = Journal.open(url)
    assert [journal.meta(name) for name in ("kept", "lost", "late")] == ["yes", None, None]


def test_a_file_that_was_taken_away_after_an_error_is_not_made_anew(url: str) -> None:
    program = OUTGROWS.replace(
        "for use in", "import os, time; os.unlink(sys.argv[2]); time.sleep(1.1)\nfor use in"
    )
    ran = run(program, url, str(path_of(url)))
    assert ran.returncode == 0, ran.stderr
    assert "taken away" in ran.stdout
    assert not path_of(url).exists()


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without root's right to write what may not be written."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_journal_that_may_not_be_written_is_refused_at_once() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        url = f"sqlite:///{folder}/journal.db"
        Journal.open(url).close()
        Path(folder).chmod(0o555)
        Path(folder, "journal.db").chmod(0o444)
        with as_nobody(), pytest.raises(JournalError, match="check the volume"):
            Journal.open(url)
        Path(folder).chmod(0o755)


@pytest.mark.parametrize("path", ["/proc/journal.db", "/nowhere/at/all.db", "/"])
def test_a_journal_that_cannot_be_made_is_refused_at_once(path: str) -> None:
    with pytest.raises(JournalError):
        Journal.open(f"sqlite:///{path}")


def test_a_file_that_is_no_journal_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"something else entirely, and long enough to be looked at" * 100)
    with pytest.raises(JournalError, match="not a database"):
        Journal.open(f"sqlite:///{tmp_path}/journal.db")


def test_a_journal_of_another_version_is_refused(url: str) -> None:
    journal = Journal.open(url)
    journal.set_meta("schema", "0")
    journal.close()
    with pytest.raises(JournalError, match="of version 0, and this build writes 1"):
        Journal.open(url)


def test_a_closed_journal_fails(journal: Journal) -> None:
    journal.close()
    with pytest.raises(JournalError):
        journal.meta("a")


def test_another_writer_is_waited_for_and_then_given_up(journal: Journal, url: str) -> None:
    other = sqlite3.connect(path_of(url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="locked"):
        journal.set_meta("a", "b")
    other.execute("COMMIT")
    journal.set_meta("a", "b")
    other.close()


NOTES = """
import sys
from consumer.live.journal import Journal
Journal.open(sys.argv[1]).set_meta(sys.argv[2], "x")
"""


def test_processes_that_begin_at_once_share_one_journal(url: str) -> None:
    running = [
        subprocess.Popen([sys.executable, "-c", NOTES, url, str(number)], cwd=ROOT) for number in range(4)
    ]
    assert [process.wait(30) for process in running] == [0, 0, 0, 0]
    journal = Journal.open(url)
    assert [journal.meta(str(number)) for number in range(4)] == ["x"] * 4


@pytest.mark.parametrize(
    ("url", "path"),
    [("sqlite:////var/lib/journal.db", "/var/lib/journal.db"), ("sqlite:////a%20b.db", "/a b.db")],
)
def test_a_journals_address_names_an_absolute_path(url: str, path: str) -> None:
    assert path_of(url) == Path(path)


@pytest.mark.parametrize(
    "url",
    ["", "/var/lib/journal.db", "sqlite:///journal.db", "sqlite://host/journal.db", "sqlite:////a.db?mode=ro",
     "sqlite:////a.db#x", "postgresql:////a.db", "sqlite://", "sqlite:///:memory:"],
)  # fmt: skip # a table, or a call that is read as one
def test_any_other_address_is_refused(url: str) -> None:
    with pytest.raises(JournalError, match="sqlite:////absolute/path"):
        path_of(url)
