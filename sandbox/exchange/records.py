"""What the exchange remembers: orders, conditional orders, fills, settings. Decimals in USDT or base."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from typing import Any

#: Statuses in which an order or a conditional order can still do something.
OPEN_STATUSES = ("NEW", "PARTIALLY_FILLED")


@dataclass(frozen=True)
class Order:
    """A plain order at its latest state."""

    order_id: int
    client_id: str
    symbol: str
    side: str
    position_side: str
    type: str
    time_in_force: str
    quantity: Decimal
    price: Decimal
    reduce_only: bool
    status: str
    executed: Decimal
    average_price: Decimal
    created_ms: int
    updated_ms: int

    @property
    def is_open(self) -> bool:
        """Whether it still rests on the book."""
        return self.status in OPEN_STATUSES


@dataclass(frozen=True)
class AlgoOrder:
    """A conditional order at its latest state."""

    algo_id: int
    client_id: str
    symbol: str
    side: str
    position_side: str
    type: str
    time_in_force: str
    quantity: Decimal
    price: Decimal
    trigger_price: Decimal
    close_position: bool
    reduce_only: bool
    working_type: str
    price_protect: bool
    activate_price: Decimal
    callback_rate: Decimal
    status: str
    created_ms: int
    updated_ms: int

    @property
    def is_open(self) -> bool:
        """Whether it still waits for its trigger."""
        return self.status in OPEN_STATUSES


@dataclass(frozen=True)
class Trade:
    """One fill."""

    trade_id: int
    order_id: int
    symbol: str
    side: str
    position_side: str
    quantity: Decimal
    price: Decimal
    realized_pnl: Decimal
    commission: Decimal
    time_ms: int


@dataclass(frozen=True)
class Setting:
    """One setting of the account; per symbol (`leverage:ADAUSDT`) or for all (`dual`)."""

    name: str
    value: str


Record = Order | AlgoOrder | Trade | Setting
_KINDS: dict[str, type[Record]] = {"order": Order, "algo": AlgoOrder, "trade": Trade, "setting": Setting}
_KIND_OF = {kind: name for name, kind in _KINDS.items()}


def to_json(record: Record) -> dict[str, Any]:
    """Return the record as JSON values, its kind included, decimals as strings."""
    values = {
        key: str(value) if isinstance(value, Decimal) else value for key, value in asdict(record).items()
    }
    return {"kind": _KIND_OF[type(record)]} | values


def from_json(line: dict[str, Any]) -> Record:
    """Return the record that `to_json` wrote."""
    kind = _KINDS[line["kind"]]
    # Annotations are strings here, see the import from __future__.
    decimals = {field.name for field in fields(kind) if field.type == "Decimal"}
    values: dict[str, Any] = {
        key: Decimal(value) if key in decimals else value for key, value in line.items() if key != "kind"
    }
    return kind(**values)
