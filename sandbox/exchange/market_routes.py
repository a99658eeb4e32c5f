"""What anybody may ask: the time, the symbols, their mark prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.exchange import shapes
from sandbox.exchange.prices import mark
from sandbox.exchange.symbols import SYMBOLS, listed

if TYPE_CHECKING:
    from sandbox.exchange.ledger import Ledger
    from sandbox.exchange.parameters import Parameters

_FUNDING_PERIOD_MS = 8 * 3600 * 1000


def ping(_ledger: Ledger, _parameters: Parameters, _now_ms: int) -> shapes.Body:
    """GET /ping."""
    return {}


def time(_ledger: Ledger, _parameters: Parameters, now_ms: int) -> shapes.Body:
    """GET /time."""
    return {"serverTime": now_ms}


def exchange_info(_ledger: Ledger, _parameters: Parameters, now_ms: int) -> shapes.Body:
    """GET /exchangeInfo."""
    return {
        "timezone": "UTC",
        "serverTime": now_ms,
        "futuresType": "U_MARGINED",
        "rateLimits": [
            {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 2400},
            {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 1200},
            {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 300},
        ],
        "exchangeFilters": [],
        "assets": [{"asset": "USDT", "marginAvailable": True, "autoAssetExchange": "-10000"}],
        "symbols": [shapes.symbol(one) for one in SYMBOLS.values()],
    }


def premium_index(_ledger: Ledger, parameters: Parameters, now_ms: int) -> Any:
    """GET /premiumIndex, of one symbol or of all."""
    if "symbol" in parameters:
        return _premium(listed(parameters["symbol"]).name, now_ms)
    return [_premium(name, now_ms) for name in SYMBOLS]


def _premium(name: str, now_ms: int) -> shapes.Body:
    price = shapes.number(mark(name))
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
