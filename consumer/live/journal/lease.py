"""One instance trades: whoever holds the lease, which its holder must renew, and a number that only rises.

The lease lies in the journal's store, so that holding it and writing down a request are one transaction.
Times are passed in, in ms, of one clock for all instances: Redis's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from consumer.base.errors import ConsumerError

if TYPE_CHECKING:
    from consumer.live.journal.store import JournalStore, Statements

NAME = "trading"
LEASE_MS = 5000
#: How long the exchange takes a request after its timestamp, in ms, as our client asks for.
RECV_WINDOW_MS = 5000
SLACK_MS = 1000


class LeaseLostError(ConsumerError):
    """Raised when an instance does not hold the lease, or not yet long enough: it must not open anything."""

    def __init__(self, why: str) -> None:
        super().__init__(f"this instance may not open positions: {why}")


class Held(NamedTuple):
    """The lease is ours. Nothing opens before `entries_from_ms`: a predecessor's request may still arrive."""

    fencing: int
    entries_from_ms: int


class Waiting(NamedTuple):
    """The lease is another's, at least until `until_ms`."""

    holder: str
    until_ms: int


class _Row(NamedTuple):
    holder: str
    fencing: int
    renewed_ms: int
    expires_ms: int
    entries_from_ms: int


class Lease:
    """One instance's claim. `holder` names the process, not the replica: a restarted one is a successor."""

    def __init__(
        self,
        store: JournalStore,
        holder: str,
        *,
        lease_ms: int = LEASE_MS,
        recv_window_ms: int = RECV_WINDOW_MS,
    ) -> None:
        self._store = store
        self._holder = holder
        self._lease_ms = lease_ms
        self._quiet_ms = lease_ms + recv_window_ms + SLACK_MS
        self.held: Held | None = None

    def acquire(self, now_ms: int) -> Held | Waiting:
        """Take the lease if it is nobody's or has run out; a lease of our own is taken anew, as another's."""
        with self._store.writing() as statements:
            row = _row(statements)
            if row and now_ms < row.expires_ms:
                return Waiting(row.holder, row.expires_ms)
            fencing = row.fencing + 1 if row else 1
            entries_from_ms = row.renewed_ms + self._quiet_ms if row else now_ms
            statements.execute(
                "INSERT INTO leases (name, holder, fencing, renewed_ms, expires_ms, entries_from_ms)"
                " VALUES (:name, :holder, :fencing, :now, :expires, :entries)"
                " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, fencing = excluded.fencing,"
                " renewed_ms = excluded.renewed_ms, expires_ms = excluded.expires_ms,"
                " entries_from_ms = excluded.entries_from_ms",
                {
                    "name": NAME,
                    "holder": self._holder,
                    "fencing": fencing,
                    "now": now_ms,
                    "expires": now_ms + self._lease_ms,
                    "entries": entries_from_ms,
                },
            )
        self.held = Held(fencing, entries_from_ms)
        return self.held

    def renew(self, now_ms: int) -> None:
        """Keep the lease for another period. Raises LeaseLostError when it is no longer ours."""
        self._change(now_ms, now_ms + self._lease_ms)

    def release(self, now_ms: int) -> None:
        """Let the lease go. A successor need not wait for its end, but still for requests under way."""
        self._change(now_ms, now_ms)
        self.held = None

    def check(self, now_ms: int) -> int:
        """Return the fencing token while the lease is ours. Raises LeaseLostError when it is not."""
        held = self._claim()
        with self._store.reading() as statements:
            _require_current(statements, held.fencing, now_ms)
        return held.fencing

    def _claim(self) -> Held:
        if self.held is None:
            raise LeaseLostError("it does not hold the lease")
        return self.held

    def _change(self, now_ms: int, expires_ms: int) -> None:
        held = self._claim()
        try:
            with self._store.writing() as statements:
                _require_current(statements, held.fencing, now_ms)
                statements.execute(
                    "UPDATE leases SET renewed_ms = :now, expires_ms = :expires WHERE name = :name",
                    {"now": now_ms, "expires": expires_ms, "name": NAME},
                )
        except LeaseLostError:
            self.held = None
            raise


def require_entry(statements: Statements, fencing: int | None, now_ms: int) -> None:
    """Raise LeaseLostError unless this token may open positions now. For use inside a transaction."""
    row = _require_current(statements, fencing, now_ms)
    if now_ms < row.entries_from_ms:
        wait_ms = row.entries_from_ms - now_ms
        raise LeaseLostError(f"a predecessor's request may still arrive for {wait_ms} ms")


def _require_current(statements: Statements, fencing: int | None, now_ms: int) -> _Row:
    row = _row(statements)
    if row is None or row.fencing != fencing:
        raise LeaseLostError(f"{row.holder if row else 'nobody'} holds the lease")
    # Redis's time is measured again and again, so it may be a little earlier than it was.
    if not row.renewed_ms - SLACK_MS <= now_ms < row.expires_ms:
        raise LeaseLostError("its lease has run out, or the clock was set back")
    return row


def _row(statements: Statements) -> _Row | None:
    row = statements.execute(
        "SELECT holder, fencing, renewed_ms, expires_ms, entries_from_ms FROM leases WHERE name = :name",
        {"name": NAME},
    ).fetchone()
    return _Row(*row) if row else None
