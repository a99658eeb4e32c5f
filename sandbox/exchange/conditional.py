"""Conditional (algo) orders: stop losses and take profits that wait for a price. None is triggered yet."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.exchange import filters
from sandbox.exchange.errors import ExchangeError, Refusal
from sandbox.exchange.matching import check_position_side
from sandbox.exchange.prices import mark
from sandbox.exchange.records import AlgoOrder

if TYPE_CHECKING:
    from sandbox.exchange.ledger import Ledger
    from sandbox.exchange.order_request import OrderRequest

_MAX_OPEN = 200
_MIN_CALLBACK_PERCENT, _MAX_CALLBACK_PERCENT = Decimal("0.1"), Decimal(20)


def place(ledger: Ledger, request: OrderRequest, now_ms: int) -> AlgoOrder:
    """Accept the conditional order, or raise ExchangeError. No margin is checked before its trigger."""
    filters.check(request, mark(request.symbol.name))
    _check_trigger(request)
    _check_among_open(ledger, request)
    check_position_side(ledger, request)
    order = _new_order(ledger, request, now_ms)
    ledger.put(order)
    return order


def _check_trigger(request: OrderRequest) -> None:
    """Refuse a stop that is not against the position, a take profit that is not in its favour."""
    if request.type == "TRAILING_STOP_MARKET":
        if not _MIN_CALLBACK_PERCENT <= request.callback_rate <= _MAX_CALLBACK_PERCENT:
            raise ExchangeError(Refusal.MANDATORY, "callbackRate")
        return
    waits_above = (request.side == "BUY") == request.type.startswith("STOP")
    is_above = request.trigger_price > mark(request.symbol.name)
    if waits_above != is_above:
        raise ExchangeError(Refusal.WOULD_TRIGGER)


def _check_among_open(ledger: Ledger, request: OrderRequest) -> None:
    waiting = ledger.open_algo_orders
    if len(waiting) >= _MAX_OPEN:
        raise ExchangeError(Refusal.TOO_MANY_STOPS)
    if request.client_id in {order.client_id for order in waiting}:
        raise ExchangeError(Refusal.DUPLICATE_CLIENT_ID)
    if request.close_position and any(_same_close(order, request) for order in waiting):
        raise ExchangeError(Refusal.CLOSE_POSITION_EXISTS)


def _same_close(order: AlgoOrder, request: OrderRequest) -> bool:
    return order.close_position and (
        (order.symbol, order.side, order.position_side, order.type)
        == (request.symbol.name, request.side, request.position_side, request.type)
    )


def _new_order(ledger: Ledger, request: OrderRequest, now_ms: int) -> AlgoOrder:
    algo_id = ledger.next_id()
    return AlgoOrder(
        algo_id=algo_id,
        client_id=request.client_id or f"algo_{algo_id}",
        symbol=request.symbol.name,
        side=request.side,
        position_side=request.position_side,
        type=request.type,
        time_in_force=request.time_in_force,
        quantity=request.quantity,
        price=request.price,
        trigger_price=request.trigger_price,
        close_position=request.close_position,
        reduce_only=request.reduce_only,
        working_type=request.working_type,
        price_protect=request.price_protect,
        activate_price=request.activate_price,
        callback_rate=request.callback_rate,
        status="NEW",
        created_ms=now_ms,
        updated_ms=now_ms,
    )
