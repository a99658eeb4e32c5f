"""Clocks that differ, reads that lag, and what is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.exchange_orders import ENTRY, STOP, TAKE_PROFIT, refusal

if TYPE_CHECKING:
    from binance import AsyncClient

    from tests.integration.sandbox.conftest import SetClock
    from tests.support.exchange import RunningExchange

DAY_MS = 24 * 3_600_000
NAMED = ENTRY | {"newClientOrderId": "entry"}


def let_pass(client: AsyncClient, clock: SetClock, span_ms: int) -> None:
    clock.ms += span_ms
    client.timestamp_offset += span_ms


async def test_a_skewed_clock_refuses_until_it_is_asked_for_its_time(
    market: RunningExchange, client: AsyncClient, clock: SetClock
) -> None:
    await market.account(time_skew_ms=-60_000)
    assert await refusal(client.futures_create_order(**ENTRY)) == -1021
    client.timestamp_offset += (await client.futures_time())["serverTime"] - clock.ms
    await client.futures_create_order(**ENTRY)


async def test_reads_lag_behind_what_was_accepted(
    market: RunningExchange, client: AsyncClient, clock: SetClock
) -> None:
    await market.account(read_lag_ms=800)
    await client.futures_create_order(**NAMED)
    await client.futures_create_order(**STOP)
    assert (
        await refusal(client.futures_get_order(symbol="ADAUSDT", origClientOrderId="entry")),
        await refusal(client.futures_get_algo_order(clientAlgoId="stop")),
        await client.futures_get_open_algo_orders(),
        await client.futures_account_trades(symbol="ADAUSDT"),
    ) == (-2013, -2013, [], [])
    clock.ms += 800
    assert (await client.futures_get_order(symbol="ADAUSDT", origClientOrderId="entry"))["status"] == "FILLED"
    assert len(await client.futures_get_open_algo_orders()) == 1


async def test_a_canceled_order_is_forgotten_after_three_days_a_filled_one_after_ninety(
    client: AsyncClient, clock: SetClock
) -> None:
    await client.futures_create_order(**NAMED)
    await client.futures_create_order(**TAKE_PROFIT)
    await client.futures_cancel_order(symbol="ADAUSDT", origClientOrderId="tp")
    let_pass(client, clock, 3 * DAY_MS)
    await client.futures_get_order(symbol="ADAUSDT", origClientOrderId="tp")
    let_pass(client, clock, 1)
    assert await refusal(client.futures_get_order(symbol="ADAUSDT", origClientOrderId="tp")) == -2013
    let_pass(client, clock, 87 * DAY_MS)
    assert await refusal(client.futures_get_order(symbol="ADAUSDT", origClientOrderId="entry")) == -2013


async def test_lists_show_seven_days_and_refuse_more(client: AsyncClient, clock: SetClock) -> None:
    await client.futures_create_order(**NAMED)
    placed_ms = clock.ms
    let_pass(client, clock, 8 * DAY_MS)
    assert await client.futures_get_all_orders(symbol="ADAUSDT") == []
    assert len(await client.futures_get_all_orders(symbol="ADAUSDT", startTime=placed_ms)) == 1
    week = client.futures_get_all_orders(symbol="ADAUSDT", startTime=placed_ms, endTime=clock.ms)
    assert await refusal(week) == -1127


async def test_some_lists_want_a_symbol_by_a_switch(market: RunningExchange, client: AsyncClient) -> None:
    await market.account(lists_need_symbol=True)
    assert await refusal(client.futures_account_trades()) == -1102
    assert await refusal(client.futures_get_all_algo_orders()) == -1102
