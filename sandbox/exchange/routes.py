"""Every route: who may take it, and who answers it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from sandbox.exchange import (
    account_routes,
    algo_routes,
    listen_keys,
    market_routes,
    order_routes,
    settings_routes,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.exchange.core.ledger import Ledger
    from sandbox.exchange.core.parameters import Parameters


class Access(Enum):
    """Who may take a route: anybody, any key unsigned or signed, or only a signed key that may trade."""

    PUBLIC = "public"
    KEY = "key"
    READ = "read"
    TRADE = "trade"


@dataclass(frozen=True)
class Route:
    """One method and path; the handler gets ledger, parameters and the time, and returns the body.

    weight: what the request costs; `weight_of_all`: without a symbol. places: whether it counts as an order.
    matched: whether the matching engine looks at the timestamp once more.
    """

    method: str
    path: str
    access: Access
    handler: Callable[[Ledger, Parameters, int], Any]
    weight: int = 1
    weight_of_all: int = 0
    places: bool = False
    matched: bool = False

    def cost(self, parameters: Parameters) -> int:
        """Return the weight of a request."""
        return self.weight if "symbol" in parameters else self.weight_of_all or self.weight


_PUBLIC, _KEY, _READ, _TRADE = Access.PUBLIC, Access.KEY, Access.READ, Access.TRADE
_MARKET = (
    Route("GET", "/fapi/v1/ping", _PUBLIC, market_routes.ping),
    Route("GET", "/fapi/v1/time", _PUBLIC, market_routes.time),
    Route("GET", "/fapi/v1/exchangeInfo", _PUBLIC, market_routes.exchange_info),
    Route("GET", "/fapi/v1/premiumIndex", _PUBLIC, market_routes.premium_index),
    # The spot host's, which AsyncClient.create() asks before anything else.
    Route("GET", "/api/v3/ping", _PUBLIC, market_routes.ping),
    Route("GET", "/api/v3/time", _PUBLIC, market_routes.time),
)
_ORDERS = (
    Route("POST", "/fapi/v1/order", _TRADE, order_routes.place, weight=0, places=True, matched=True),
    Route("POST", "/fapi/v1/order/test", _TRADE, order_routes.test, weight=0),
    Route("GET", "/fapi/v1/order", _READ, order_routes.query),
    Route("DELETE", "/fapi/v1/order", _TRADE, order_routes.cancel),
    Route("GET", "/fapi/v1/openOrder", _READ, order_routes.query_open),
    Route("GET", "/fapi/v1/openOrders", _READ, order_routes.list_open, weight_of_all=40),
    Route("GET", "/fapi/v1/allOrders", _READ, order_routes.list_all, weight=5),
    Route("DELETE", "/fapi/v1/allOpenOrders", _TRADE, order_routes.cancel_all),
    Route("POST", "/fapi/v1/countdownCancelAll", _TRADE, order_routes.count_down, weight=10),
    Route("GET", "/fapi/v1/userTrades", _READ, order_routes.trades, weight=5),
    Route("GET", "/fapi/v1/rateLimit/order", _READ, market_routes.order_limits),
)
_ALGO_ORDERS = (
    Route("POST", "/fapi/v1/algoOrder", _TRADE, algo_routes.place, weight=0, places=True),
    Route("GET", "/fapi/v1/algoOrder", _READ, algo_routes.query),
    Route("DELETE", "/fapi/v1/algoOrder", _TRADE, algo_routes.cancel),
    Route("GET", "/fapi/v1/openAlgoOrders", _READ, algo_routes.list_open, weight_of_all=40),
    Route("GET", "/fapi/v1/allAlgoOrders", _READ, algo_routes.list_all, weight=5),
    Route("DELETE", "/fapi/v1/algoOpenOrders", _TRADE, algo_routes.cancel_all),
)
_ACCOUNT = (
    Route("GET", "/fapi/v2/account", _READ, account_routes.account_v2, weight=5),
    Route("GET", "/fapi/v3/account", _READ, account_routes.account_v3, weight=5),
    Route("GET", "/fapi/v3/balance", _READ, account_routes.balances, weight=5),
    Route("GET", "/fapi/v2/positionRisk", _READ, account_routes.position_risk_v2, weight=5),
    Route("GET", "/fapi/v3/positionRisk", _READ, account_routes.position_risk_v3, weight=5),
    Route("GET", "/fapi/v1/income", _READ, account_routes.income, weight=30),
    Route("POST", "/fapi/v1/listenKey", _KEY, listen_keys.create),
    Route("PUT", "/fapi/v1/listenKey", _KEY, listen_keys.prolong),
    Route("DELETE", "/fapi/v1/listenKey", _KEY, listen_keys.close),
)
_SETTINGS = (
    Route("GET", "/fapi/v1/accountConfig", _READ, settings_routes.config, weight=5),
    Route("GET", "/fapi/v1/symbolConfig", _READ, settings_routes.symbol_config, weight=5),
    Route("GET", "/fapi/v1/multiAssetsMargin", _READ, settings_routes.multi_assets, weight=30),
    Route("GET", "/fapi/v1/positionSide/dual", _READ, settings_routes.position_mode, weight=30),
    Route("POST", "/fapi/v1/positionSide/dual", _TRADE, settings_routes.change_position_mode),
    Route("GET", "/fapi/v1/leverageBracket", _READ, settings_routes.brackets),
    Route("POST", "/fapi/v1/leverage", _TRADE, settings_routes.change_leverage),
    Route("POST", "/fapi/v1/marginType", _TRADE, settings_routes.change_margin_type),
)

ROUTES = (*_MARKET, *_ORDERS, *_ALGO_ORDERS, *_ACCOUNT, *_SETTINGS)
