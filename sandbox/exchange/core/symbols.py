"""The symbols that the exchange lists, with their filters.

Values of mainnet's and demo's exchangeInfo in 2026. HARNESSUSDT, the symbol of proof events, is not listed.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sandbox.exchange.core.errors import ExchangeError, RefusalCode

#: Sizes of the brackets in first brackets, and by what each divides the highest leverage. The first
#: bracket is the exchange's; the others follow its pattern, not its numbers.
_BRACKET_SIZES = (1, 10, 100, 1_000, 10_000)
_BRACKET_DIVISORS = (1, 2, 4, 10, 1_000)


@dataclass(frozen=True)
class Bracket:
    """Positions from `floor` to `cap` USDT may have this leverage at most."""

    leverage: int
    floor: int
    cap: int


@dataclass(frozen=True)
class Symbol:
    """One perpetual contract. Prices in USDT.

    band: how far from the mark a limit may be, a fraction. first_cap: USDT up to which max_leverage holds.
    """

    name: str
    price_precision: int
    quantity_precision: int
    tick: Decimal
    min_price: Decimal
    max_price: Decimal
    step: Decimal
    max_quantity: Decimal
    market_max_quantity: Decimal
    min_notional: Decimal
    max_leverage: int
    first_cap: int
    band: Decimal = Decimal("0.05")

    @property
    def base_asset(self) -> str:
        """The asset that is traded against USDT."""
        return self.name.removesuffix("USDT")

    @property
    def min_quantity(self) -> Decimal:
        """One step: on these symbols the smallest quantity is the step."""
        return self.step

    @property
    def brackets(self) -> list[Bracket]:
        """Leverage brackets, from the smallest positions on: less leverage for larger ones."""
        floors_and_caps = zip((0, *_BRACKET_SIZES), _BRACKET_SIZES, strict=False)
        return [
            Bracket(max(1, self.max_leverage // divisor), floor * self.first_cap, cap * self.first_cap)
            for (floor, cap), divisor in zip(floors_and_caps, _BRACKET_DIVISORS, strict=True)
        ]

    def largest_notional(self, leverage: int) -> int:
        """Return the largest position in USDT that this leverage allows."""
        return max(bracket.cap for bracket in self.brackets if leverage <= bracket.leverage)


def _symbol(
    name: str,
    price_precision: int,
    quantity_precision: int,
    leverage: tuple[int, int],
    values: str,
) -> Symbol:
    tick, min_price, max_price, step, largest, market_largest, min_notional = map(Decimal, values.split())
    return Symbol(
        name=name,
        price_precision=price_precision,
        quantity_precision=quantity_precision,
        tick=tick,
        min_price=min_price,
        max_price=max_price,
        step=step,
        max_quantity=largest,
        market_max_quantity=market_largest,
        min_notional=min_notional,
        max_leverage=leverage[0],
        first_cap=leverage[1],
    )


#: Decimals of price and quantity, highest leverage and the USDT up to which it holds; then
#: tick, lowest and highest price, step, largest quantity, largest of a market order, smallest notional.
_LISTED = (
    _symbol("BTCUSDT", 2, 3, (150, 300_000), "0.10 556.80 4529764 0.001 1000 120 50"),
    _symbol("ETHUSDT", 2, 3, (150, 300_000), "0.01 39.86 306177 0.001 10000 10000 20"),
    _symbol("ADAUSDT", 5, 0, (75, 10_000), "0.00010 0.01740 20000 1 10000000 10000000 5"),
    _symbol("SEIUSDT", 7, 0, (75, 7_500), "0.0000100 0.0001000 2000 1 10000000 1000000 5"),
    _symbol("CFXUSDT", 7, 0, (75, 5_000), "0.0000100 0.0001000 2000 1 10000000 10000000 5"),
)
SYMBOLS = {symbol.name: symbol for symbol in _LISTED}


def listed(name: str) -> Symbol:
    """Return the symbol or refuse it."""
    if name not in SYMBOLS:
        raise ExchangeError(RefusalCode.BAD_SYMBOL)
    return SYMBOLS[name]
