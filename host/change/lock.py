"""The deploy lock: one run at a time changes this host, and everybody can see which.

The lock is a folder with one file, moved into place by one rename, so that it is never seen half-made. A file
lock beside it orders those who take, renew, break or give it back, so that of many who find it expired one
takes it over.
"""

from __future__ import annotations

import secrets
import shutil
import time
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from host.base.errors import BrokenRecordError
from host.base.records import read_json
from host.base.times import utc_now
from host.change.errors import LockHeldError, LockLostError
from host.change.exclusive import exclusive
from host.change.records import sync_folder, write_json

if TYPE_CHECKING:
    from host.base.state import StateFolder
    from host.change.audit import Audit

DETAILS = "details.json"
_POLL_S = 0.25
#: Stands in for an expiry that nobody wrote; as text it is later than every time.
_NEVER = "never"


@dataclass(frozen=True)
class Claim:
    """Who wants the lock, for which run and why; how long (s) it lasts unrenewed, how long to wait."""

    owner: str
    run_id: str
    why: str
    ttl_s: float
    wait_s: float = 0


@dataclass(frozen=True)
class Holder:
    """Who holds the lock. `since` and `expires` are UTC times; the token stays with its owner."""

    owner: str
    run_id: str
    why: str
    since: str
    expires: str
    token: str = field(repr=False)

    @property
    def expired(self) -> bool:
        """Whether the holder let its time pass without renewing."""
        return self.expires <= utc_now()

    def public(self) -> dict[str, str]:
        """Return everything but the token."""
        return {name: value for name, value in asdict(self).items() if name != "token"}


@dataclass(frozen=True)
class Acquired:
    """The lock, just taken, and from whom it was taken over."""

    holder: Holder
    taken_over: Holder | None


class Lock:
    """The lock of one state folder."""

    def __init__(self, state: StateFolder, audit: Audit) -> None:
        self._folder = state.lock
        self._guard = state.root / "lock.guard"
        self._audit = audit

    def holder(self) -> Holder | None:
        """Return who holds the lock, expired or not; None when it is free."""
        try:
            details = read_json(self._folder / DETAILS)
            if details is None and not self._folder.exists():
                return None
            return Holder(**(details or {}))
        except (BrokenRecordError, TypeError):
            # A folder that someone made by hand locks too, until someone breaks it by hand.
            return Holder("unknown", "unknown", "not said", "unknown", _NEVER, token="")

    def acquire(self, claim: Claim) -> Acquired:
        """Take the lock, an expired one over; raise LockHeldError when it stays held for `wait_s`."""
        deadline = time.monotonic() + claim.wait_s
        while True:
            with exclusive(self._guard):
                holder = self.holder()
                if holder is None or holder.expired:
                    return self._take(claim, holder)
            if time.monotonic() >= deadline:
                raise LockHeldError(_held_by(holder))
            time.sleep(_POLL_S)

    def renew(self, token: str, ttl_s: float) -> Holder:
        """Keep the lock for at least `ttl_s` from now; raise LockLostError when it is not the token's."""
        with exclusive(self._guard):
            holder = self._owned(token)
            renewed = replace(holder, expires=max(holder.expires, utc_now(ttl_s)))
            write_json(self._folder / DETAILS, asdict(renewed))
            return renewed

    def verify(self, token: str) -> Holder:
        """Return the token's own holder; raise LockLostError when the lock is another's, free or expired."""
        holder = self._owned(token)
        if holder.expired:
            raise LockLostError(
                f"the lock of {holder.owner} (run {holder.run_id}) expired at {holder.expires}"
            )
        return holder

    def release(self, token: str) -> Holder:
        """Give the lock back; raise LockLostError when it is not the token's."""
        with exclusive(self._guard):
            holder = self._owned(token)
            self._audit.note(holder.owner, holder.run_id, "lock.release", "released")
            self._drop()
            return holder

    def break_(self, who: str, reason: str) -> Holder | None:
        """Take the lock away from whoever holds it, with a trace; return who that was."""
        with exclusive(self._guard):
            holder = self.holder()
            if holder:
                self._audit.note(
                    who, holder.run_id, "lock.break", "broken", reason=reason, holder=holder.public()
                )
                self._drop()
            return holder

    def _owned(self, token: str) -> Holder:
        holder = self.holder()
        if holder is None:
            raise LockLostError("nobody holds the lock")
        if not secrets.compare_digest(holder.token.encode(), token.encode()) or not token:
            raise LockLostError(_held_by(holder))
        return holder

    def _take(self, claim: Claim, old: Holder | None) -> Acquired:
        trace = {"why": claim.why} | ({"taken_over": old.public()} if old else {})
        self._audit.note(claim.owner, claim.run_id, "lock.acquire", "taken_over" if old else "taken", **trace)
        token = secrets.token_hex(16)
        holder = Holder(claim.owner, claim.run_id, claim.why, utc_now(), utc_now(claim.ttl_s), token)
        if old:
            self._drop()
        self._install(holder)
        return Acquired(holder, old)

    def _install(self, holder: Holder) -> None:
        fresh = self._folder.with_name("lock.new")
        shutil.rmtree(fresh, ignore_errors=True)  # there is none unless a change was cut off; mkdir tells
        fresh.mkdir(mode=0o700)
        write_json(fresh / DETAILS, asdict(holder))
        fresh.rename(self._folder)
        sync_folder(self._folder.parent)

    def _drop(self) -> None:
        """Free the lock by one rename, then clear away what it held."""
        old = self._folder.with_name("lock.old")
        shutil.rmtree(old, ignore_errors=True)  # likewise; the rename tells
        self._folder.rename(old)
        sync_folder(old.parent)
        shutil.rmtree(old)


class HeldLock:
    """A lock in its owner's hands: asked before each change, renewed at each step."""

    def __init__(self, lock: Lock, token: str) -> None:
        self._lock = lock
        self._token = token

    def verify(self) -> Holder:
        """Return who we are to others; raise LockLostError when the lock is not ours any more."""
        return self._lock.verify(self._token)

    def renew(self, ttl_s: float) -> None:
        """Keep the lock for at least `ttl_s` from now; raise LockLostError when it is not ours any more."""
        self._lock.renew(self._token, ttl_s)


def _held_by(holder: Holder) -> str:
    return (
        f"the deploy lock is held by {holder.owner} (run {holder.run_id}) since {holder.since}: "
        f"{holder.why}; it expires: {holder.expires}"
    )
