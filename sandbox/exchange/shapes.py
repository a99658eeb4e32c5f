"""The bodies of answers: decimals as strings, ids and times (Unix milliseconds) as integers."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.exchange.core.order_request import OrderRequest
    from sandbox.exchange.core.records import AlgoOrder, Order, Trade
    from sandbox.exchange.core.symbols import Symbol

Body = dict[str, Any]
_ZERO = Decimal(0)


def number(value: Decimal) -> str:
    """Write a decimal without an exponent."""
    return f"{value:f}"


def placed(order: Order, *, acknowledge_only: bool, average_price: bool) -> Body:
    """Answer POST /order; an acknowledgement says NEW and nothing executed, whatever happened since."""
    if acknowledge_only:
        order = replace(order, status="NEW", executed=_ZERO, average_price=_ZERO)
    return canceled(order, average_price=average_price)


def canceled(order: Order, *, average_price: bool) -> Body:
    """Answer DELETE /order; `average_price`: in the older shape, which tells it."""
    money = _money(order) if average_price else {}
    return _order_base(order) | {"cumQty": number(order.executed)} | money


def tested(request: OrderRequest, now_ms: int) -> Body:
    """Answer POST /order/test: the order as it would be, without an id."""
    return {
        "orderId": 0,
        "clientOrderId": request.client_id or "",
        "symbol": request.symbol.name,
        "side": request.side,
        "positionSide": request.position_side,
        "type": request.type,
        "origType": request.type,
        "status": "NEW",
        "timeInForce": request.time_in_force,
        "origQty": number(request.quantity),
        "price": number(request.price),
        "reduceOnly": request.reduce_only,
        "executedQty": "0",
        "cumQty": "0",
        "updateTime": now_ms,
    }


def queried(order: Order) -> Body:
    """Answer GET /order; also an item of every list of orders."""
    return _order_base(order) | _money(order) | {"time": order.created_ms}


def _money(order: Order) -> Body:
    return {
        "avgPrice": number(order.average_price),
        "cumQuote": number(order.average_price * order.executed),
    }


def _order_base(order: Order) -> Body:
    return {
        "clientOrderId": order.client_id,
        "executedQty": number(order.executed),
        "orderId": order.order_id,
        "origQty": number(order.quantity),
        "price": number(order.price),
        "reduceOnly": order.reduce_only,
        "side": order.side,
        "positionSide": order.position_side,
        "status": order.status,
        "stopPrice": number(order.stop_price),
        "closePosition": order.close_position,
        "symbol": order.symbol,
        "timeInForce": order.time_in_force,
        "type": order.type,
        "origType": order.original_type or order.type,
        "updateTime": order.updated_ms,
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "goodTillDate": 0,
    }


def algo_placed(order: AlgoOrder) -> Body:
    """Answer POST /algoOrder."""
    return {
        "algoId": order.algo_id,
        "clientAlgoId": order.client_id,
        "algoType": "CONDITIONAL",
        "orderType": order.type,
        "symbol": order.symbol,
        "side": order.side,
        "positionSide": order.position_side,
        "timeInForce": order.time_in_force,
        "quantity": number(order.quantity),
        "algoStatus": order.status,
        "triggerPrice": number(order.trigger_price),
        "price": number(order.price),
        "icebergQuantity": None,
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "workingType": order.working_type,
        "priceMatch": "NONE",
        "closePosition": order.close_position,
        "priceProtect": order.price_protect,
        "reduceOnly": order.reduce_only,
        "activatePrice": number(order.activate_price),
        "callbackRate": number(order.callback_rate),
        "createTime": order.created_ms,
        "updateTime": order.updated_ms,
        "triggerTime": order.trigger_ms,
        "goodTillDate": 0,
    }


def algo_queried(order: AlgoOrder, actual: Order | None) -> Body:
    """Answer GET /algoOrder; also an item of every list. `actual`: the order that its trigger placed."""
    return algo_placed(order) | {
        "actualOrderId": str(actual.order_id) if actual else "",
        "actualPrice": number(actual.average_price) if actual else "0",
        "actualType": actual.type if actual else "",
        "actualQty": number(actual.executed) if actual else "0",
    }


def trade(executed: Trade) -> Body:
    """One item of GET /userTrades."""
    return {
        "buyer": executed.side == "BUY",
        "commission": number(executed.commission),
        "commissionAsset": "USDT",
        "id": executed.trade_id,
        "maker": executed.maker,
        "orderId": executed.order_id,
        "price": number(executed.price),
        "qty": number(executed.quantity),
        "quoteQty": number(executed.quantity * executed.price),
        "realizedPnl": number(executed.realized_pnl),
        "side": executed.side,
        "positionSide": executed.position_side,
        "symbol": executed.symbol,
        "time": executed.time_ms,
    }


def symbol(listed: Symbol) -> Body:
    """One symbol of GET /exchangeInfo."""
    return {
        "symbol": listed.name,
        "pair": listed.name,
        "contractType": "PERPETUAL",
        "status": "TRADING",
        "baseAsset": listed.base_asset,
        "quoteAsset": "USDT",
        "marginAsset": "USDT",
        "pricePrecision": listed.price_precision,
        "quantityPrecision": listed.quantity_precision,
        "triggerProtect": "0.0500",
        "marketTakeBound": "0.05",
        "orderTypes": [
            "LIMIT",
            "MARKET",
            "STOP",
            "STOP_MARKET",
            "TAKE_PROFIT",
            "TAKE_PROFIT_MARKET",
            "TRAILING_STOP_MARKET",
        ],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX"],
        "filters": _filters(listed),
    }


def _filters(listed: Symbol) -> list[Body]:
    step, smallest = number(listed.step), number(listed.min_quantity)
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": number(listed.min_price),
            "maxPrice": number(listed.max_price),
            "tickSize": number(listed.tick),
        },
        {
            "filterType": "LOT_SIZE",
            "minQty": smallest,
            "maxQty": number(listed.max_quantity),
            "stepSize": step,
        },
        {
            "filterType": "MARKET_LOT_SIZE",
            "minQty": smallest,
            "maxQty": number(listed.market_max_quantity),
            "stepSize": step,
        },
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MIN_NOTIONAL", "notional": number(listed.min_notional)},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": number(1 + listed.band),
            "multiplierDown": number(1 - listed.band),
            "multiplierDecimal": "4",
        },
        {"filterType": "POSITION_RISK_CONTROL", "positionControlSide": "NONE"},
    ]
