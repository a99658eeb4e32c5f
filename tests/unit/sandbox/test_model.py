"""Whatever is ordered and however prices move: the books balance."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.exchange.core.errors import ExchangeError
from sandbox.exchange.core.ledger import Ledger
from sandbox.exchange.core.prices import mark
from sandbox.exchange.model import Model

NOW_MS = 1_795_365_426_968
SYMBOL = "ADAUSDT"
ENDED = ("FILLED", "CANCELED", "EXPIRED")

prices = st.integers(3_550, 3_850).map(lambda ticks: str(Decimal(ticks) / 10_000))
moves = st.tuples(st.just("price"), prices)
sides = st.sampled_from(["BUY", "SELL"])
quantities = st.integers(14, 2_000).map(str)
position_sides = st.sampled_from(["LONG", "SHORT"])
kinds = st.sampled_from(["MARKET", "LIMIT", "STOP_MARKET", "TAKE_PROFIT_MARKET"])
orders = st.tuples(kinds, sides, quantities, prices, st.booleans(), position_sides)
steps = st.lists(st.one_of(moves, orders), min_size=40, max_size=60)


def take(model: Model, step: tuple[Any, ...], *, hedge: bool) -> None:
    """Do what a step says; a refusal is an answer too."""
    if step[0] == "price":
        model.set_price(SYMBOL, Decimal(step[1]))
        return
    kind, side, amount, price, closes, position_side = step
    asked = {"symbol": SYMBOL, "side": side, "type": kind}
    if hedge:
        asked["positionSide"] = position_side
    if kind == "LIMIT":
        asked |= {"price": price, "timeInForce": "GTC"}
    if kind in ("LIMIT", "MARKET"):
        path = "/fapi/v1/order"
        asked |= {"quantity": amount} | ({"reduceOnly": "true"} if closes and not hedge else {})
    else:
        path = "/fapi/v1/algoOrder"
        asked |= {"algoType": "CONDITIONAL", "triggerPrice": price}
        asked |= {"closePosition": "true"} if closes else {"quantity": amount}
    with suppress(ExchangeError):
        model.ask("POST", path, asked)


def traded(hedge: bool, taken: list[tuple[Any, ...]], fill_fraction: str = "1") -> Model:
    model = Model(Ledger(), lambda: NOW_MS)
    model.set_account(hedge=hedge, fill_fraction=fill_fraction)
    for step in taken:
        take(model, step, hedge=hedge)
    return model


@given(st.booleans(), steps, st.sampled_from(["1", "0.5", "0"]))
@settings(max_examples=60, deadline=None)
def test_a_position_is_the_sum_of_its_fills(hedge: bool, taken: list[tuple[Any, ...]], fraction: str) -> None:
    ledger = traded(hedge, taken, fraction).ledger
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for trade in ledger.trades:
        sums[trade.symbol, trade.position_side] += trade.signed_quantity
    assert {place: position.amount for place, position in ledger.positions.items()} == sums


@given(st.booleans(), steps)
@settings(max_examples=60, deadline=None)
def test_no_money_is_made_or_lost(hedge: bool, taken: list[tuple[Any, ...]]) -> None:
    """Wallet and open profit are the deposit, what was sold less what was bought, and what is held now."""
    model = traded(hedge, taken)
    told = model.report()["account"]["balance"]
    cash = sum(
        (-trade.signed_quantity * trade.price - trade.commission for trade in model.ledger.trades), Decimal(0)
    )
    held = sum((position.amount for position in model.ledger.positions.values()), Decimal(0))
    worth = Decimal(10_000) + cash + held * mark(model.ledger, SYMBOL)
    assert abs(Decimal(told["wallet"]) + Decimal(told["unrealized"]) - worth) < Decimal("1e-15")


@given(st.booleans(), steps)
@settings(max_examples=60, deadline=None)
def test_an_orders_executed_quantity_is_the_sum_of_its_fills(
    hedge: bool, taken: list[tuple[Any, ...]]
) -> None:
    ledger = traded(hedge, taken).ledger
    filled: dict[int, Decimal] = defaultdict(Decimal)
    for trade in ledger.trades:
        filled[trade.order_id] += trade.quantity
    for order in ledger.orders.values():
        assert order.executed == filled[order.order_id] <= order.quantity
        assert (order.executed == order.quantity) == (order.status == "FILLED")


@given(steps)
@settings(max_examples=60, deadline=None)
def test_in_hedge_mode_no_side_is_ever_crossed(taken: list[tuple[Any, ...]]) -> None:
    ledger = traded(True, taken).ledger
    assert ledger.position(SYMBOL, "LONG").amount >= 0
    assert ledger.position(SYMBOL, "SHORT").amount <= 0


@given(st.booleans(), steps)
@settings(max_examples=60, deadline=None)
def test_nothing_that_closes_rests_without_a_position(hedge: bool, taken: list[tuple[Any, ...]]) -> None:
    ledger = traded(hedge, taken).ledger
    for order in ledger.open_orders:
        if order.closes:
            assert ledger.position(order.symbol, order.position_side).amount * order.sign < 0
    for algo in ledger.algo_orders.values():
        placed = ledger.orders.get(algo.actual_order_id)
        assert (algo.status == "FINISHED") == bool(placed and placed.status in ENDED)


def test_a_late_order_is_refused_by_the_model_too() -> None:
    model = Model(Ledger(), lambda: NOW_MS)
    order = {"symbol": SYMBOL, "side": "BUY", "type": "MARKET", "quantity": "540"}
    model.ask("POST", "/fapi/v1/order", order | {"timestamp": str(NOW_MS - 5_000)})
    with pytest.raises(ExchangeError, match="-5028"):
        model.ask("POST", "/fapi/v1/order", order | {"timestamp": str(NOW_MS - 5_001)})
