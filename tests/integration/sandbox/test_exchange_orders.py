"""Orders through the real, unmodified client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from binance.exceptions import BinanceAPIException

if TYPE_CHECKING:
    from binance import AsyncClient

ENTRY = {
    "symbol": "ADAUSDT",
    "side": "BUY",
    "type": "MARKET",
    "quantity": "540",
    "newClientOrderId": "entry-1",
}
TAKE_PROFIT = {
    "symbol": "ADAUSDT",
    "side": "SELL",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "200",
    "price": "0.3800",
    "reduceOnly": "true",
    "newClientOrderId": "tp-1",
}
STOP = {
    "symbol": "ADAUSDT",
    "side": "SELL",
    "type": "STOP_MARKET",
    "triggerPrice": "0.3650",
    "closePosition": "true",
    "workingType": "MARK_PRICE",
    "clientAlgoId": "stop-1",
}


async def test_a_market_order_fills_at_the_mark_and_makes_a_position(trader: AsyncClient) -> None:
    placed = await trader.futures_create_order(**ENTRY, newOrderRespType="RESULT")
    assert (placed["status"], placed["executedQty"], placed["clientOrderId"]) == ("FILLED", "540", "entry-1")
    (position,) = await trader.futures_position_information()
    assert (position["symbol"], position["positionAmt"], position["entryPrice"]) == (
        "ADAUSDT",
        "540",
        "0.3701",
    )
    (trade,) = await trader.futures_account_trades()
    assert (trade["orderId"], trade["qty"], trade["price"]) == (placed["orderId"], "540", "0.3701")


async def test_an_answer_says_new_unless_the_result_is_asked_for(trader: AsyncClient) -> None:
    placed = await trader.futures_create_order(**ENTRY)
    assert (placed["status"], placed["executedQty"]) == ("NEW", "0")
    order = await trader.futures_get_order(symbol="ADAUSDT", origClientOrderId="entry-1")
    assert (order["status"], order["avgPrice"]) == ("FILLED", "0.3701")


async def test_a_limit_order_rests_until_it_is_canceled(trader: AsyncClient) -> None:
    await trader.futures_create_order(**ENTRY)
    await trader.futures_create_order(**TAKE_PROFIT)
    assert [order["clientOrderId"] for order in await trader.futures_get_open_orders()] == ["tp-1"]
    canceled = await trader.futures_cancel_order(symbol="ADAUSDT", origClientOrderId="tp-1")
    assert canceled["status"] == "CANCELED"
    assert await trader.futures_get_open_orders() == []


async def test_a_stop_goes_to_the_algo_endpoint_and_stays_out_of_the_plain_lists(trader: AsyncClient) -> None:
    placed = await trader.futures_create_order(**STOP)
    assert (placed["algoStatus"], placed["orderType"], placed["closePosition"]) == (
        "NEW",
        "STOP_MARKET",
        True,
    )
    assert await trader.futures_get_all_orders() == []
    (waiting,) = await trader.futures_get_open_algo_orders()
    assert (waiting["clientAlgoId"], waiting["triggerPrice"]) == ("stop-1", "0.3650")
    queried = await trader.futures_get_algo_order(clientAlgoId="stop-1")
    assert (queried["algoId"], queried["actualOrderId"]) == (placed["algoId"], "")
    done = await trader.futures_cancel_algo_order(clientAlgoId="stop-1")
    assert done["code"] == "200"
    assert [order["algoStatus"] for order in await trader.futures_get_all_algo_orders()] == ["CANCELED"]


async def test_lists_without_a_symbol_show_everything(trader: AsyncClient, reader: AsyncClient) -> None:
    await trader.futures_create_order(**ENTRY)
    await trader.futures_create_order(symbol="CFXUSDT", side="SELL", type="MARKET", quantity="200")
    assert [order["symbol"] for order in await reader.futures_get_all_orders()] == ["ADAUSDT", "CFXUSDT"]
    assert [trade["symbol"] for trade in await reader.futures_account_trades()] == ["ADAUSDT", "CFXUSDT"]
    assert [order["symbol"] for order in await reader.futures_get_all_orders(symbol="CFXUSDT")] == ["CFXUSDT"]


async def test_cancel_all_takes_the_plain_orders_and_leaves_the_stop(trader: AsyncClient) -> None:
    for order in (ENTRY, TAKE_PROFIT, STOP):
        await trader.futures_create_order(**order)
    await trader.futures_cancel_all_open_orders(symbol="ADAUSDT")
    assert await trader.futures_get_open_orders() == []
    assert len(await trader.futures_get_open_algo_orders()) == 1


async def test_closing_realizes_the_profit_and_pays_the_commission(trader: AsyncClient) -> None:
    await trader.futures_create_order(**ENTRY)
    closing = ENTRY | {"side": "SELL", "reduceOnly": "true", "newClientOrderId": "exit-1"}
    await trader.futures_create_order(**closing)
    assert await trader.futures_position_information() == []
    kinds = [item["incomeType"] for item in await trader.futures_income_history()]
    assert kinds == ["COMMISSION", "COMMISSION"]
    (balance,) = await trader.futures_account_balance()
    assert 9_999 < float(balance["balance"]) < 10_000


async def test_the_account_is_told_in_both_versions(trader: AsyncClient) -> None:
    await trader.futures_create_order(**ENTRY)
    old, new = await trader.futures_account(), await trader.futures_account(version=3)
    assert old["totalWalletBalance"] == new["totalWalletBalance"]
    assert len(old["positions"]) > len(new["positions"]) == 1


async def test_settings_are_kept(trader: AsyncClient) -> None:
    await trader.futures_change_leverage(symbol="ADAUSDT", leverage=7)
    await trader.futures_change_margin_type(symbol="ADAUSDT", marginType="ISOLATED")
    (config,) = await trader.futures_symbol_config(symbol="ADAUSDT")
    assert (config["leverage"], config["marginType"]) == (7, "ISOLATED")
    await trader.futures_change_position_mode(dualSidePosition="true")
    assert (await trader.futures_account_config())["dualSidePosition"] is True


async def test_in_hedge_mode_long_and_short_are_held_apart(trader: AsyncClient) -> None:
    await trader.futures_change_position_mode(dualSidePosition="true")
    for side, position_side in (("BUY", "LONG"), ("SELL", "SHORT")):
        order = ENTRY | {"side": side, "positionSide": position_side, "newClientOrderId": position_side}
        await trader.futures_create_order(**order)
    held = {
        position["positionSide"]: position["positionAmt"]
        for position in await trader.futures_position_information()
    }
    assert held == {"LONG": "540", "SHORT": "-540"}


async def test_the_market_is_public(reader: AsyncClient) -> None:
    info = await reader.futures_exchange_info()
    names = [symbol["symbol"] for symbol in info["symbols"]]
    assert names == ["BTCUSDT", "ETHUSDT", "ADAUSDT", "SEIUSDT", "CFXUSDT"]
    filters = {rule["filterType"]: rule for rule in info["symbols"][0]["filters"]}
    assert filters["MIN_NOTIONAL"]["notional"] == "50"
    assert (await reader.futures_mark_price(symbol="ADAUSDT"))["markPrice"] == "0.3701"


@pytest.mark.parametrize(
    ("first", "order", "code"),
    [
        (
            [TAKE_PROFIT | {"reduceOnly": "false", "side": "BUY", "price": "0.3600"}],
            {"newClientOrderId": "tp-1"},
            -4116,
        ),
        ([STOP], STOP | {"clientAlgoId": "stop-2"}, -4130),
        ([STOP], STOP | {"closePosition": "false", "quantity": "20"}, -4116),
        ([], TAKE_PROFIT, -2022),
        ([], STOP | {"triggerPrice": "0.3800"}, -2021),
        ([], {"quantity": "9000000"}, -2019),
        ([], {"positionSide": "LONG"}, -4061),
        ([], {"symbol": "HARNESSUSDT"}, -1121),
        ([], {"quantity": "13"}, -4164),
        ([], {"type": "LIMIT", "timeInForce": "GTX", "price": "0.3800"}, -5022),
        ([], {"type": "LIMIT", "timeInForce": "FOK", "price": "0.3600"}, -5021),
    ],
    ids=str,
)
async def test_an_order_that_the_exchange_would_refuse_is_refused_with_its_code(
    trader: AsyncClient, first: list[dict[str, Any]], order: dict[str, Any], code: int
) -> None:
    for earlier in first:
        await trader.futures_create_order(**earlier)
    asked = order if "clientAlgoId" in order or "reduceOnly" in order else ENTRY | order
    with pytest.raises(BinanceAPIException) as caught:
        await trader.futures_create_order(**asked)
    assert (caught.value.code, caught.value.status_code) == (code, 400)


async def test_an_order_that_was_refused_is_not_in_the_record(trader: AsyncClient) -> None:
    with pytest.raises(BinanceAPIException):
        await trader.futures_create_order(**(ENTRY | {"quantity": "1"}))
    assert await trader.futures_get_all_orders() == []


async def test_an_order_that_is_not_there_is_said_so(trader: AsyncClient) -> None:
    with pytest.raises(BinanceAPIException) as query:
        await trader.futures_get_order(symbol="ADAUSDT", origClientOrderId="nobody")
    with pytest.raises(BinanceAPIException) as cancel:
        await trader.futures_cancel_order(symbol="ADAUSDT", origClientOrderId="nobody")
    assert (query.value.code, cancel.value.code) == (-2013, -2011)
