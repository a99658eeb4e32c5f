"""Who may ask the exchange what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import pytest
from binance.exceptions import BinanceAPIException

if TYPE_CHECKING:
    from binance import AsyncClient

    from tests.integration.sandbox.conftest import Simulator

ORDER = {"symbol": "ADAUSDT", "side": "BUY", "type": "MARKET", "quantity": "540"}


async def refusal(client: AsyncClient) -> tuple[int, int]:
    with pytest.raises(BinanceAPIException) as caught:
        await client.futures_create_order(**ORDER)
    return caught.value.status_code, caught.value.code


async def test_the_reading_key_lists_orders_and_may_not_place_one(
    trader: AsyncClient, reader: AsyncClient
) -> None:
    await trader.futures_create_order(**ORDER)
    assert len(await reader.futures_get_all_orders()) == 1
    assert await refusal(reader) == (401, -2015)
    assert len(await reader.futures_get_all_orders()) == 1


async def test_a_wrong_secret_spoils_the_signature(trader: AsyncClient) -> None:
    trader.API_SECRET = "another secret"
    assert await refusal(trader) == (400, -1022)


async def test_an_unknown_key_is_refused(trader: AsyncClient) -> None:
    trader.session.headers["X-MBX-APIKEY"] = "nobodyknowsthiskey"
    assert await refusal(trader) == (401, -2015)


@pytest.mark.parametrize("offset_ms", [-20_000, 5_000])
async def test_a_clock_that_is_off_is_refused(trader: AsyncClient, offset_ms: int) -> None:
    trader.timestamp_offset = offset_ms
    assert await refusal(trader) == (400, -1021)


async def test_the_clock_can_be_set_by_the_exchanges_time(trader: AsyncClient) -> None:
    assert (await trader.futures_time())["serverTime"] > 0


async def test_nobody_may_list_orders_without_a_key(exchange: Simulator) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{exchange.url}/fapi/v1/allOrders") as answer:
        assert (answer.status, (await answer.json())["code"]) == (401, -2014)
