"""What an account may do with its positions, its ids and its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.exchange_orders import ENTRY, EXIT, STOP, TAKE_PROFIT, refusal

if TYPE_CHECKING:
    from binance import AsyncClient

    from tests.support.exchange import RunningExchange


async def held(client: AsyncClient) -> dict[str, str]:
    return {
        position["positionSide"]: position["positionAmt"]
        for position in await client.futures_position_information()
    }


async def test_one_way_a_larger_order_turns_the_position_around(client: AsyncClient) -> None:
    await client.futures_create_order(**ENTRY)
    await client.futures_create_order(**(ENTRY | {"side": "SELL", "quantity": "1000"}))
    assert await held(client) == {"BOTH": "-460"}


async def test_reduce_only_never_turns_it_around(client: AsyncClient) -> None:
    await client.futures_create_order(**ENTRY)
    done = await client.futures_create_order(**(EXIT | {"quantity": "1000"}))
    assert (done["executedQty"], await held(client)) == ("540", {})


async def test_reduce_only_needs_a_position_on_the_other_side(client: AsyncClient) -> None:
    assert await refusal(client.futures_create_order(**EXIT)) == -2022
    await client.futures_create_order(**ENTRY)
    assert await refusal(client.futures_create_order(**(ENTRY | {"reduceOnly": "true"}))) == -2022


async def test_resting_take_profits_stand_against_another_close(client: AsyncClient) -> None:
    await client.futures_create_order(**ENTRY)
    await client.futures_create_order(**TAKE_PROFIT)
    assert await refusal(client.futures_create_order(**EXIT)) == -4118
    await client.futures_cancel_all_open_orders(symbol="ADAUSDT")
    await client.futures_create_order(**EXIT)
    assert await held(client) == {}


async def test_hedge_mode_knows_no_reduce_only(market: RunningExchange, client: AsyncClient) -> None:
    await market.account(hedge=True)
    long = ENTRY | {"positionSide": "LONG"}
    await client.futures_create_order(**long)
    for said in ("true", "false"):
        asked = long | {"side": "SELL", "reduceOnly": said}
        assert await refusal(client.futures_create_order(**asked)) == -1106
    assert await refusal(client.futures_create_order(**ENTRY)) == -4061
    await client.futures_create_order(**(long | {"side": "SELL"}))
    assert await held(client) == {}


async def test_hedge_mode_refuses_to_close_more_than_there_is(
    market: RunningExchange, client: AsyncClient
) -> None:
    await market.account(hedge=True)
    short = ENTRY | {"side": "SELL", "positionSide": "SHORT"}
    await client.futures_create_order(**short)
    back = short | {"side": "BUY"}
    assert await refusal(client.futures_create_order(**(back | {"quantity": "541"}))) == -2022
    assert await refusal(
        client.futures_create_order(**(back | {"positionSide": "LONG", "side": "SELL"}))
    ) == (-2022)


async def test_hedge_mode_closes_below_the_smallest_notional_only_by_a_switch(
    market: RunningExchange, client: AsyncClient
) -> None:
    await market.account(hedge=True)
    long = ENTRY | {"positionSide": "LONG"}
    await client.futures_create_order(**long)
    small = long | {"side": "SELL", "quantity": "3"}
    assert await refusal(client.futures_create_order(**small)) == -4164
    await market.account(hedge_close_exempt_from_notional=True)
    assert (await client.futures_create_order(**small))["status"] == "FILLED"


async def test_in_hedge_mode_a_closing_stop_must_close(market: RunningExchange, client: AsyncClient) -> None:
    await market.account(hedge=True)
    assert await refusal(client.futures_create_order(**(STOP | {"positionSide": "SHORT"}))) < 0


async def test_one_stop_and_one_take_profit_may_close_a_position(client: AsyncClient) -> None:
    await client.futures_create_order(**ENTRY)
    await client.futures_create_order(**STOP)
    profit = STOP | {"type": "TAKE_PROFIT_MARKET", "triggerPrice": "0.3900", "clientAlgoId": "profit"}
    await client.futures_create_order(**profit)
    assert await refusal(client.futures_create_order(**(STOP | {"clientAlgoId": "second"}))) == -4130


async def test_there_are_at_most_200_conditional_orders(client: AsyncClient) -> None:
    quantified = STOP | {"closePosition": "false", "quantity": "20"}
    for number in range(200):
        await client.futures_create_order(**(quantified | {"clientAlgoId": f"stop-{number}"}))
    assert await refusal(client.futures_create_order(**(quantified | {"clientAlgoId": "one-more"}))) == -4045


async def test_the_id_of_a_filled_order_is_free_again_and_trades_twice(client: AsyncClient) -> None:
    for _ in range(2):
        await client.futures_create_order(**(ENTRY | {"newClientOrderId": "same"}))
    assert await held(client) == {"BOTH": "1080"}


async def test_a_switch_makes_it_unique_for_ever(market: RunningExchange, client: AsyncClient) -> None:
    await market.account(duplicate_closed_ids_refused=True)
    once = ENTRY | {"newClientOrderId": "same"}
    await client.futures_create_order(**once)
    assert await refusal(client.futures_create_order(**once)) == -4116


@pytest.mark.parametrize("code", [-4116, -4015, -4045])
async def test_what_a_second_algo_id_meets_is_a_switch(
    market: RunningExchange, client: AsyncClient, code: int
) -> None:
    await market.account(duplicate_algo_code=code)
    quantified = STOP | {"closePosition": "false", "quantity": "20"}
    await client.futures_create_order(**quantified)
    assert await refusal(client.futures_create_order(**quantified)) == code


async def test_a_partial_fill_expires_with_what_it_has(market: RunningExchange, client: AsyncClient) -> None:
    await market.account(fill_fraction="0.5")
    done = await client.futures_create_order(**ENTRY)
    assert (done["status"], done["executedQty"], await held(client)) == ("EXPIRED", "270", {"BOTH": "270"})


@pytest.mark.parametrize(("mode", "said"), [("ack", "NEW"), ("result", "FILLED"), ("asked", "FILLED")])
async def test_how_much_an_answer_says_is_a_switch(
    market: RunningExchange, client: AsyncClient, mode: str, said: str
) -> None:
    await market.account(ack_mode=mode)
    assert (await client.futures_create_order(**ENTRY))["status"] == said


async def test_the_average_price_is_in_the_answer_only_by_a_switch(
    market: RunningExchange, client: AsyncClient
) -> None:
    assert "avgPrice" not in await client.futures_create_order(**ENTRY)
    await market.account(avg_price_in_post=True)
    assert (await client.futures_create_order(**ENTRY))["avgPrice"] == "0.3701"


async def test_a_cancel_after_the_fill_knows_no_such_order(client: AsyncClient) -> None:
    done = await client.futures_create_order(**ENTRY)
    assert await refusal(client.futures_cancel_order(symbol="ADAUSDT", orderId=done["orderId"])) == -2011


async def test_the_overloaded_exchange_lets_only_exits_pass(
    market: RunningExchange, client: AsyncClient
) -> None:
    await client.futures_create_order(**ENTRY)
    await market.account(overloaded=True)
    assert await refusal(client.futures_create_order(**ENTRY)) == -1008
    await client.futures_create_order(**STOP)
    await client.futures_create_order(**EXIT)


async def test_a_position_is_bound_by_the_bracket_of_its_leverage(
    market: RunningExchange, client: AsyncClient
) -> None:
    await market.account(leverage={"ADAUSDT": 75}, balance="1000000")
    assert await refusal(client.futures_create_order(**(ENTRY | {"quantity": "30000"}))) == -2027
    (told,) = await client.futures_leverage_bracket(symbol="ADAUSDT")
    assert (told["brackets"][0]["initialLeverage"], told["brackets"][0]["notionalCap"]) == (75, 10_000)


@pytest.mark.parametrize(
    ("method", "asked", "code"),
    [
        ("futures_change_leverage", {"symbol": "ADAUSDT", "leverage": 76}, -4028),
        ("futures_change_margin_type", {"symbol": "ADAUSDT", "marginType": "CROSSED"}, -4046),
        ("futures_change_margin_type", {"symbol": "ADAUSDT", "marginType": "ISOLATED"}, -4048),
        ("futures_change_position_mode", {"dualSidePosition": "false"}, -4059),
        ("futures_change_position_mode", {"dualSidePosition": "true"}, -4068),
    ],
)
async def test_a_setting_that_cannot_change_says_why(
    client: AsyncClient, method: str, asked: dict[str, Any], code: int
) -> None:
    await client.futures_create_order(**ENTRY)
    assert await refusal(getattr(client, method)(**asked)) == code


async def test_resting_orders_stand_against_other_settings(client: AsyncClient) -> None:
    await client.futures_create_order(**STOP)
    mode = client.futures_change_position_mode(dualSidePosition="true")
    margin = client.futures_change_margin_type(symbol="ADAUSDT", marginType="ISOLATED")
    assert [await refusal(mode), await refusal(margin)] == [-4067, -4047]


async def test_an_isolated_position_keeps_its_leverage(market: RunningExchange, client: AsyncClient) -> None:
    await market.account(margin_type={"ADAUSDT": "ISOLATED"})
    await client.futures_create_order(**ENTRY)
    assert await refusal(client.futures_change_leverage(symbol="ADAUSDT", leverage=2)) == -4161


async def test_less_leverage_needs_more_margin(market: RunningExchange, client: AsyncClient) -> None:
    await market.account(balance="15")
    await client.futures_create_order(**ENTRY)
    assert await refusal(client.futures_change_leverage(symbol="ADAUSDT", leverage=2)) == -2028


async def test_both_multi_assets_and_position_mode_are_in_the_account_config(
    market: RunningExchange, client: AsyncClient
) -> None:
    await market.account(multi_assets=True, hedge=True)
    told = await client.futures_account_config()
    assert (told["multiAssetsMargin"], told["dualSidePosition"]) == (True, True)


async def test_a_tested_order_is_judged_and_not_placed(client: AsyncClient) -> None:
    assert (await client.futures_create_test_order(**ENTRY))["origQty"] == "540"
    assert await client.futures_get_all_orders() == []
    assert await refusal(client.futures_create_test_order(**(ENTRY | {"quantity": "1"}))) == -4164


async def test_a_listen_key_lives_until_it_is_closed(client: AsyncClient) -> None:
    key = await client.futures_stream_get_listen_key()
    assert await client.futures_stream_get_listen_key() == key
    await client.futures_stream_keepalive(listenKey=key)
    await client.futures_stream_close(listenKey=key)
    assert await refusal(client.futures_stream_keepalive(listenKey=key)) == -1125
