"""Prices move: resting orders fill, conditional ones trigger, and what lost its position goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.exchange_orders import ENTRY, STOP, TAKE_PROFIT, refusal

if TYPE_CHECKING:
    from binance import AsyncClient

    from tests.integration.sandbox.conftest import SetClock
    from tests.support.exchange import RunningExchange


async def amounts(client: AsyncClient) -> list[str]:
    return [position["positionAmt"] for position in await client.futures_position_information()]


async def algo_statuses(market: RunningExchange, client_id: str) -> list[str]:
    history = (await market.ledger())["history"]
    return [
        event["status"] for event in history if event["kind"] == "algo" and event["client_id"] == client_id
    ]


async def test_a_stop_closes_the_whole_position_when_the_mark_reaches_it(
    market: RunningExchange, client: AsyncClient
) -> None:
    await client.futures_create_order(**ENTRY)
    await client.futures_create_order(**STOP)
    await market.price("ADAUSDT", "0.3651")
    assert await amounts(client) == ["540"]
    await market.price("ADAUSDT", "0.3650")
    assert await amounts(client) == []
    assert await algo_statuses(market, "stop") == ["NEW", "TRIGGERING", "TRIGGERED", "FINISHED"]
    stop = await client.futures_get_algo_order(clientAlgoId="stop")
    actual = await client.futures_get_order(symbol="ADAUSDT", orderId=stop["actualOrderId"])
    assert (actual["status"], actual["type"], actual["origType"]) == ("FILLED", "MARKET", "STOP_MARKET")
    assert (actual["closePosition"], actual["avgPrice"], stop["actualQty"]) == (True, "0.3650", "540")


async def test_the_stop_takes_the_take_profits_with_it(market: RunningExchange, client: AsyncClient) -> None:
    for order in (ENTRY, TAKE_PROFIT, STOP):
        await client.futures_create_order(**order)
    await market.price("ADAUSDT", "0.3600")
    profit = await client.futures_get_order(symbol="ADAUSDT", origClientOrderId="tp")
    assert (profit["status"], await amounts(client)) == ("EXPIRED", [])


async def test_the_last_take_profit_takes_the_stop_with_it(
    market: RunningExchange, client: AsyncClient
) -> None:
    for order in (ENTRY, STOP, TAKE_PROFIT):
        await client.futures_create_order(**order)
    await market.price("ADAUSDT", "0.3800")
    (fill,) = [trade for trade in await client.futures_account_trades() if trade["side"] == "SELL"]
    assert (fill["price"], fill["maker"], float(fill["realizedPnl"])) == ("0.3800", True, 5.346)
    assert await algo_statuses(market, "stop") == ["NEW", "EXPIRED"]


async def test_a_stop_may_also_outlive_its_position(market: RunningExchange, client: AsyncClient) -> None:
    await market.account(expire_closing_algos_when_flat=False)
    for order in (ENTRY, STOP, TAKE_PROFIT):
        await client.futures_create_order(**order)
    await market.price("ADAUSDT", "0.3800")
    assert await algo_statuses(market, "stop") == ["NEW"]
    await market.price("ADAUSDT", "0.3600")
    assert await algo_statuses(market, "stop") == ["NEW", "TRIGGERING", "EXPIRED"]


async def test_a_part_of_the_position_leaves_the_stop(market: RunningExchange, client: AsyncClient) -> None:
    for order in (ENTRY, STOP, TAKE_PROFIT | {"quantity": "200"}):
        await client.futures_create_order(**order)
    await market.price("ADAUSDT", "0.3900")
    assert await amounts(client) == ["340"]
    assert await algo_statuses(market, "stop") == ["NEW"]


@pytest.mark.parametrize(
    ("entry", "exits", "price"),
    [
        ("SELL", {"type": "STOP_MARKET", "triggerPrice": "0.3800"}, "0.3800"),
        ("SELL", {"type": "TAKE_PROFIT_MARKET", "triggerPrice": "0.3600"}, "0.3500"),
        ("BUY", {"type": "TAKE_PROFIT_MARKET", "triggerPrice": "0.3800"}, "0.3800"),
    ],
)
async def test_each_kind_waits_on_its_own_side(
    market: RunningExchange, client: AsyncClient, entry: str, exits: dict[str, Any], price: str
) -> None:
    await client.futures_create_order(**(ENTRY | {"side": entry}))
    await client.futures_create_order(**(STOP | {"side": "SELL" if entry == "BUY" else "BUY"} | exits))
    await market.price("ADAUSDT", "0.3702")
    assert await amounts(client) == ["540" if entry == "BUY" else "-540"]
    await market.price("ADAUSDT", price)
    assert await amounts(client) == []


async def test_in_hedge_mode_a_stop_closes_its_own_side(market: RunningExchange, client: AsyncClient) -> None:
    await market.account(hedge=True)
    for side, position_side in (("BUY", "LONG"), ("SELL", "SHORT")):
        await client.futures_create_order(**(ENTRY | {"side": side, "positionSide": position_side}))
    await client.futures_create_order(**(STOP | {"positionSide": "LONG"}))
    await market.price("ADAUSDT", "0.3600")
    assert await amounts(client) == ["-540"]


async def test_of_two_in_the_way_the_nearer_one_comes_first(
    market: RunningExchange, client: AsyncClient
) -> None:
    await client.futures_create_order(**ENTRY)
    await client.futures_create_order(**STOP)
    part = {"type": "STOP_MARKET", "triggerPrice": "0.3680", "quantity": "140", "reduceOnly": "true"}
    nearer = {"symbol": "ADAUSDT", "side": "SELL", "clientAlgoId": "nearer"}
    await client.futures_create_order(**(nearer | part))
    await market.price("ADAUSDT", "0.3600")
    assert [trade["qty"] for trade in await client.futures_account_trades()] == ["540", "140", "400"]


async def test_a_trailing_stop_follows_the_best_price(market: RunningExchange, client: AsyncClient) -> None:
    await client.futures_create_order(**ENTRY)
    await client.futures_create_order(
        symbol="ADAUSDT",
        side="SELL",
        type="TRAILING_STOP_MARKET",
        quantity="540",
        callbackRate="10",
        reduceOnly="true",
    )
    for price, left in (("0.5000", ["540"]), ("0.4501", ["540"]), ("0.4500", [])):
        await market.price("ADAUSDT", price)
        assert await amounts(client) == left


async def test_a_conditional_order_can_be_rejected_when_its_price_comes(
    market: RunningExchange, client: AsyncClient
) -> None:
    await market.account(reject_triggered=True)
    await client.futures_create_order(**ENTRY)
    await client.futures_create_order(**STOP)
    await market.price("ADAUSDT", "0.3600")
    assert await algo_statuses(market, "stop") == ["NEW", "TRIGGERING", "REJECTED"]
    assert await amounts(client) == ["540"]


async def test_margin_is_checked_at_the_trigger_and_not_before(
    market: RunningExchange, client: AsyncClient
) -> None:
    opening = {"side": "BUY", "triggerPrice": "0.3800", "closePosition": "false", "quantity": "900000"}
    await client.futures_create_order(**(STOP | opening))
    await market.price("ADAUSDT", "0.3900")
    assert (await algo_statuses(market, "stop"))[-1] == "REJECTED"


async def test_triggering_can_take_its_time(
    market: RunningExchange, client: AsyncClient, clock: SetClock
) -> None:
    await market.account(trigger_delay_ms=300)
    await client.futures_create_order(**ENTRY)
    await client.futures_create_order(**STOP)
    await market.price("ADAUSDT", "0.3600")
    assert await amounts(client) == ["540"]
    assert await refusal(client.futures_cancel_algo_order(clientAlgoId="stop")) == -2011
    clock.ms += 300
    assert await amounts(client) == []


async def test_prices_follow_a_script_at_their_own_times(
    market: RunningExchange, client: AsyncClient, clock: SetClock
) -> None:
    await client.futures_create_order(**ENTRY)
    await client.futures_create_order(**STOP)
    await market.script(
        {"after_ms": 2_000, "symbol": "ADAUSDT", "mark": "0.3600"},
        {"after_ms": 5_000, "symbol": "ADAUSDT", "mark": "0.4000"},
    )
    began = clock.ms
    clock.ms += 9_000
    assert (await client.futures_mark_price(symbol="ADAUSDT"))["markPrice"] == "0.4000"
    fills = (await market.ledger())["trades"]
    assert [(fill["price"], fill["time_ms"] - began) for fill in fills] == [("0.3701", 0), ("0.3600", 2_000)]


async def test_a_countdown_cancels_plain_orders_and_leaves_the_stop(
    client: AsyncClient, clock: SetClock
) -> None:
    for order in (ENTRY, STOP, TAKE_PROFIT):
        await client.futures_create_order(**order)
    await client.futures_countdown_cancel_all(symbol="ADAUSDT", countdownTime=1_000)
    clock.ms += 1_000
    assert await client.futures_get_open_orders() == []
    assert len(await client.futures_get_open_algo_orders()) == 1
