"""The exchange's memory: every change of every record, a line of JSON each, on disk before it is answered."""

from __future__ import annotations

import json
import os
from typing import IO, TYPE_CHECKING, Any

from sandbox.exchange.records import AlgoOrder, Order, Record, Setting, Trade, from_json, to_json

if TYPE_CHECKING:
    from pathlib import Path

_FIRST_ID = 8_000_000_000


class Ledger:
    """The latest state of each record, rebuilt from the file when the exchange starts."""

    def __init__(self, path: Path) -> None:
        self._forget()
        self._file = _open_whole_lines(path)
        for line in self._file:
            self._apply(from_json(json.loads(line)))

    def put(self, record: Record) -> None:
        """Keep a new record or a record's new state, durably."""
        self._write(to_json(record))
        self._apply(record)

    def reset(self) -> None:
        """Forget everything, the ids given so far apart."""
        self._file.seek(0)
        self._file.truncate()
        self._sync()
        self._forget(last_id=self._last_id)

    def next_id(self) -> int:
        """Return an id that no order, conditional order or fill has had."""
        self._last_id += 1
        return self._last_id

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def open_orders(self) -> list[Order]:
        """Orders that rest."""
        return [order for order in self.orders.values() if order.is_open]

    @property
    def open_algo_orders(self) -> list[AlgoOrder]:
        """Conditional orders that wait for their trigger."""
        return [order for order in self.algo_orders.values() if order.is_open]

    def _forget(self, last_id: int = _FIRST_ID) -> None:
        self._last_id = last_id
        self.orders: dict[int, Order] = {}
        self.algo_orders: dict[int, AlgoOrder] = {}
        self.trades: list[Trade] = []
        self.settings: dict[str, str] = {}

    def _apply(self, record: Record) -> None:
        match record:
            case Order():
                self.orders[record.order_id] = record
                self._last_id = max(self._last_id, record.order_id)
            case AlgoOrder():
                self.algo_orders[record.algo_id] = record
                self._last_id = max(self._last_id, record.algo_id)
            case Trade():
                self.trades.append(record)
                self._last_id = max(self._last_id, record.trade_id)
            case Setting():
                self.settings[record.name] = record.value

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line).encode() + b"\n")
        self._sync()

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


def _open_whole_lines(path: Path) -> IO[bytes]:
    """Open for reading and appending; a last line that a crash cut off was never answered, and goes."""
    content = path.read_bytes() if path.exists() else b""
    file = path.open("a+b")
    file.truncate(content.rfind(b"\n") + 1)
    file.seek(0)
    return file
