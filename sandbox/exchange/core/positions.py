"""Positions, as the fills made them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

#: Symbol and position side.
Place = tuple[str, str]
_ZERO = Decimal(0)


@dataclass(frozen=True)
class HeldPosition:
    """An amount of the base asset, negative when short, and its average entry price in USDT."""

    amount: Decimal = _ZERO
    entry_price: Decimal = _ZERO
    updated_ms: int = 0

    def after(self, signed_quantity: Decimal, price: Decimal, time_ms: int) -> HeldPosition:
        """Return the position once this much was bought (or sold, when negative) at this price."""
        amount = self.amount + signed_quantity
        if not amount:
            return HeldPosition(updated_ms=time_ms)
        if self.amount * signed_quantity >= 0:
            cost = self.amount * self.entry_price + signed_quantity * price
            return HeldPosition(amount, cost / amount, time_ms)
        flipped = amount * self.amount < 0
        return HeldPosition(amount, price if flipped else self.entry_price, time_ms)

    def realized_by(self, signed_quantity: Decimal, price: Decimal) -> Decimal:
        """Return the profit in USDT that this fill realizes: that of the part which it closes."""
        if self.amount * signed_quantity >= 0:
            return _ZERO
        closed = min(abs(signed_quantity), abs(self.amount))
        return closed * (price - self.entry_price) * (1 if self.amount > 0 else -1)


FLAT = HeldPosition()
