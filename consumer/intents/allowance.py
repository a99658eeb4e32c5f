"""What was signed off for a symbol, as far as it can be judged without an account."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from consumer.intents.risk import above

if TYPE_CHECKING:
    from decimal import Decimal


class Ceiling(NamedTuple):
    """The most in USDT that an entry may be worth or, where it is of what was `asked`, may be asked for."""

    code: str
    most_usd: Decimal
    is_of_asked: bool = False

    def detail(self, notional: Decimal, asked_usd: Decimal) -> str:
        """Say that an entry is over this limit, or nothing."""
        return above(max(notional, asked_usd) if self.is_of_asked else notional, self.most_usd)


class Allowance(NamedTuple):
    """The leverage of a symbol, where it comes from, and its ceilings in the order of judging."""

    leverage: Decimal
    source: str = "LEVERAGE"
    ceilings: tuple[Ceiling, ...] = ()

    def fault(self, notional: Decimal, asked_usd: Decimal) -> str:
        """Say which limit an entry worth `notional`, for which `asked_usd` was asked, is over, or nothing."""
        for ceiling in self.ceilings:
            detail = ceiling.detail(notional, asked_usd)
            if detail:
                return f"{ceiling.code}:{detail}"
        return ""
