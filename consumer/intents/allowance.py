"""What was signed off for a symbol, as far as it can be judged without an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.intents.describe import number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal


class Allowance:
    """The leverage of a symbol, where it comes from, and the most that an entry may be worth in USDT.

    `ceilings` are the reason code and the amount of each limit, in the order in which they are judged.
    """

    __slots__ = ("_ceilings", "leverage", "leverage_json")

    def __init__(
        self, leverage: Decimal, source: str = "LEVERAGE", ceilings: Sequence[tuple[str, Decimal]] = ()
    ) -> None:
        self.leverage = leverage
        self.leverage_json = f'"leverage":{{"value":{number(leverage)},"source":"{source}"}}'
        self._ceilings = tuple(ceilings)

    def fault(self, notional: Decimal, asked_usd: Decimal) -> str:
        """Say which limit an entry worth `notional`, for which `asked_usd` was asked, is over, or nothing."""
        for code, most in self._ceilings:
            worth = max(notional, asked_usd) if code == "RISK_NOTIONAL_INTENT" else notional
            if worth > most:
                return f"{code}:{worth:f} is above {most:f}"
        return ""
