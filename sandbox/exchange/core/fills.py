"""What a fill does: the order, the position, the money, and the orders that lose their position by it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.exchange.core.records import AlgoOrder, Order, Trade

if TYPE_CHECKING:
    from sandbox.exchange.core.ledger import Ledger

TAKER_FEE = Decimal("0.0005")
MAKER_FEE = Decimal("0.0002")


def fill(
    ledger: Ledger,
    order: Order,
    quantity: Decimal,
    price: Decimal,
    now_ms: int,
    *,
    maker: bool = False,
    then: str = "EXPIRED",
) -> Order:
    """Fill a part of the order or all of it and keep both, at once; `then` is what becomes of a rest."""
    if not quantity:
        return end(ledger, order, then, now_ms)
    trade = _trade(ledger, order, quantity, price, now_ms, maker=maker)
    executed = order.executed + quantity
    filled = replace(
        order,
        status="FILLED" if executed == order.quantity else then,
        executed=executed,
        average_price=(order.average_price * order.executed + price * quantity) / executed,
        updated_ms=now_ms,
    )
    ledger.put(filled, trade, *_finished_algo_order(ledger, filled, now_ms))
    _end_what_lost_its_position(ledger, order.symbol, order.position_side, now_ms)
    return filled


def end(ledger: Ledger, order: Order, status: str, now_ms: int) -> Order:
    """Let an order become CANCELED or EXPIRED with what it has executed."""
    ended = replace(order, status=status, updated_ms=now_ms)
    ledger.put(ended, *_finished_algo_order(ledger, ended, now_ms))
    return ended


def fillable(ledger: Ledger, order: Order) -> Decimal:
    """Return how much of the order can fill: one that only closes, no more than there is to close."""
    held = ledger.position(order.symbol, order.position_side).amount
    if not order.closes:
        return order.rest
    return min(order.rest, abs(held)) if held * order.sign < 0 else Decimal(0)


def _trade(
    ledger: Ledger, order: Order, quantity: Decimal, price: Decimal, now_ms: int, *, maker: bool
) -> Trade:
    held = ledger.position(order.symbol, order.position_side)
    return Trade(
        trade_id=ledger.next_id(),
        order_id=order.order_id,
        symbol=order.symbol,
        side=order.side,
        position_side=order.position_side,
        quantity=quantity,
        price=price,
        realized_pnl=held.realized_by(quantity * order.sign, price),
        commission=quantity * price * (MAKER_FEE if maker else TAKER_FEE),
        time_ms=now_ms,
        maker=maker,
    )


def _finished_algo_order(ledger: Ledger, order: Order, now_ms: int) -> list[AlgoOrder]:
    """Return the conditional order that placed this one, finished, when this one is done."""
    if order.is_open or not order.algo_id:
        return []
    return [replace(ledger.algo_orders[order.algo_id], status="FINISHED", updated_ms=now_ms)]


def _end_what_lost_its_position(ledger: Ledger, symbol: str, position_side: str, now_ms: int) -> None:
    """Expire closing orders that have nothing left to close: flat, or turned the other way."""
    held = ledger.position(symbol, position_side).amount
    for order in ledger.open_orders:
        here = (order.symbol, order.position_side) == (symbol, position_side)
        if here and order.closes and held * order.sign >= 0:
            end(ledger, order, "EXPIRED", now_ms)
    if not ledger.switches.expire_closing_algos_when_flat:
        return
    for waiting in ledger.open_algo_orders:
        here = (waiting.symbol, waiting.position_side) == (symbol, position_side)
        if here and waiting.close_position and held * waiting.sign >= 0:
            ledger.put(replace(waiting, status="EXPIRED", updated_ms=now_ms))
