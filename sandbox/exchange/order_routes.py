"""Plain orders and fills: place, query, cancel, list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.exchange import shapes
from sandbox.exchange.core import matching, movement
from sandbox.exchange.core.errors import ExchangeError, RefusalCode
from sandbox.exchange.core.fills import end
from sandbox.exchange.core.order_request import plain_order
from sandbox.exchange.core.symbols import listed
from sandbox.exchange.listing import Filter, is_told, is_told_trade

if TYPE_CHECKING:
    from sandbox.exchange.core.ledger import Ledger
    from sandbox.exchange.core.parameters import Parameters
    from sandbox.exchange.core.records import Order


def place(ledger: Ledger, parameters: Parameters, now_ms: int) -> shapes.Body:
    """POST /order."""
    order = matching.place(ledger, plain_order(parameters), now_ms)
    mode = ledger.switches.ack_mode
    wants_result = parameters.get("newOrderRespType") == "RESULT" if mode == "asked" else mode == "result"
    return shapes.placed(
        order, acknowledge_only=not wants_result, average_price=ledger.switches.avg_price_in_post
    )


def test(ledger: Ledger, parameters: Parameters, now_ms: int) -> shapes.Body:
    """POST /order/test: the same judgement, nothing placed."""
    return shapes.tested(matching.judge(ledger, plain_order(parameters)), now_ms)


def query(ledger: Ledger, parameters: Parameters, now_ms: int) -> shapes.Body:
    """GET /order."""
    order = _find(ledger, parameters)
    if order is None or not is_told(ledger, order, now_ms):
        raise ExchangeError(RefusalCode.NO_SUCH_ORDER)
    return shapes.queried(order)


def query_open(ledger: Ledger, parameters: Parameters, now_ms: int) -> shapes.Body:
    """GET /openOrder."""
    order = _find(ledger, parameters)
    if order is None or not order.is_open or not is_told(ledger, order, now_ms):
        raise ExchangeError(RefusalCode.NO_SUCH_ORDER)
    return shapes.queried(order)


def cancel(ledger: Ledger, parameters: Parameters, now_ms: int) -> shapes.Body:
    """DELETE /order."""
    order = _find(ledger, parameters)
    if order is None or not order.is_open:
        raise ExchangeError(RefusalCode.CANCEL_UNKNOWN)
    done = end(ledger, order, "CANCELED", now_ms)
    return shapes.canceled(done, average_price=ledger.switches.avg_price_in_post)


def cancel_all(ledger: Ledger, parameters: Parameters, now_ms: int) -> shapes.Body:
    """DELETE /allOpenOrders: the plain orders of a symbol, not the conditional ones."""
    symbol = listed(parameters.text("symbol")).name
    for order in ledger.open_orders:
        if order.symbol == symbol:
            end(ledger, order, "CANCELED", now_ms)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def count_down(ledger: Ledger, parameters: Parameters, now_ms: int) -> shapes.Body:
    """POST /countdownCancelAll: the plain orders of a symbol, unless asked again in time; 0 takes it back."""
    symbol = listed(parameters.text("symbol")).name
    parameters.text("countdownTime")
    wait_ms = parameters.integer("countdownTime") or 0
    movement.set_countdown(ledger, symbol, now_ms + wait_ms if wait_ms else 0)
    return {"symbol": symbol, "countdownTime": str(wait_ms)}


def list_open(ledger: Ledger, parameters: Parameters, now_ms: int) -> list[shapes.Body]:
    """GET /openOrders, of one symbol or of all."""
    wanted = Filter.of(parameters)
    return [
        shapes.queried(order)
        for order in ledger.open_orders
        if wanted.has(order.symbol, order.created_ms) and is_told(ledger, order, now_ms)
    ]


def list_all(ledger: Ledger, parameters: Parameters, now_ms: int) -> list[shapes.Body]:
    """GET /allOrders, of one symbol or of all, oldest first."""
    wanted = Filter.of_days(parameters, now_ms)
    orders = [
        order
        for order in ledger.orders.values()
        if wanted.has(order.symbol, order.created_ms) and is_told(ledger, order, now_ms)
    ]
    return [shapes.queried(order) for order in wanted.latest(orders)]


def trades(ledger: Ledger, parameters: Parameters, now_ms: int) -> list[shapes.Body]:
    """GET /userTrades, of one symbol or of all, of one order where it is named, oldest first."""
    wanted = Filter.of_symbol_and_days(ledger, parameters, now_ms)
    order_id = parameters.integer("orderId")
    trades = [
        trade
        for trade in ledger.trades
        if wanted.has(trade.symbol, trade.time_ms)
        and order_id in (None, trade.order_id)
        and is_told_trade(ledger, trade, now_ms)
    ]
    return [shapes.trade(trade) for trade in wanted.latest(trades)]


def _find(ledger: Ledger, parameters: Parameters) -> Order | None:
    """Find by the exchange's id or the client's; of orders with the same client id the latest."""
    symbol = listed(parameters.text("symbol")).name
    order_id, client_id = parameters.integer("orderId"), parameters.get("origClientOrderId")
    if order_id is None and client_id is None:
        raise ExchangeError(RefusalCode.EITHER, "origClientOrderId", "orderId")
    matches = (
        order
        for order in reversed(ledger.orders.values())
        if order.symbol == symbol
        and (order.order_id == order_id or (order_id is None and order.client_id == client_id))
    )
    return next(matches, None)
