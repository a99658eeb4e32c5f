"""Which records a list shows: of one symbol or of all, within a span of time, at most so many."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from sandbox.exchange.core.errors import ExchangeError, RefusalCode
from sandbox.exchange.core.symbols import listed

if TYPE_CHECKING:
    from sandbox.exchange.core.ledger import Ledger
    from sandbox.exchange.core.parameters import Parameters
    from sandbox.exchange.core.records import AlgoOrder, Order, Trade

_DEFAULT_LIMIT = 500
_MAX_LIMIT = 1_000
_DAY_MS = 24 * 3_600_000
_LONGEST_WINDOW_MS = 7 * _DAY_MS
_UNFILLED_KEPT_MS = 3 * _DAY_MS
_KEPT_MS = 90 * _DAY_MS
_Record = TypeVar("_Record")


def is_told(ledger: Ledger, order: Order | AlgoOrder, now_ms: int) -> bool:
    """Return whether a query finds the order: not while reads lag behind it, not long after it ended.

    What ended without a fill is found for 3 days, anything for 90.
    """
    if now_ms < order.created_ms + ledger.switches.read_lag_ms:
        return False
    unfilled = order.status in ("CANCELED", "EXPIRED", "REJECTED") and not getattr(order, "executed", 0)
    return now_ms - order.updated_ms <= (_UNFILLED_KEPT_MS if unfilled else _KEPT_MS) or order.is_open


def is_told_trade(ledger: Ledger, trade: Trade, now_ms: int) -> bool:
    """Return whether lists show the fill: those of the last 90 days, once reads have caught up."""
    return ledger.switches.read_lag_ms <= now_ms - trade.time_ms <= _KEPT_MS


@dataclass(frozen=True)
class Filter:
    """Without a symbol every symbol; times in Unix milliseconds, inclusive."""

    symbol: str | None
    start_ms: int
    end_ms: int | None
    limit: int

    @classmethod
    def of(cls, parameters: Parameters) -> Filter:
        """Read `symbol` and `limit`, and take all times."""
        return cls(
            symbol=listed(parameters["symbol"]).name if "symbol" in parameters else None,
            start_ms=0,
            end_ms=None,
            limit=min(parameters.integer("limit") or _DEFAULT_LIMIT, _MAX_LIMIT),
        )

    @classmethod
    def of_days(cls, parameters: Parameters, now_ms: int) -> Filter:
        """Read `startTime` and `endTime` too: seven days from the one, up to the other, or the last seven."""
        start_ms, end_ms = parameters.integer("startTime"), parameters.integer("endTime")
        if start_ms is not None and end_ms is not None and end_ms - start_ms > _LONGEST_WINDOW_MS:
            raise ExchangeError(RefusalCode.INTERVAL_TOO_LONG, _LONGEST_WINDOW_MS // 3_600_000)
        if start_ms is None:
            start_ms = (now_ms if end_ms is None else end_ms) - _LONGEST_WINDOW_MS
        return replace(cls.of(parameters), start_ms=start_ms, end_ms=end_ms or start_ms + _LONGEST_WINDOW_MS)

    @classmethod
    def of_symbol_and_days(cls, ledger: Ledger, parameters: Parameters, now_ms: int) -> Filter:
        """Read the same for a list that the documentation gives only by symbol."""
        if ledger.switches.lists_need_symbol:
            parameters.text("symbol")
        return cls.of_days(parameters, now_ms)

    def has(self, symbol: str, time_ms: int) -> bool:
        """Return whether a record of this symbol and time is asked for."""
        in_time = self.start_ms <= time_ms and (self.end_ms is None or time_ms <= self.end_ms)
        return in_time and self.symbol in (None, symbol)

    def latest(self, records: list[_Record]) -> list[_Record]:
        """Return the newest ones, up to the limit, oldest first."""
        return records[-self.limit :]
