"""Conditional (algo) orders as they are accepted: stop losses and take profits that wait for a price."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.exchange.core import filters
from sandbox.exchange.core.errors import ExchangeError, RefusalCode
from sandbox.exchange.core.matching import check_load, check_position_side
from sandbox.exchange.core.prices import mark
from sandbox.exchange.core.records import AlgoOrder

if TYPE_CHECKING:
    from sandbox.exchange.core.ledger import Ledger
    from sandbox.exchange.core.order_request import OrderRequest

_MAX_OPEN = 200
_MIN_CALLBACK_PERCENT, _MAX_CALLBACK_PERCENT = Decimal("0.1"), Decimal(20)


def place(ledger: Ledger, request: OrderRequest, now_ms: int) -> AlgoOrder:
    """Accept the conditional order, or raise ExchangeError. No margin is checked before its trigger."""
    check_load(ledger, request)
    exempt = request.closes_hedged and ledger.switches.hedge_close_exempt_from_notional
    filters.check(request, mark(ledger, request.symbol.name), exempt_from_notional=exempt)
    _check_trigger(ledger, request)
    _check_among_open(ledger, request)
    check_position_side(ledger, request)
    _check_closes(request)
    order = _new_order(ledger, request, now_ms)
    ledger.put(order)
    return order


def waits_above(side: str, kind: str) -> bool:
    """Return whether the trigger lies above the mark: a stop to buy, or a take profit that sells."""
    return (side == "BUY") == kind.startswith("STOP")


def _check_trigger(ledger: Ledger, request: OrderRequest) -> None:
    """Refuse a stop that is not against the position, a take profit that is not in its favour."""
    if request.type == "TRAILING_STOP_MARKET":
        if not _MIN_CALLBACK_PERCENT <= request.callback_rate <= _MAX_CALLBACK_PERCENT:
            raise ExchangeError(RefusalCode.MANDATORY, "callbackRate")
        return
    price = mark(ledger, request.symbol.name)
    above = waits_above(request.side, request.type)
    if request.trigger_price == price or above != (request.trigger_price > price):
        raise ExchangeError(RefusalCode.WOULD_TRIGGER)


def _check_among_open(ledger: Ledger, request: OrderRequest) -> None:
    waiting = ledger.open_algo_orders
    if len(waiting) >= _MAX_OPEN:
        raise ExchangeError(RefusalCode.TOO_MANY_STOPS)
    same_id = request.client_id and request.client_id in {order.client_id for order in waiting}
    duplicate = RefusalCode.of_code(ledger.switches.duplicate_algo_code)
    if same_id and duplicate:
        raise ExchangeError(duplicate)
    if request.close_position and any(_same_close(order, request) for order in waiting):
        raise ExchangeError(RefusalCode.CLOSE_POSITION_EXISTS)


def _check_closes(request: OrderRequest) -> None:
    """Refuse, in hedge mode, to close a long position by buying or a short one by selling."""
    if request.close_position and request.position_side != "BOTH" and not request.closes_hedged:
        raise ExchangeError(RefusalCode.REDUCE_ONLY_REJECTED)


def _same_close(order: AlgoOrder, request: OrderRequest) -> bool:
    """Whether both close the same position in the same case: of stops one, of take profits one."""
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
        time_in_force="GTE_GTC" if request.close_position else request.time_in_force,
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
