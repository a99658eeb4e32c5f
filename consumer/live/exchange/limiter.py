"""The exchange's rate limits, kept by what its own answers say. A share is kept for exits.

Three budgets: request weight a minute, orders in ten seconds, orders a minute. An answer's headers say how
much of each is used; between answers our own requests are counted. Times are seconds of a clock that only
moves on, passed in.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.live.exchange.errors import ThrottledError

#: The share of every budget that only exits may use.
EXIT_SHARE = 0.2
#: How long to wait, in seconds, after a refusal that does not say for how long.
THROTTLED_S, BANNED_S = 10.0, 120.0
#: And how long with all but exits when the exchange has too much to do (-1008, 503): the documentation
#: exempts from it what closes a position, and advises to try again within a second.
OVERLOADED_S = 1.0
WEIGHT, ORDERS_10S, ORDERS_1M = "X-MBX-USED-WEIGHT-1M", "X-MBX-ORDER-COUNT-10S", "X-MBX-ORDER-COUNT-1M"


class Limit(NamedTuple):
    """At most so much in so many seconds."""

    most: int
    window_s: float


#: Of the live exchange, in September 2026.
LIMITS = {WEIGHT: Limit(2400, 60.0), ORDERS_10S: Limit(300, 10.0), ORDERS_1M: Limit(1200, 60.0)}


class Cost(NamedTuple):
    """What a request takes of the budgets."""

    weight: int = 0
    orders: int = 0

    def of(self, budget: str) -> int:
        """Return what it takes of one budget."""
        return self.weight if budget == WEIGHT else self.orders


class _Budget:
    """One budget: how much is used of it, in a window that began at `since_s`."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._used = 0
        self._since_s = -math.inf

    def used(self, now_s: float) -> int:
        return 0 if now_s >= self._since_s + self._limit.window_s else self._used

    def spend(self, amount: int, now_s: float) -> None:
        before = self.used(now_s)
        if before == 0:
            self._since_s = now_s
        self._used = before + amount

    def saw(self, used: int, now_s: float) -> None:
        """Believe the higher count: an answer may be older than what was sent since."""
        if used > self.used(now_s):
            self._used, self._since_s = used, now_s

    def wait_s(self, amount: int, share: float, now_s: float) -> float:
        if amount == 0 or self.used(now_s) + amount <= math.floor(self._limit.most * share):
            return 0.0
        return self._since_s + self._limit.window_s - now_s


class Limiter:
    """Says how long to wait before a request."""

    def __init__(self, limits: Mapping[str, Limit] = LIMITS, exit_share: float = EXIT_SHARE) -> None:
        self._budgets = {name: _Budget(limit) for name, limit in limits.items()}
        self._entry_share = 1 - exit_share
        self._closed_until_s = self._exits_only_until_s = -math.inf

    def wait_s(self, cost: Cost, now_s: float, *, is_exit: bool) -> float:
        """Return for how many seconds a request must wait; 0 to send it now.

        A throttled account waits for everything: what is sent during a ban makes it longer.
        """
        share = 1.0 if is_exit else self._entry_share
        until_s = self._closed_until_s if is_exit else max(self._closed_until_s, self._exits_only_until_s)
        waits = (budget.wait_s(cost.of(name), share, now_s) for name, budget in self._budgets.items())
        return max(0.0, until_s - now_s, *waits)

    def closed_s(self, now_s: float) -> float:
        """Return for how many seconds more the exchange wants to be left alone; 0 when it does not."""
        return max(0.0, self._closed_until_s - now_s)

    def sent(self, cost: Cost, now_s: float) -> None:
        """Count a request that leaves now."""
        for name, budget in self._budgets.items():
            budget.spend(cost.of(name), now_s)

    def answered(self, headers: Mapping[str, str], now_s: float) -> None:
        """Learn from an answer's headers, whatever its status; the mapping must not mind case."""
        for name, budget in self._budgets.items():
            used = headers.get(name, "")
            if used.isascii() and used.isdigit():
                budget.saw(int(used), now_s)

    def throttled(self, outcome: ThrottledError, now_s: float, exchange_ms: int) -> None:
        """Learn from a refusal for how long to be quiet. `exchange_ms` is the exchange's time now."""
        if outcome.is_overload:
            self._exits_only_until_s = now_s + OVERLOADED_S
            return
        waits = [outcome.retry_after_s]
        if outcome.banned_until_ms is not None:
            waits.append((outcome.banned_until_ms - exchange_ms) / 1000)
        named = [wait for wait in waits if wait is not None]
        default = BANNED_S if outcome.is_banned else THROTTLED_S
        self._closed_until_s = max(self._closed_until_s, now_s + max(named, default=default))
