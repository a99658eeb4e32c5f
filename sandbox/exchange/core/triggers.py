"""Conditional orders whose price has come: TRIGGERING, TRIGGERED, then FINISHED with the order they place.

REJECTED when that order cannot be placed, EXPIRED when there is no position left to close.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.exchange.core.conditional import waits_above
from sandbox.exchange.core.errors import ExchangeError
from sandbox.exchange.core.fills import end, fillable
from sandbox.exchange.core.matching import check_margin, crosses, take
from sandbox.exchange.core.order_request import OrderRequest
from sandbox.exchange.core.records import AlgoOrder, Order
from sandbox.exchange.core.symbols import SYMBOLS

if TYPE_CHECKING:
    from sandbox.exchange.core.ledger import Ledger

_ZERO = Decimal(0)


def trigger_price(order: AlgoOrder) -> Decimal | None:
    """Return the price that the order waits for; None for a trailing stop that is not active yet."""
    if order.type != "TRAILING_STOP_MARKET":
        return order.trigger_price
    if not order.extreme:
        return None
    return order.extreme * (1 + order.sign * order.callback_rate / 100)


def is_reached(order: AlgoOrder, price: Decimal) -> bool:
    """Return whether the order triggers at this price."""
    wanted = trigger_price(order)
    if wanted is None:
        return False
    kind = "STOP" if order.type == "TRAILING_STOP_MARKET" else order.type
    return price >= wanted if waits_above(order.side, kind) else price <= wanted


def followed(order: AlgoOrder, price: Decimal) -> AlgoOrder:
    """Return a trailing stop as it stands after the price was here; any other order as it is."""
    if order.type != "TRAILING_STOP_MARKET":
        return order
    activates_at = order.activate_price or price
    if not order.extreme and (price - activates_at) * order.sign > 0:
        return order
    best = min if order.side == "BUY" else max
    return replace(order, extreme=best(order.extreme or price, price))


def trigger(ledger: Ledger, order: AlgoOrder, now_ms: int) -> None:
    """Begin: the order is TRIGGERING from now on, and goes on at once unless that takes time."""
    began = replace(order, status="TRIGGERING", trigger_ms=now_ms, updated_ms=now_ms)
    ledger.put(began)
    if not ledger.switches.trigger_delay_ms:
        finish(ledger, began, now_ms)


def finish(ledger: Ledger, order: AlgoOrder, now_ms: int) -> None:
    """Place the order that a triggering one stands for, or say why there is none."""
    refused = _refused(ledger, order)
    if refused:
        ledger.put(replace(order, status=refused, updated_ms=now_ms))
        return
    actual = _actual_order(ledger, order, now_ms)
    triggered = replace(
        order, status="TRIGGERED", actual_order_id=actual.order_id, trigger_ms=now_ms, updated_ms=now_ms
    )
    ledger.put(triggered, actual)
    if crosses(ledger, actual):
        take(ledger, actual, SYMBOLS[order.symbol], now_ms)
    elif actual.time_in_force in ("IOC", "FOK"):
        end(ledger, actual, "EXPIRED", now_ms)


def _refused(ledger: Ledger, order: AlgoOrder) -> str:
    """Return the status of an order that cannot be placed, empty when it can."""
    held = ledger.position(order.symbol, order.position_side).amount
    has_nothing_to_close = held * order.sign >= 0
    if order.close_position and has_nothing_to_close:
        return "EXPIRED"
    if ledger.switches.reject_triggered or (order.closes and has_nothing_to_close):
        return "REJECTED"
    if order.closes:
        return ""
    try:
        check_margin(ledger, _as_request(order))
    except ExchangeError:
        return "REJECTED"
    return ""


def _as_request(order: AlgoOrder) -> OrderRequest:
    return OrderRequest(
        symbol=SYMBOLS[order.symbol],
        side=order.side,
        position_side=order.position_side,
        type=order.type,
        time_in_force=order.time_in_force,
        quantity=order.quantity,
        price=order.price,
        reduce_only=False,
        client_id=None,
    )


def _actual_order(ledger: Ledger, order: AlgoOrder, now_ms: int) -> Order:
    order_id = ledger.next_id()
    held = abs(ledger.position(order.symbol, order.position_side).amount)
    actual = Order(
        order_id=order_id,
        client_id=f"algo_{order.algo_id}",
        symbol=order.symbol,
        side=order.side,
        position_side=order.position_side,
        type="LIMIT" if order.price else "MARKET",
        time_in_force="GTC" if order.close_position else order.time_in_force,
        quantity=held if order.close_position else order.quantity,
        price=order.price,
        reduce_only=order.reduce_only or (order.close_position and order.position_side == "BOTH"),
        status="NEW",
        executed=_ZERO,
        average_price=_ZERO,
        created_ms=now_ms,
        updated_ms=now_ms,
        close_position=order.close_position,
        algo_id=order.algo_id,
        original_type=order.type,
        stop_price=order.trigger_price,
    )
    return replace(actual, quantity=fillable(ledger, actual))
