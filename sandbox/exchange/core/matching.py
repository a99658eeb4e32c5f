"""What becomes of a plain order: refused, filled at the mark price, resting, or expired."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from typing import TYPE_CHECKING

from sandbox.exchange.core import filters
from sandbox.exchange.core.account import balance, is_hedged, leverage
from sandbox.exchange.core.errors import ExchangeError, RefusalCode
from sandbox.exchange.core.fills import end, fill, fillable
from sandbox.exchange.core.prices import mark
from sandbox.exchange.core.records import Order

if TYPE_CHECKING:
    from sandbox.exchange.core.ledger import Ledger
    from sandbox.exchange.core.order_request import OrderRequest
    from sandbox.exchange.core.symbols import Symbol

_MAX_OPEN_PER_SYMBOL = 200
_ZERO = Decimal(0)


def place(ledger: Ledger, request: OrderRequest, now_ms: int) -> Order:
    """Accept the order and return its latest state, or raise ExchangeError and keep nothing."""
    judged = judge(ledger, request)
    order = _new_order(ledger, judged, now_ms)
    if crosses(ledger, order):
        return take(ledger, order, judged.symbol, now_ms)
    if judged.time_in_force == "IOC":
        return end(ledger, order, "EXPIRED", now_ms)
    ledger.put(order)
    return order


def take(ledger: Ledger, order: Order, symbol: Symbol, now_ms: int) -> Order:
    """Fill the order at the mark price, as far as there are counterparties; the rest expires."""
    fillable_quantity = fillable(ledger, order) * Decimal(ledger.switches.fill_fraction)
    return fill(
        ledger,
        order,
        fillable_quantity.quantize(symbol.step, ROUND_DOWN),
        mark(ledger, order.symbol),
        now_ms,
    )


def crosses(ledger: Ledger, order: Order | OrderRequest) -> bool:
    """Return whether the order fills at the mark price."""
    name = order.symbol if isinstance(order, Order) else order.symbol.name
    return order.type == "MARKET" or (mark(ledger, name) - order.price) * order.sign <= 0


def judge(ledger: Ledger, request: OrderRequest) -> OrderRequest:
    """Return the request as it can be accepted (reduce-only: no larger than the position), or raise."""
    exempt = request.closes_hedged and ledger.switches.hedge_close_exempt_from_notional
    check_load(ledger, request)
    filters.check(request, mark(ledger, request.symbol.name), exempt_from_notional=exempt)
    _check_client_id(ledger, request)
    check_position_side(ledger, request)
    if request.reduce_only or request.closes_hedged:
        request = _no_larger_than_the_position(ledger, request)
    else:
        check_margin(ledger, request)
    _check_time_in_force(ledger, request)
    return request


def check_load(ledger: Ledger, request: OrderRequest) -> None:
    """Refuse, while the exchange is overloaded, whatever does not make a position smaller."""
    reduces = request.reduce_only or request.close_position or request.closes_hedged
    if ledger.switches.overloaded and not reduces:
        raise ExchangeError(RefusalCode.OVERLOADED)


def check_position_side(ledger: Ledger, request: OrderRequest) -> None:
    """Refuse LONG and SHORT in one-way mode; BOTH and reduceOnly in hedge mode."""
    if is_hedged(ledger) == (request.position_side == "BOTH"):
        raise ExchangeError(RefusalCode.POSITION_SIDE_MISMATCH)
    if is_hedged(ledger) and request.says_reduce_only:
        raise ExchangeError(RefusalCode.NOT_REQUIRED, "reduceOnly")


def check_margin(ledger: Ledger, request: OrderRequest) -> None:
    """Refuse what the account cannot afford, or its leverage does not allow; closing is free."""
    name = request.symbol.name
    held = ledger.position(name, request.position_side).amount
    closing = min(request.quantity, abs(held)) if held * request.sign < 0 else _ZERO
    opening = request.quantity - closing
    price = request.price or mark(ledger, name)
    used = leverage(ledger, name)
    if opening * price / used > balance(ledger).available:
        raise ExchangeError(RefusalCode.MARGIN_INSUFFICIENT)
    if opening and abs(held + request.sign * request.quantity) * price > request.symbol.largest_notional(
        used
    ):
        raise ExchangeError(RefusalCode.POSITION_TOO_LARGE)


def _check_client_id(ledger: Ledger, request: OrderRequest) -> None:
    """Refuse the id of an open order. That of a done one is free again, unless a switch says otherwise."""
    open_orders = ledger.open_orders
    known = ledger.orders.values() if ledger.switches.duplicate_closed_ids_refused else open_orders
    if request.client_id and request.client_id in {order.client_id for order in known}:
        raise ExchangeError(RefusalCode.DUPLICATE_CLIENT_ID)
    if sum(order.symbol == request.symbol.name for order in open_orders) >= _MAX_OPEN_PER_SYMBOL:
        raise ExchangeError(RefusalCode.TOO_MANY_OPEN)


def _no_larger_than_the_position(ledger: Ledger, request: OrderRequest) -> OrderRequest:
    """Cut a closing order to what no other one closes already; hedge mode refuses instead of cutting."""
    place_ = (request.symbol.name, request.position_side)
    held = ledger.position(*place_).amount
    if held * request.sign >= 0:
        raise ExchangeError(RefusalCode.REDUCE_ONLY_REJECTED)
    resting = [
        order.rest
        for order in ledger.open_orders
        if (order.symbol, order.position_side) == place_ and order.closes
    ]
    left = abs(held) - sum(resting, _ZERO)
    if left <= 0:
        raise ExchangeError(RefusalCode.REDUCE_ONLY_COVERED)
    if request.quantity > left and request.closes_hedged:
        raise ExchangeError(RefusalCode.REDUCE_ONLY_REJECTED)
    return replace(request, quantity=min(request.quantity, left))


def _check_time_in_force(ledger: Ledger, request: OrderRequest) -> None:
    if request.time_in_force == "GTX" and crosses(ledger, request):
        raise ExchangeError(RefusalCode.POST_ONLY_REJECTED)
    if request.time_in_force == "FOK" and not crosses(ledger, request):
        raise ExchangeError(RefusalCode.FOK_REJECTED)


def _new_order(ledger: Ledger, request: OrderRequest, now_ms: int) -> Order:
    order_id = ledger.next_id()
    return Order(
        order_id=order_id,
        client_id=request.client_id or f"web_{order_id}",
        symbol=request.symbol.name,
        side=request.side,
        position_side=request.position_side,
        type=request.type,
        time_in_force=request.time_in_force,
        quantity=request.quantity,
        price=request.price,
        reduce_only=request.reduce_only,
        status="NEW",
        executed=_ZERO,
        average_price=_ZERO,
        created_ms=now_ms,
        updated_ms=now_ms,
    )
