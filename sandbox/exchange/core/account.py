"""The one account: its settings and what it can still afford. USDT throughout."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.exchange.core.prices import mark
from sandbox.exchange.core.records import AccountSetting

if TYPE_CHECKING:
    from sandbox.exchange.core.ledger import Ledger
    from sandbox.exchange.core.positions import HeldPosition

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


def leverage(ledger: Ledger, symbol: str) -> int:
    """Return the leverage set for a symbol."""
    return int(ledger.settings.get(f"leverage:{symbol}", _DEFAULT_LEVERAGE))


def leverage_setting(symbol: str, wanted: int) -> AccountSetting:
    """Return the record of a symbol's leverage."""
    return AccountSetting(f"leverage:{symbol}", str(wanted))


def margin_type(ledger: Ledger, symbol: str) -> str:
    """Return CROSSED or ISOLATED."""
    return ledger.settings.get(f"margin_type:{symbol}", "CROSSED")


def margin_type_setting(symbol: str, wanted: str) -> AccountSetting:
    """Return the record of a symbol's margin type."""
    return AccountSetting(f"margin_type:{symbol}", wanted)


def is_hedged(ledger: Ledger) -> bool:
    """Return whether long and short positions are kept apart (dual position side)."""
    return ledger.settings.get("dual") == "true"


def hedged_setting(*, wanted: bool) -> AccountSetting:
    """Return the record of the position mode."""
    return AccountSetting("dual", "true" if wanted else "false")


def is_multi_assets(ledger: Ledger) -> bool:
    """Return whether margin is shared between assets."""
    return ledger.settings.get("multi_assets") == "true"


def multi_assets_setting(*, wanted: bool) -> AccountSetting:
    """Return the record of the margin mode of assets."""
    return AccountSetting("multi_assets", "true" if wanted else "false")


def wallet(ledger: Ledger) -> Decimal:
    """Return what was paid in and what the fills made of it."""
    return Decimal(ledger.settings.get("deposit", FIRST_DEPOSIT)) + ledger.realized


def wallet_setting(ledger: Ledger, wanted: Decimal) -> AccountSetting:
    """Return the record of the deposit that makes the wallet this large now."""
    return AccountSetting("deposit", f"{wanted - ledger.realized:f}")


def unrealized(ledger: Ledger, symbol: str, position: HeldPosition) -> Decimal:
    """Return a position's profit at the mark price."""
    return position.amount * (mark(ledger, symbol) - position.entry_price)


def balance(ledger: Ledger) -> Balance:
    """Add up the account."""
    held = ledger.open_positions.items()
    return Balance(
        wallet=wallet(ledger),
        unrealized=sum((unrealized(ledger, symbol, position) for (symbol, _), position in held), _ZERO),
        position_margin=sum((margin(ledger, symbol, position) for (symbol, _), position in held), _ZERO),
        order_margin=sum(
            (
                order.rest * order.price / leverage(ledger, order.symbol)
                for order in ledger.open_orders
                if not order.closes
            ),
            _ZERO,
        ),
    )


def margin(ledger: Ledger, symbol: str, position: HeldPosition) -> Decimal:
    """Return the initial margin that a position binds."""
    return abs(position.amount) * mark(ledger, symbol) / leverage(ledger, symbol)
