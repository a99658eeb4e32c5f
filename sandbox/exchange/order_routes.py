"""Plain orders and fills: place, query, cancel, list."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.exchange import matching, shapes
from sandbox.exchange.errors import ExchangeError, Refusal
from sandbox.exchange.listing import Filter
from sandbox.exchange.order_request import plain_order
from sandbox.exchange.symbols import listed

if TYPE_CHECKING:
    from sandbox.exchange.ledger import Ledger
    from sandbox.exchange.parameters import Parameters
    from sandbox.exchange.records import Order


def place(ledger: Ledger, parameters: Parameters, now_ms: int) -> shapes.Body:
    """POST /order."""
    wants_result = parameters.get("newOrderRespType") == "RESULT"
    order = matching.place(ledger, plain_order(parameters), now_ms)
    return shapes.placed(order, acknowledge_only=not wants_result)


def test(ledger: Ledger, parameters: Parameters, _now_ms: int) -> shapes.Body:
    """POST /order/test: the same judgement, nothing placed."""
    matching.judge(ledger, plain_order(parameters))
    return {}


def query(ledger: Ledger, parameters: Parameters, _now_ms: int) -> shapes.Body:
    """GET /order."""
    order = _find(ledger, parameters)
    if order is None:
        raise ExchangeError(Refusal.NO_SUCH_ORDER)
    return shapes.queried(order)


def query_open(ledger: Ledger, parameters: Parameters, _now_ms: int) -> shapes.Body:
    """GET /openOrder."""
    order = _find(ledger, parameters)
    if order is None or not order.is_open:
        raise ExchangeError(Refusal.NO_SUCH_ORDER)
    return shapes.queried(order)


def cancel(ledger: Ledger, parameters: Parameters, now_ms: int) -> shapes.Body:
    """DELETE /order."""
    order = _find(ledger, parameters)
    if order is None or not order.is_open:
        raise ExchangeError(Refusal.CANCEL_UNKNOWN)
    return shapes.canceled(_cancel(ledger, order, now_ms))


def cancel_all(ledger: Ledger, parameters: Parameters, now_ms: int) -> shapes.Body:
    """DELETE /allOpenOrders: the plain orders of a symbol, not the conditional ones."""
    symbol = listed(parameters.text("symbol")).name
    for order in ledger.open_orders:
        if order.symbol == symbol:
            _cancel(ledger, order, now_ms)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def list_open(ledger: Ledger, parameters: Parameters, _now_ms: int) -> list[shapes.Body]:
    """GET /openOrders, of one symbol or of all."""
    wanted = Filter.of(parameters)
    return [
        shapes.queried(order) for order in ledger.open_orders if wanted.has(order.symbol, order.created_ms)
    ]


def list_all(ledger: Ledger, parameters: Parameters, _now_ms: int) -> list[shapes.Body]:
    """GET /allOrders, of one symbol or of all, oldest first."""
    wanted = Filter.of(parameters)
    orders = [one for one in ledger.orders.values() if wanted.has(one.symbol, one.created_ms)]
    return [shapes.queried(order) for order in wanted.latest(orders)]


def trades(ledger: Ledger, parameters: Parameters, _now_ms: int) -> list[shapes.Body]:
    """GET /userTrades, of one symbol or of all, of one order where it is named, oldest first."""
    wanted = Filter.of(parameters)
    order_id = parameters.integer("orderId")
    found = [
        one
        for one in ledger.trades
        if wanted.has(one.symbol, one.time_ms) and order_id in (None, one.order_id)
    ]
    return [shapes.trade(one) for one in wanted.latest(found)]


def _find(ledger: Ledger, parameters: Parameters) -> Order | None:
    """Find by the exchange's id or the client's; of orders with the same client id the latest."""
    symbol = listed(parameters.text("symbol")).name
    order_id, client_id = parameters.integer("orderId"), parameters.get("origClientOrderId")
    if order_id is None and client_id is None:
        raise ExchangeError(Refusal.EITHER, "origClientOrderId", "orderId")
    matches = (
        order
        for order in reversed(ledger.orders.values())
        if order.symbol == symbol
        and (order.order_id == order_id or (order_id is None and order.client_id == client_id))
    )
    return next(matches, None)


def _cancel(ledger: Ledger, order: Order, now_ms: int) -> Order:
    done = replace(order, status="CANCELED", updated_ms=now_ms)
    ledger.put(done)
    return done
