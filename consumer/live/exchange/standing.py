"""How we stand with the exchange: what its limits allow, whether it answers, whether our key is good."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from consumer.base.log import logger
from consumer.live.exchange import errors
from consumer.live.exchange.breaker import Breaker
from consumer.live.exchange.limiter import Cost, Limiter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: What one intent may take of the rate limits: its questions, and an entry with stop and targets.
INTENT_COST = Cost(weight=80, orders=5)


class ExchangeStanding:
    """Told by the exchange's client of every answer. `exchange_ms` is the exchange's time."""

    def __init__(self, exchange_ms: Callable[[], int], halt: Callable[[str, str], None]) -> None:
        self._exchange_ms = exchange_ms
        self._halt = halt
        self._limiter = Limiter()
        self.breaker = Breaker()
        self.key_refused = ""

    def door(self, cost: Cost, *, is_urgent: bool) -> float:
        """Return for how many seconds a request must wait; 0 counts it as sent."""
        now = time.monotonic()
        wait_s = self._limiter.wait_s(cost, now, is_exit=is_urgent)
        if not wait_s:
            self._limiter.sent(cost, now)
        return wait_s

    def answered(self, _status: int, headers: Mapping[str, str]) -> None:
        """Learn from an answer's headers."""
        self._limiter.answered(headers, time.monotonic())

    def ended(self, error: errors.OutcomeError | None) -> None:
        """Learn from how a call ended."""
        was_closed = self.breaker.is_closed
        self.breaker.note(error, time.monotonic())
        if isinstance(error, errors.ThrottledError):
            self._limiter.throttled(error, time.monotonic(), self._exchange_ms())
        self._note_key(error)
        if was_closed != self.breaker.is_closed:
            why = str(error or "answered")
            logger().warning("breaker_changed", closed=self.breaker.is_closed, why=why)

    @property
    def quiet_s(self) -> float:
        """For how many seconds more nothing may be sent at all."""
        return self._limiter.closed_s(time.monotonic())

    def not_now(self) -> str | None:
        """Say why nothing may be opened at this moment, though it may be in a later one."""
        if not self.breaker.is_closed:
            return "the exchange fails"
        wait_s = self._limiter.wait_s(INTENT_COST, time.monotonic(), is_exit=False)
        return f"the exchange's rate limits, for {wait_s:.1f} s" if wait_s else None

    def _note_key(self, error: errors.OutcomeError | None) -> None:
        """Halt when the key, its rights or our signature are not accepted any more."""
        refused = str(error) if error and error.code in errors.KEY_REFUSED else ""
        if refused and not self.key_refused:
            logger().error("key_refused", why=refused)
            self._halt("HALT_KEY_REFUSED", refused)
        if refused or error is None:
            self.key_refused = refused
