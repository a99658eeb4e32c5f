"""Conditional orders: place, query, cancel, list."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.exchange import shapes
from sandbox.exchange.core import conditional
from sandbox.exchange.core.errors import ExchangeError, RefusalCode
from sandbox.exchange.core.order_request import conditional_order
from sandbox.exchange.core.symbols import listed
from sandbox.exchange.listing import Filter, is_told

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.exchange.core.ledger import Ledger
    from sandbox.exchange.core.parameters import Parameters
    from sandbox.exchange.core.records import AlgoOrder, Order


def place(ledger: Ledger, parameters: Parameters, now_ms: int) -> shapes.Body:
    """POST /algoOrder."""
    return shapes.algo_placed(conditional.place(ledger, conditional_order(parameters), now_ms))


def query(ledger: Ledger, parameters: Parameters, now_ms: int) -> shapes.Body:
    """GET /algoOrder."""
    order = _find(ledger, parameters)
    if order is None or not is_told(ledger, order, now_ms):
        raise ExchangeError(RefusalCode.NO_SUCH_ORDER)
    return shapes.algo_queried(order, _actual(ledger, order))


def cancel(ledger: Ledger, parameters: Parameters, now_ms: int) -> shapes.Body:
    """DELETE /algoOrder. Its `code` is a string, unlike everywhere else."""
    order = _find(ledger, parameters)
    if order is None or not order.is_open:
        raise ExchangeError(RefusalCode.CANCEL_UNKNOWN)
    _cancel(ledger, order, now_ms)
    return {"algoId": order.algo_id, "clientAlgoId": order.client_id, "code": "200", "msg": "success"}


def cancel_all(ledger: Ledger, parameters: Parameters, now_ms: int) -> shapes.Body:
    """DELETE /algoOpenOrders."""
    symbol = listed(parameters.text("symbol")).name
    for order in ledger.open_algo_orders:
        if order.symbol == symbol:
            _cancel(ledger, order, now_ms)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def list_open(ledger: Ledger, parameters: Parameters, now_ms: int) -> list[shapes.Body]:
    """GET /openAlgoOrders, of one symbol or of all."""
    wanted = Filter.of(parameters)
    return _told(ledger, wanted, ledger.open_algo_orders, now_ms)


def list_all(ledger: Ledger, parameters: Parameters, now_ms: int) -> list[shapes.Body]:
    """GET /allAlgoOrders, of one symbol or of all, oldest first."""
    wanted = Filter.of_symbol_and_days(ledger, parameters, now_ms)
    return _told(ledger, wanted, ledger.algo_orders.values(), now_ms)


def _find(ledger: Ledger, parameters: Parameters) -> AlgoOrder | None:
    algo_id, client_id = parameters.integer("algoId"), parameters.get("clientAlgoId")
    if algo_id is None and client_id is None:
        raise ExchangeError(RefusalCode.EITHER, "algoId", "clientAlgoId")
    matches = (
        order
        for order in reversed(ledger.algo_orders.values())
        if order.algo_id == algo_id or (algo_id is None and order.client_id == client_id)
    )
    return next(matches, None)


def _told(ledger: Ledger, wanted: Filter, orders: Iterable[AlgoOrder], now_ms: int) -> list[shapes.Body]:
    listed = [
        order
        for order in orders
        if wanted.has(order.symbol, order.created_ms) and is_told(ledger, order, now_ms)
    ]
    return [shapes.algo_queried(order, _actual(ledger, order)) for order in wanted.latest(listed)]


def _actual(ledger: Ledger, order: AlgoOrder) -> Order | None:
    """Return the plain order that the trigger placed."""
    return ledger.orders.get(order.actual_order_id)


def _cancel(ledger: Ledger, order: AlgoOrder, now_ms: int) -> None:
    ledger.put(replace(order, status="CANCELED", updated_ms=now_ms))
