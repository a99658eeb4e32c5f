"""The exchange's memory: the latest state of every record, and how it came to it."""

from __future__ import annotations

import json
from collections import deque
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol

from sandbox.exchange.core.positions import FLAT, HeldPosition, Place
from sandbox.exchange.core.records import AccountSetting, AlgoOrder, Order, ReceivedRequest, Record, Trade
from sandbox.exchange.core.switches import Switches

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_FIRST_ID = 8_000_000_000
_REQUESTS_KEPT = 20_000
_SWITCHES = "switches"


class RecordStore(Protocol):
    """Where records outlive the process."""

    def load(self) -> Iterable[Record]:
        """Return all records, oldest first."""

    def append(self, records: Sequence[Record]) -> None:
        """Keep these, all or none of them, before returning."""

    def clear(self) -> None:
        """Forget all."""


class Ledger:
    """Records by id, positions and realized money by fill; without a store it lives in memory alone."""

    def __init__(self, store: RecordStore | None = None) -> None:
        self._store = store
        self._forget()
        for record in store.load() if store else ():
            self._apply(record)

    def put(self, *records: Record) -> None:
        """Keep new records or records' new states, durably and together."""
        if self._store:
            self._store.append(records)
        for record in records:
            self._apply(record)

    def note(self, request: ReceivedRequest) -> None:
        """Remember a request that changed nothing, as long as the process lives."""
        self.requests.append(request)

    def reset(self) -> None:
        """Forget everything, the ids given so far apart."""
        if self._store:
            self._store.clear()
        self._forget(last_id=self._last_id)

    def next_id(self) -> int:
        """Return an id that no order, conditional order or fill has had."""
        self._last_id += 1
        return self._last_id

    def set_switches(self, switches: Switches) -> None:
        """Keep the switches."""
        self.put(AccountSetting(_SWITCHES, json.dumps(switches.as_json())))

    def position(self, symbol: str, position_side: str) -> HeldPosition:
        """Return a position, flat where nothing was traded."""
        return self.positions.get((symbol, position_side), FLAT)

    @property
    def open_positions(self) -> dict[Place, HeldPosition]:
        """The positions that are not flat."""
        return {place: position for place, position in self.positions.items() if position.amount}

    @property
    def open_orders(self) -> list[Order]:
        """Orders that rest."""
        return list(self._open_orders.values())

    @property
    def open_algo_orders(self) -> list[AlgoOrder]:
        """Conditional orders that wait for their trigger."""
        return [order for order in self._live_algo_orders.values() if order.is_open]

    @property
    def triggering(self) -> list[AlgoOrder]:
        """Conditional orders whose price has come and whose order is not placed yet."""
        return [order for order in self._live_algo_orders.values() if order.status == "TRIGGERING"]

    def _forget(self, last_id: int = _FIRST_ID) -> None:
        self._last_id = last_id
        self.orders: dict[int, Order] = {}
        self.algo_orders: dict[int, AlgoOrder] = {}
        self.trades: list[Trade] = []
        self.settings: dict[str, str] = {}
        self.requests: deque[ReceivedRequest] = deque(maxlen=_REQUESTS_KEPT)
        self.history: list[Order | AlgoOrder | Trade] = []
        self.positions: dict[Place, HeldPosition] = {}
        self.realized = Decimal(0)
        self.switches = Switches()
        self._open_orders: dict[int, Order] = {}
        self._live_algo_orders: dict[int, AlgoOrder] = {}

    def _apply(self, record: Record) -> None:
        match record:
            case Order():
                self._apply_order(record)
            case AlgoOrder():
                self._apply_algo_order(record)
            case Trade():
                self._apply_trade(record)
            case AccountSetting():
                self.settings[record.name] = record.value
                if record.name == _SWITCHES:
                    self.switches = Switches(**json.loads(record.value))
            case ReceivedRequest():
                self.requests.append(record)

    def _apply_order(self, order: Order) -> None:
        self.orders[order.order_id] = order
        _keep_while(self._open_orders, order.order_id, order, live=order.is_open)
        self._happened(order, order.order_id)

    def _apply_algo_order(self, order: AlgoOrder) -> None:
        self.algo_orders[order.algo_id] = order
        live = order.is_open or order.status == "TRIGGERING"
        _keep_while(self._live_algo_orders, order.algo_id, order, live=live)
        self._happened(order, order.algo_id)

    def _apply_trade(self, trade: Trade) -> None:
        self.trades.append(trade)
        place = (trade.symbol, trade.position_side)
        self.positions[place] = self.position(*place).after(trade.signed_quantity, trade.price, trade.time_ms)
        self.realized += trade.realized_pnl - trade.commission
        self._happened(trade, trade.trade_id)

    def _happened(self, record: Order | AlgoOrder | Trade, last_id: int) -> None:
        self.history.append(record)
        self._last_id = max(self._last_id, last_id)


def _keep_while[R](index: dict[int, R], key: int, record: R, *, live: bool) -> None:
    if live:
        index[key] = record
    else:
        index.pop(key, None)
