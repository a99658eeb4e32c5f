"""Mark prices. They stand still for now: an order that crosses the mark fills there, any other one rests."""

from __future__ import annotations

from decimal import Decimal

from sandbox.exchange.symbols import SYMBOLS
from sandbox.producers.market import PRICES

_MARKS = {name: Decimal(str(PRICES[name])) for name in SYMBOLS}


def mark(symbol: str) -> Decimal:
    """Return the mark price of a listed symbol, in USDT."""
    return _MARKS[symbol]
