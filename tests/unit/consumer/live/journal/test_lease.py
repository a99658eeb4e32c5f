from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from consumer.live.journal import SqliteStore
from consumer.live.journal.lease import Held, Lease, LeaseLostError, Waiting, require_entry

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[5]
#: Lease and receive window are 5 s each, the slack is one: so long after the last sign of life all is quiet.
QUIET_MS = 11_000


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/journal.db"


@pytest.fixture
def store(url: str) -> Iterator[SqliteStore]:
    store = SqliteStore.open(url)
    yield store
    store.close()


@pytest.fixture
def first(store: SqliteStore) -> Lease:
    """The first instance ever, with a lease from 1,000 to 6,000 ms."""
    lease = Lease(store, "first")
    assert lease.acquire(1000) == Held(1, 1000)
    return lease


@pytest.fixture
def second(store: SqliteStore) -> Lease:
    return Lease(store, "second")


def enter(store: SqliteStore, lease: Lease, now_ms: int) -> None:
    """Ask for an entry as the journal does it, in the transaction that says that the request leaves."""
    with store.writing() as statements:
        require_entry(statements, lease.held.fencing if lease.held else None, now_ms)


def test_the_first_instance_ever_may_enter_at_once(store: SqliteStore, first: Lease) -> None:
    assert first.check(1000) == 1
    enter(store, first, 1000)


def test_a_second_instance_waits_and_can_say_for_whom(first: Lease, second: Lease) -> None:
    assert first.held
    assert second.acquire(5999) == Waiting("first", 6000)
    assert second.held is None


def test_who_waits_holds_nothing(store: SqliteStore, first: Lease, second: Lease) -> None:
    second.acquire(2000)
    with pytest.raises(LeaseLostError, match="it does not hold the lease"):
        second.check(2000)
    with pytest.raises(LeaseLostError):
        enter(store, second, 2000)
    assert first.check(2000) == 1


def test_a_lease_that_has_run_out_passes_on_with_a_higher_token(first: Lease, second: Lease) -> None:
    assert second.acquire(6000) == Held(2, 1000 + QUIET_MS)
    with pytest.raises(LeaseLostError, match="second holds the lease"):
        first.check(6000)


def test_a_successor_enters_only_when_nothing_of_its_predecessor_can_arrive(
    store: SqliteStore, first: Lease, second: Lease
) -> None:
    first.renew(3000)
    second.acquire(8000)
    second.renew(12_000)
    assert second.check(13_999) == 2
    with pytest.raises(LeaseLostError, match="may still arrive for 1 ms"):
        enter(store, second, 13_999)
    enter(store, second, 3000 + QUIET_MS)
    assert second.check(3000 + QUIET_MS) == 2


def test_a_successor_long_after_need_not_wait(store: SqliteStore, first: Lease, second: Lease) -> None:
    assert first.held
    second.acquire(1000 + QUIET_MS)
    enter(store, second, 1000 + QUIET_MS)
    assert second.check(1000 + QUIET_MS) == 2


def test_renewing_keeps_the_lease_for_another_period(first: Lease, second: Lease) -> None:
    first.renew(5000)
    assert first.check(9999) == 1
    assert second.acquire(9999) == Waiting("first", 10_000)


def test_a_lease_ends_at_its_end(first: Lease) -> None:
    assert first.check(5999) == 1
    with pytest.raises(LeaseLostError, match="has run out"):
        first.check(6000)


def test_a_lease_that_has_run_out_is_not_renewed_but_taken_anew_with_the_wait(first: Lease) -> None:
    with pytest.raises(LeaseLostError):
        first.renew(6000)
    assert first.held is None
    assert first.acquire(6001) == Held(2, 1000 + QUIET_MS)


def test_a_lease_that_was_lost_is_not_renewed(first: Lease, second: Lease) -> None:
    second.acquire(6000)
    with pytest.raises(LeaseLostError, match="second holds the lease"):
        first.renew(6000)
    assert second.check(6000) == 2


def test_a_lease_that_was_let_go_can_be_taken_at_once_but_not_yet_used_to_enter(
    first: Lease, second: Lease
) -> None:
    first.release(2000)
    assert second.acquire(2000) == Held(2, 2000 + QUIET_MS)


def test_who_let_the_lease_go_holds_nothing(first: Lease) -> None:
    first.release(2000)
    with pytest.raises(LeaseLostError):
        first.check(2000)
    with pytest.raises(LeaseLostError):
        first.release(2000)


def test_a_clock_that_is_measured_a_little_earlier_takes_nothing_away(first: Lease) -> None:
    first.renew(3000)
    assert first.check(2000) == 1


def test_a_clock_that_is_set_back_further_does(first: Lease) -> None:
    first.renew(3000)
    with pytest.raises(LeaseLostError, match="set back"):
        first.check(1999)


def test_nobody_gets_a_lease_from_a_clock_that_is_set_back(first: Lease, second: Lease) -> None:
    assert first.held
    assert second.acquire(-1_000_000) == Waiting("first", 6000)


def test_the_periods_can_be_shorter(store: SqliteStore) -> None:
    Lease(store, "first", lease_ms=100, recv_window_ms=200).acquire(0)
    successor = Lease(store, "second", lease_ms=100, recv_window_ms=200)
    assert successor.acquire(100) == Held(2, 100 + 200 + 1000)


#: Takes the lease, says so, and waits to be killed.
HOLDS = """
import sys, time
from consumer.live.journal import SqliteStore
from consumer.live.journal.lease import Lease
print(Lease(SqliteStore.open(sys.argv[1]), "another process").acquire(1000), flush=True)
time.sleep(60)
"""


def test_a_killed_process_keeps_the_lease_until_it_runs_out(url: str, second: Lease) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, url], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "Held(fencing=1, entries_from_ms=1000)\n"
        assert second.acquire(2000) == Waiting("another process", 6000)
        process.kill()
    assert second.acquire(5999) == Waiting("another process", 6000)
    assert second.acquire(6000) == Held(2, 1000 + QUIET_MS)
