"""The one account: its settings and what it can still afford. USDT throughout."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.exchange.positions import Place, Position, positions
from sandbox.exchange.prices import mark

if TYPE_CHECKING:
    from sandbox.exchange.ledger import Ledger

FIRST_DEPOSIT = Decimal(10_000)
_DEFAULT_LEVERAGE = 20
_ZERO = Decimal(0)


@dataclass(frozen=True)
class Balance:
    """Wallet, profit not yet realized, margin of positions and of resting orders."""

    wallet: Decimal
    unrealized: Decimal
    position_margin: Decimal
    order_margin: Decimal

    @property
    def available(self) -> Decimal:
        """What new orders may use."""
        return max(_ZERO, self.wallet + self.unrealized - self.position_margin - self.order_margin)


def open_positions(ledger: Ledger) -> dict[Place, Position]:
    """Return the positions that are not flat."""
    return {place: one for place, one in positions(ledger.trades).items() if one.amount}


def leverage(ledger: Ledger, symbol: str) -> int:
    """Return the leverage set for a symbol."""
    return int(ledger.settings.get(f"leverage:{symbol}", _DEFAULT_LEVERAGE))


def margin_type(ledger: Ledger, symbol: str) -> str:
    """Return CROSSED or ISOLATED."""
    return ledger.settings.get(f"margin_type:{symbol}", "CROSSED")


def is_hedged(ledger: Ledger) -> bool:
    """Return whether long and short positions are kept apart (dual position side)."""
    return ledger.settings.get("dual") == "true"


def unrealized(symbol: str, position: Position) -> Decimal:
    """Return a position's profit at the mark price."""
    return position.amount * (mark(symbol) - position.entry_price)


def balance(ledger: Ledger) -> Balance:
    """Add up the account."""
    held = open_positions(ledger)
    return Balance(
        wallet=FIRST_DEPOSIT + sum((trade.realized_pnl - trade.commission for trade in ledger.trades), _ZERO),
        unrealized=sum((unrealized(symbol, one) for (symbol, _), one in held.items()), _ZERO),
        position_margin=sum(
            (abs(one.amount) * mark(symbol) / leverage(ledger, symbol) for (symbol, _), one in held.items()),
            _ZERO,
        ),
        order_margin=sum(
            (
                (order.quantity - order.executed) * order.price / leverage(ledger, order.symbol)
                for order in ledger.open_orders
                if not order.reduce_only
            ),
            _ZERO,
        ),
    )
