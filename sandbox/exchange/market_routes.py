"""What anybody may ask: the time, the symbols, their mark prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.exchange import shapes
from sandbox.exchange.core.prices import mark
from sandbox.exchange.core.symbols import SYMBOLS, listed

if TYPE_CHECKING:
    from sandbox.exchange.core.ledger import Ledger
    from sandbox.exchange.core.parameters import Parameters

_FUNDING_PERIOD_MS = 8 * 3600 * 1000


def ping(_ledger: Ledger, _parameters: Parameters, _now_ms: int) -> shapes.Body:
    """GET /ping."""
    return {}


def time(_ledger: Ledger, _parameters: Parameters, now_ms: int) -> shapes.Body:
    """GET /time."""
    return {"serverTime": now_ms}


def exchange_info(ledger: Ledger, parameters: Parameters, now_ms: int) -> shapes.Body:
    """GET /exchangeInfo."""
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
        "futuresType": "U_MARGINED",
        "rateLimits": [
            _limit("REQUEST_WEIGHT", "MINUTE", 1, ledger.switches.weight_limit),
            *order_limits(ledger, parameters, now_ms),
        ],
        "exchangeFilters": [],
        "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
        "symbols": [shapes.symbol(symbol) for symbol in SYMBOLS.values()],
    }


def order_limits(ledger: Ledger, _parameters: Parameters, _now_ms: int) -> list[shapes.Body]:
    """GET /rateLimit/order."""
    return [
        _limit("ORDERS", "MINUTE", 1, ledger.switches.orders_1m_limit),
        _limit("ORDERS", "SECOND", 10, ledger.switches.orders_10s_limit),
    ]


def _limit(kind: str, interval: str, count: int, limit: int) -> shapes.Body:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": count, "limit": limit}


def premium_index(ledger: Ledger, parameters: Parameters, now_ms: int) -> Any:
    """GET /premiumIndex, of one symbol or of all."""
    if "symbol" in parameters:
        return _premium(ledger, listed(parameters["symbol"]).name, now_ms)
    return [_premium(ledger, name, now_ms) for name in SYMBOLS]


def _premium(ledger: Ledger, name: str, now_ms: int) -> shapes.Body:
    price = shapes.number(mark(ledger, name))
    return {
        "symbol": name,
        "markPrice": price,
        "indexPrice": price,
        "estimatedSettlePrice": price,
        "lastFundingRate": "0.00010000",
        "interestRate": "0.00010000",
        "nextFundingTime": (now_ms // _FUNDING_PERIOD_MS + 1) * _FUNDING_PERIOD_MS,
        "time": now_ms,
    }
