"""Mark prices. Last price and mark price are one here."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.exchange.core.records import AccountSetting
from sandbox.producers.market import PRICES

if TYPE_CHECKING:
    from sandbox.exchange.core.ledger import Ledger


def mark(ledger: Ledger, symbol: str) -> Decimal:
    """Return the mark price of a listed symbol, in USDT."""
    return Decimal(ledger.settings.get(f"mark:{symbol}") or str(PRICES[symbol]))


def mark_setting(symbol: str, price: Decimal) -> AccountSetting:
    """Return the record of a new mark price."""
    return AccountSetting(f"mark:{symbol}", f"{price:f}")
