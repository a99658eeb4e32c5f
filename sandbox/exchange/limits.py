"""How much may be asked: weight per address and minute, orders per ten seconds and minute."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sandbox.exchange.core.errors import ExchangeError, RefusalCode

if TYPE_CHECKING:
    from sandbox.exchange.core.switches import Switches

_MINUTE_MS, _TEN_SECONDS_MS = 60_000, 10_000
#: So many requests beyond the limit in one minute, and the address is banned for so long.
_PATIENCE = 20
_BAN_MS = 120_000


class Window:
    """A count that begins anew at each multiple of its length."""

    def __init__(self, length_ms: int) -> None:
        self._length_ms = length_ms
        self._number = -1
        self._count = 0

    def add(self, amount: int, now_ms: int) -> int:
        """Count, and return the count of this window."""
        if now_ms // self._length_ms != self._number:
            self._number, self._count = now_ms // self._length_ms, 0
        self._count += amount
        return self._count

    def left_s(self, now_ms: int) -> int:
        """Return the seconds to the end of this window, rounded up."""
        return -(-(self._length_ms - now_ms % self._length_ms) // 1_000)


class RequestCounts:
    """The counts of all clients."""

    def __init__(self) -> None:
        self._weights: dict[str, Window] = defaultdict(lambda: Window(_MINUTE_MS))
        self._excesses: dict[str, Window] = defaultdict(lambda: Window(_MINUTE_MS))
        self._orders_10s = Window(_TEN_SECONDS_MS)
        self._orders_1m = Window(_MINUTE_MS)
        self._banned_until_ms = 0

    def ban(self, until_ms: int) -> None:
        """Answer everybody with 418 until then."""
        self._banned_until_ms = until_ms

    def charge(self, address: str, weight: int, switches: Switches, now_ms: int) -> None:
        """Count a request's weight. Raises ExchangeError: banned, or too much in this minute."""
        if now_ms < self._banned_until_ms:
            left_s = -(-(self._banned_until_ms - now_ms) // 1_000)
            raise ExchangeError(
                RefusalCode.BANNED, address, self._banned_until_ms, headers={"Retry-After": str(left_s)}
            )
        used = self._weights[address]
        if used.add(weight, now_ms) > switches.weight_limit:
            if self._excesses[address].add(1, now_ms) > _PATIENCE:
                self.ban(now_ms + _BAN_MS)
            after = {"Retry-After": str(used.left_s(now_ms))}
            raise ExchangeError(RefusalCode.TOO_MANY_REQUESTS, switches.weight_limit, headers=after)

    def charge_order(self, switches: Switches, now_ms: int) -> None:
        """Count an order. Raises ExchangeError when there were too many."""
        for window, limit, span in (
            (self._orders_10s, switches.orders_10s_limit, "10 SECOND"),
            (self._orders_1m, switches.orders_1m_limit, "1 MINUTE"),
        ):
            if window.add(1, now_ms) > limit:
                after = {"Retry-After": str(window.left_s(now_ms))}
                raise ExchangeError(RefusalCode.TOO_MANY_ORDERS, limit, span, headers=after)

    def headers(self, address: str, now_ms: int, *, orders: bool) -> dict[str, str]:
        """Return the counts, as every answer carries them."""
        counts = {"X-MBX-USED-WEIGHT-1M": self._weights[address].add(0, now_ms)}
        if orders:
            counts["X-MBX-ORDER-COUNT-10S"] = self._orders_10s.add(0, now_ms)
            counts["X-MBX-ORDER-COUNT-1M"] = self._orders_1m.add(0, now_ms)
        return {name: str(count) for name, count in counts.items()}
