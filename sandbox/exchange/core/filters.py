"""A symbol's filters, in the order precision, range and raster, price band, notional."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.exchange.core.errors import ExchangeError, RefusalCode

if TYPE_CHECKING:
    from decimal import Decimal

    from sandbox.exchange.core.order_request import OrderRequest
    from sandbox.exchange.core.symbols import Symbol


def check(request: OrderRequest, mark: Decimal, *, exempt_from_notional: bool = False) -> None:
    """Raise ExchangeError for the first filter that the order does not pass; prices in USDT."""
    symbol = request.symbol
    prices = [price for price in (request.price, request.trigger_price) if price]
    _check_precision(symbol, request.quantity, prices)
    if not request.close_position:
        _check_quantity(symbol, request.quantity, is_market=request.type.endswith("MARKET"))
    for price in prices:
        _check_price(symbol, price)
    if request.type == "LIMIT":
        _check_band(symbol, request, mark)
    if not (request.reduce_only or request.close_position or exempt_from_notional):
        _check_notional(symbol, request.quantity * (request.price or mark))


def _check_precision(symbol: Symbol, quantity: Decimal, prices: list[Decimal]) -> None:
    too_fine = _decimals(quantity) > symbol.quantity_precision
    if too_fine or any(_decimals(price) > symbol.price_precision for price in prices):
        raise ExchangeError(RefusalCode.BAD_PRECISION)


def _check_quantity(symbol: Symbol, quantity: Decimal, *, is_market: bool) -> None:
    if quantity <= 0:
        raise ExchangeError(RefusalCode.QUANTITY_NOT_POSITIVE)
    if quantity < symbol.min_quantity:
        raise ExchangeError(RefusalCode.QUANTITY_BELOW_MIN)
    if quantity > (symbol.market_max_quantity if is_market else symbol.max_quantity):
        raise ExchangeError(RefusalCode.QUANTITY_ABOVE_MAX)
    if (quantity - symbol.min_quantity) % symbol.step:
        raise ExchangeError(RefusalCode.QUANTITY_OFF_STEP)


def _check_price(symbol: Symbol, price: Decimal) -> None:
    if price < symbol.min_price:
        raise ExchangeError(RefusalCode.PRICE_BELOW_MIN)
    if price > symbol.max_price:
        raise ExchangeError(RefusalCode.PRICE_ABOVE_MAX)
    if (price - symbol.min_price) % symbol.tick:
        raise ExchangeError(RefusalCode.PRICE_OFF_TICK)


def _check_band(symbol: Symbol, request: OrderRequest, mark: Decimal) -> None:
    """Refuse a buy far above the mark and a sell far below it."""
    cap, floor = mark * (1 + symbol.band), mark * (1 - symbol.band)
    if request.side == "BUY" and request.price > cap:
        raise ExchangeError(RefusalCode.PRICE_ABOVE_CAP)
    if request.side == "SELL" and request.price < floor:
        raise ExchangeError(RefusalCode.PRICE_BELOW_FLOOR)


def _check_notional(symbol: Symbol, notional: Decimal) -> None:
    if notional < symbol.min_notional:
        raise ExchangeError(RefusalCode.BELOW_MIN_NOTIONAL, symbol.min_notional)


def _decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
