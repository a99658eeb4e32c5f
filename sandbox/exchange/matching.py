"""What becomes of an order: refused, filled at the mark price, resting, or expired."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.exchange import filters
from sandbox.exchange.account import balance, is_hedged, leverage, open_positions
from sandbox.exchange.errors import ExchangeError, Refusal
from sandbox.exchange.positions import Position
from sandbox.exchange.prices import mark
from sandbox.exchange.records import Order, Trade

if TYPE_CHECKING:
    from sandbox.exchange.ledger import Ledger
    from sandbox.exchange.order_request import OrderRequest

_TAKER_FEE = Decimal("0.0005")
_ZERO = Decimal(0)


def place(ledger: Ledger, request: OrderRequest, now_ms: int) -> Order:
    """Accept the order and return its latest state, or raise ExchangeError and keep nothing."""
    judged = judge(ledger, request)
    order = _new_order(ledger, judged, now_ms)
    if not _crosses(judged):
        order = replace(order, status="EXPIRED" if judged.time_in_force == "IOC" else "NEW")
        ledger.put(order)
        return order
    return _fill(ledger, order, mark(order.symbol), now_ms)


def judge(ledger: Ledger, request: OrderRequest) -> OrderRequest:
    """Return the request as it can be accepted (reduce-only: no larger than the position), or raise."""
    filters.check(request, mark(request.symbol.name))
    if request.client_id in {order.client_id for order in ledger.open_orders}:
        raise ExchangeError(Refusal.DUPLICATE_CLIENT_ID)
    check_position_side(ledger, request)
    held = _held(ledger, request)
    if request.reduce_only or _closes_hedged(request):
        request = _no_larger_than(request, held)
    _check_margin(ledger, request, held)
    if request.time_in_force == "GTX" and _crosses(request):
        raise ExchangeError(Refusal.POST_ONLY_REJECTED)
    if request.time_in_force == "FOK" and not _crosses(request):
        raise ExchangeError(Refusal.FOK_REJECTED)
    return request


def check_position_side(ledger: Ledger, request: OrderRequest) -> None:
    """Refuse LONG and SHORT in one-way mode; BOTH and reduceOnly in hedge mode."""
    if is_hedged(ledger) == (request.position_side == "BOTH"):
        raise ExchangeError(Refusal.POSITION_SIDE_MISMATCH)
    if is_hedged(ledger) and request.reduce_only:
        raise ExchangeError(Refusal.NOT_REQUIRED, "reduceOnly")


def _held(ledger: Ledger, request: OrderRequest) -> Position:
    return open_positions(ledger).get((request.symbol.name, request.position_side), Position())


def _closes_hedged(request: OrderRequest) -> bool:
    return (request.position_side, request.side) in (("LONG", "SELL"), ("SHORT", "BUY"))


def _no_larger_than(request: OrderRequest, held: Position) -> OrderRequest:
    if held.amount * request.sign >= 0:
        raise ExchangeError(Refusal.REDUCE_ONLY_REJECTED)
    return replace(request, quantity=min(request.quantity, abs(held.amount)))


def _check_margin(ledger: Ledger, request: OrderRequest, held: Position) -> None:
    closing = min(request.quantity, abs(held.amount)) if held.amount * request.sign < 0 else _ZERO
    price = request.price or mark(request.symbol.name)
    needed = (request.quantity - closing) * price / leverage(ledger, request.symbol.name)
    if needed > balance(ledger).available:
        raise ExchangeError(Refusal.MARGIN_INSUFFICIENT)


def _crosses(request: OrderRequest) -> bool:
    return request.type == "MARKET" or (mark(request.symbol.name) - request.price) * request.sign <= 0


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


def _fill(ledger: Ledger, order: Order, price: Decimal, now_ms: int) -> Order:
    filled = replace(order, status="FILLED", executed=order.quantity, average_price=price)
    signed = order.quantity if order.side == "BUY" else -order.quantity
    held = open_positions(ledger).get((order.symbol, order.position_side), Position())
    trade = Trade(
        trade_id=ledger.next_id(),
        order_id=order.order_id,
        symbol=order.symbol,
        side=order.side,
        position_side=order.position_side,
        quantity=order.quantity,
        price=price,
        realized_pnl=held.realized_by(signed, price),
        commission=order.quantity * price * _TAKER_FEE,
        time_ms=now_ms,
    )
    ledger.put(filled)
    ledger.put(trade)
    return filled
