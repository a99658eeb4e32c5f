"""What the exchange remembers: orders, conditional orders, fills, settings, requests.

Decimals are USDT or base asset, times Unix milliseconds of the exchange's clock.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from typing import Any

#: Statuses in which a plain order can still do something.
OPEN_STATUSES = ("NEW", "PARTIALLY_FILLED")
#: Position side and side of what closes in hedge mode.
CLOSING_HEDGED = (("LONG", "SELL"), ("SHORT", "BUY"))


@dataclass(frozen=True)
class Order:
    """A plain order at its latest state. `algo_id`: the conditional order that it came from, else 0."""

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
    close_position: bool = False
    algo_id: int = 0
    original_type: str = ""
    stop_price: Decimal = Decimal(0)

    @property
    def is_open(self) -> bool:
        """Whether it still rests on the book."""
        return self.status in OPEN_STATUSES

    @property
    def rest(self) -> Decimal:
        """What is not executed."""
        return self.quantity - self.executed

    @property
    def sign(self) -> int:
        """1 for a buy, -1 for a sell."""
        return 1 if self.side == "BUY" else -1

    @property
    def closes(self) -> bool:
        """Whether it can only make a position smaller."""
        return self.reduce_only or (self.position_side, self.side) in CLOSING_HEDGED


@dataclass(frozen=True)
class AlgoOrder:
    """A conditional order at its latest state. `extreme`: the best price a trailing stop has seen."""

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
    trigger_ms: int = 0
    actual_order_id: int = 0
    extreme: Decimal = Decimal(0)

    @property
    def is_open(self) -> bool:
        """Whether it still waits for its trigger."""
        return self.status == "NEW"

    @property
    def closes(self) -> bool:
        """Whether it can only make a position smaller."""
        hedged = (self.position_side, self.side) in CLOSING_HEDGED
        return self.close_position or self.reduce_only or hedged

    @property
    def sign(self) -> int:
        """1 for a buy, -1 for a sell."""
        return 1 if self.side == "BUY" else -1


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
    maker: bool = False

    @property
    def signed_quantity(self) -> Decimal:
        """Positive for a buy, negative for a sell."""
        return self.quantity if self.side == "BUY" else -self.quantity


@dataclass(frozen=True)
class AccountSetting:
    """One setting of the account or the market; per symbol (`leverage:ADAUSDT`) or for all (`dual`)."""

    name: str
    value: str


@dataclass(frozen=True)
class ReceivedRequest:
    """A request as it was received, and what became of it; status 0: no answer was given.

    `fault` names the kind of fault that met it. `code` is the refusal's, 0 when there was none.
    """

    received_ms: int
    method: str
    path: str
    parameters: dict[str, str] = field(default_factory=dict)
    status: int = 0
    code: int = 0
    fault: str = ""


Record = Order | AlgoOrder | Trade | AccountSetting | ReceivedRequest
_KINDS: dict[str, type[Record]] = {
    "order": Order,
    "algo": AlgoOrder,
    "trade": Trade,
    "setting": AccountSetting,
    "request": ReceivedRequest,
}
_KIND_OF = {kind: name for name, kind in _KINDS.items()}


def to_json(record: Record) -> dict[str, Any]:
    """Return the record as JSON values, its kind included, decimals as strings."""
    values = {
        key: f"{value:f}" if isinstance(value, Decimal) else value for key, value in asdict(record).items()
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
