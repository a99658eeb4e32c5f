"""Every route: who may take it, and who answers it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from sandbox.exchange import account_routes, algo_routes, market_routes, order_routes

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.exchange.ledger import Ledger
    from sandbox.exchange.parameters import Parameters


class Access(Enum):
    """Who may take a route: anybody, any key, or only a key that may trade."""

    PUBLIC = "public"
    READ = "read"
    TRADE = "trade"


@dataclass(frozen=True)
class Route:
    """One method and path; the handler gets ledger, parameters and the time, and returns the body."""

    method: str
    path: str
    access: Access
    handler: Callable[[Ledger, Parameters, int], Any]


_MARKET = (
    Route("GET", "/fapi/v1/ping", Access.PUBLIC, market_routes.ping),
    Route("GET", "/fapi/v1/time", Access.PUBLIC, market_routes.time),
    Route("GET", "/fapi/v1/exchangeInfo", Access.PUBLIC, market_routes.exchange_info),
    Route("GET", "/fapi/v1/premiumIndex", Access.PUBLIC, market_routes.premium_index),
)
_ORDERS = (
    Route("POST", "/fapi/v1/order", Access.TRADE, order_routes.place),
    Route("POST", "/fapi/v1/order/test", Access.TRADE, order_routes.test),
    Route("GET", "/fapi/v1/order", Access.READ, order_routes.query),
    Route("DELETE", "/fapi/v1/order", Access.TRADE, order_routes.cancel),
    Route("GET", "/fapi/v1/openOrder", Access.READ, order_routes.query_open),
    Route("GET", "/fapi/v1/openOrders", Access.READ, order_routes.list_open),
    Route("GET", "/fapi/v1/allOrders", Access.READ, order_routes.list_all),
    Route("DELETE", "/fapi/v1/allOpenOrders", Access.TRADE, order_routes.cancel_all),
    Route("GET", "/fapi/v1/userTrades", Access.READ, order_routes.trades),
)
_ALGO_ORDERS = (
    Route("POST", "/fapi/v1/algoOrder", Access.TRADE, algo_routes.place),
    Route("GET", "/fapi/v1/algoOrder", Access.READ, algo_routes.query),
    Route("DELETE", "/fapi/v1/algoOrder", Access.TRADE, algo_routes.cancel),
    Route("GET", "/fapi/v1/openAlgoOrders", Access.READ, algo_routes.list_open),
    Route("GET", "/fapi/v1/allAlgoOrders", Access.READ, algo_routes.list_all),
    Route("DELETE", "/fapi/v1/algoOpenOrders", Access.TRADE, algo_routes.cancel_all),
)
_ACCOUNT = (
    Route("GET", "/fapi/v2/account", Access.READ, account_routes.account_v2),
    Route("GET", "/fapi/v3/account", Access.READ, account_routes.account_v3),
    Route("GET", "/fapi/v3/balance", Access.READ, account_routes.balances),
    Route("GET", "/fapi/v2/positionRisk", Access.READ, account_routes.position_risk_v2),
    Route("GET", "/fapi/v3/positionRisk", Access.READ, account_routes.position_risk_v3),
    Route("GET", "/fapi/v1/accountConfig", Access.READ, account_routes.config),
    Route("GET", "/fapi/v1/symbolConfig", Access.READ, account_routes.symbol_config),
    Route("GET", "/fapi/v1/positionSide/dual", Access.READ, account_routes.position_mode),
    Route("POST", "/fapi/v1/positionSide/dual", Access.TRADE, account_routes.change_position_mode),
    Route("POST", "/fapi/v1/leverage", Access.TRADE, account_routes.change_leverage),
    Route("POST", "/fapi/v1/marginType", Access.TRADE, account_routes.change_margin_type),
    Route("GET", "/fapi/v1/income", Access.READ, account_routes.income),
)

ROUTES = (*_MARKET, *_ORDERS, *_ALGO_ORDERS, *_ACCOUNT)
