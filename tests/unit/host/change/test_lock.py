from __future__ import annotations

import multiprocessing
import time
from typing import TYPE_CHECKING

import pytest

from host.base.times import utc_now
from host.change.audit import Audit
from host.change.errors import LockHeldError, LockLostError
from host.change.lock import Claim, Lock

if TYPE_CHECKING:
    from host.base.state import StateFolder


def claim(owner: str = "first", ttl_s: float = 60, wait_s: float = 0) -> Claim:
    return Claim(owner, f"run of {owner}", "a test", ttl_s, wait_s)


def try_to_acquire(state: StateFolder, owner: str) -> str | None:
    """Return the token, in a process of its own; None when another was first."""
    try:
        return Lock(state, Audit(state.audit_log)).acquire(claim(owner)).holder.token
    except LockHeldError:
        return None


def race(state: StateFolder, runners: int = 12) -> list[str]:
    with multiprocessing.get_context("fork").Pool(runners) as pool:
        tokens = pool.starmap(try_to_acquire, [(state, f"runner {number}") for number in range(runners)], 1)
    return [token for token in tokens if token]


def test_a_free_lock_is_taken_and_shows_who_has_it_and_why(lock: Lock) -> None:
    taken = lock.acquire(claim())
    assert taken.taken_over is None
    holder = lock.holder()
    assert holder == taken.holder
    assert (holder.owner, holder.run_id, holder.why) == ("first", "run of first", "a test")


def test_what_is_shown_of_a_holder_does_not_hold_the_token(lock: Lock) -> None:
    holder = lock.acquire(claim()).holder
    assert holder.token not in str(holder.public())
    assert holder.token not in repr(holder)


def test_a_held_lock_is_refused_with_its_holder_and_the_way_out(lock: Lock) -> None:
    holder = lock.acquire(claim()).holder
    with pytest.raises(LockHeldError) as held:
        lock.acquire(claim("second"))
    for part in ("first", "run of first", "a test", holder.since, holder.expires):
        assert part in held.value.message
    assert "playbooks/unlock.yml" in held.value.remedy


def test_who_waits_gets_the_lock_when_it_is_given_back(lock: Lock) -> None:
    lock.acquire(claim(ttl_s=0.4))
    began = time.monotonic()
    taken = lock.acquire(claim("second", wait_s=5))
    assert taken.holder.owner == "second"
    assert 0.3 < time.monotonic() - began < 3


def test_who_waits_in_vain_is_refused_after_the_wait(lock: Lock) -> None:
    lock.acquire(claim())
    began = time.monotonic()
    with pytest.raises(LockHeldError):
        lock.acquire(claim("second", wait_s=0.5))
    assert time.monotonic() - began >= 0.5


def test_an_expired_lock_is_taken_over_with_a_trace(lock: Lock, audit: Audit) -> None:
    lock.acquire(claim(ttl_s=0))
    taken = lock.acquire(claim("second"))
    assert taken.taken_over
    assert taken.taken_over.owner == "first"
    trace = audit.read().entries[-1]
    assert (trace["who"], trace["result"]) == ("second", "taken_over")
    assert trace["detail"]["taken_over"]["owner"] == "first"


def test_of_many_processes_one_gets_a_free_lock(state: StateFolder, lock: Lock) -> None:
    tokens = race(state)
    assert len(tokens) == 1
    assert lock.verify(tokens[0])


def test_of_many_processes_one_takes_over_an_expired_lock(state: StateFolder, lock: Lock) -> None:
    for _ in range(5):
        expired = lock.acquire(claim(ttl_s=0)).holder
        tokens = race(state)
        assert len(tokens) == 1
        lock.verify(tokens[0])
        with pytest.raises(LockLostError):
            lock.verify(expired.token)
        lock.release(tokens[0])


def test_the_audit_log_of_a_race_has_one_winner_and_a_whole_chain(
    state: StateFolder, lock: Lock, audit: Audit
) -> None:
    lock.acquire(claim(ttl_s=0))
    race(state)
    trail = audit.read()
    assert trail.intact
    assert [entry["result"] for entry in trail.entries] == ["taken", "taken_over"]


def test_a_renewed_lock_expires_later(lock: Lock) -> None:
    holder = lock.acquire(claim(ttl_s=1)).holder
    assert lock.renew(holder.token, 60).expires > utc_now(50)


def test_a_shorter_renewal_does_not_shorten_the_lock(lock: Lock) -> None:
    holder = lock.acquire(claim(ttl_s=600)).holder
    assert lock.renew(holder.token, 1).expires == holder.expires


def test_an_expired_lock_that_nobody_took_can_be_renewed_by_its_owner(lock: Lock) -> None:
    holder = lock.acquire(claim(ttl_s=0)).holder
    lock.renew(holder.token, 60)
    assert lock.verify(holder.token)


def test_an_expired_lock_permits_no_change(lock: Lock) -> None:
    holder = lock.acquire(claim(ttl_s=0)).holder
    with pytest.raises(LockLostError, match="expired"):
        lock.verify(holder.token)


@pytest.mark.parametrize("token", ["another's", ""])
def test_only_the_owner_renews_verifies_and_gives_back(lock: Lock, token: str) -> None:
    lock.acquire(claim())
    with pytest.raises(LockLostError):
        lock.verify(token)
    with pytest.raises(LockLostError):
        lock.renew(token, 60)
    with pytest.raises(LockLostError):
        lock.release(token)
    assert lock.holder()


def test_a_lock_that_was_given_back_is_free(lock: Lock) -> None:
    holder = lock.acquire(claim()).holder
    lock.release(holder.token)
    assert lock.holder() is None
    with pytest.raises(LockLostError, match="nobody"):
        lock.verify(holder.token)


def test_breaking_a_lock_frees_it_and_is_on_record(lock: Lock, audit: Audit) -> None:
    holder = lock.acquire(claim()).holder
    broken = lock.break_("a person", "the controller burnt down")
    assert broken == holder
    assert lock.holder() is None
    trace = audit.read().entries[-1]
    assert (trace["who"], trace["action"]) == ("a person", "lock.break")
    assert trace["detail"]["reason"] == "the controller burnt down"


def test_breaking_a_free_lock_breaks_nothing(lock: Lock, audit: Audit) -> None:
    assert lock.break_("a person", "to be sure") is None
    assert audit.read().entries == []


@pytest.mark.parametrize("details", [None, "{", "[]", '{"owner": "somebody"}'])
def test_a_folder_made_by_hand_locks_until_it_is_broken(
    state: StateFolder, lock: Lock, details: str | None
) -> None:
    state.lock.mkdir()
    if details:
        (state.lock / "details.json").write_text(details)
    with pytest.raises(LockHeldError, match="unknown"):
        lock.acquire(claim())
    with pytest.raises(LockLostError):
        lock.verify("")
    lock.break_("a person", "it was a leftover")
    lock.acquire(claim())


def test_what_a_crash_left_of_a_half_taken_lock_does_not_disturb(state: StateFolder, lock: Lock) -> None:
    for leftover in ("lock.new", "lock.old"):
        (state.root / leftover).mkdir()
        (state.root / leftover / "details.json").write_text("{")
    holder = lock.acquire(claim()).holder
    lock.release(holder.token)
