"""Keeping the lease, or asking for it, again and again."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from consumer.base.log import logger
from consumer.live.journal import JournalError
from consumer.live.journal.lease import LeaseLostError, Waiting

if TYPE_CHECKING:
    from consumer.live.exchange.port import ExchangeClock
    from consumer.live.journal.lease import Lease
    from consumer.live.journal.thread import JournalThread

#: How often, in seconds, the lease is renewed, and asked for.
RENEW_S, CLAIM_S = 1.0, 0.2


class LeaseKeeper:
    """One instance's lease."""

    def __init__(self, lease: Lease, thread: JournalThread, clock: ExchangeClock) -> None:
        self._lease = lease
        self._thread = thread
        self._clock = clock
        self._renewed_at = float("-inf")
        self._waits_for = ""

    async def keep(self) -> None:
        """Renew the lease when it is time to, or ask for it. Raises JournalError."""
        now_ms = self._clock.now_ms()
        if self._lease.held:
            await self._renew(now_ms)
        else:
            await self._ask(now_ms)

    def may_decide(self) -> bool:
        """Tell whether the lease is this instance's now, as the journal has it.

        What it holds in memory is not enough: a process that was paused goes on with what it knew before,
        while a successor may have begun the very intent.
        """
        try:
            self._lease.check(self._clock.now_ms())
        except LeaseLostError as lost:
            logger().warning("not_decided", why=str(lost))
            return False
        return True

    async def let_go(self) -> None:
        """Release the lease; where that cannot be written, it runs out by itself."""
        with suppress(LeaseLostError, JournalError):
            if self._lease.held:
                await self._thread.write(self._lease.release, self._clock.now_ms())

    def view(self) -> dict[str, Any]:
        """Return what /state says of it."""
        held = self._lease.held
        return {
            "held": held is not None,
            "fencing": held.fencing if held else None,
            "waits_for": self._waits_for or None,
        }

    async def _renew(self, now_ms: int) -> None:
        if time.monotonic() - self._renewed_at < RENEW_S:
            return
        self._renewed_at = time.monotonic()
        try:
            await self._thread.write(self._lease.renew, now_ms)
        except LeaseLostError as lost:
            logger().warning("lease_lost", why=str(lost))

    async def _ask(self, now_ms: int) -> None:
        claimed = await self._thread.write(self._lease.acquire, now_ms)
        if isinstance(claimed, Waiting):
            if self._waits_for != claimed.holder:
                logger().info("lease_waiting", holder=claimed.holder)
            self._waits_for = claimed.holder
        else:
            self._waits_for = ""
            self._renewed_at = time.monotonic()
            entries_in_ms = claimed.entries_from_ms - now_ms
            logger().info("lease_held", fencing=claimed.fencing, entries_in_ms=entries_in_ms)
