"""Which records a list shows: of one symbol or of all, within a span of time, at most so many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from sandbox.exchange.symbols import listed

if TYPE_CHECKING:
    from sandbox.exchange.parameters import Parameters

_DEFAULT_LIMIT = 500
_MAX_LIMIT = 1_000
_Record = TypeVar("_Record")


@dataclass(frozen=True)
class Filter:
    """Without a symbol every symbol, without times all times; times in Unix milliseconds, inclusive."""

    symbol: str | None
    start_ms: int
    end_ms: int | None
    limit: int

    @classmethod
    def of(cls, parameters: Parameters) -> Filter:
        """Read `symbol`, `startTime`, `endTime` and `limit`."""
        return cls(
            symbol=listed(parameters["symbol"]).name if "symbol" in parameters else None,
            start_ms=parameters.integer("startTime") or 0,
            end_ms=parameters.integer("endTime"),
            limit=min(parameters.integer("limit") or _DEFAULT_LIMIT, _MAX_LIMIT),
        )

    def has(self, symbol: str, time_ms: int) -> bool:
        """Return whether a record of this symbol and time is asked for."""
        in_time = self.start_ms <= time_ms and (self.end_ms is None or time_ms <= self.end_ms)
        return in_time and self.symbol in (None, symbol)

    def latest(self, records: list[_Record]) -> list[_Record]:
        """Return the newest ones, up to the limit, oldest first."""
        return records[-self.limit :]
