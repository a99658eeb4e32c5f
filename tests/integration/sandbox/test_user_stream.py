"""What happens to orders is told to python-binance's own socket, under the documentation's names."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from binance import BinanceSocketManager

from tests.support.exchange_orders import ENTRY, STOP

if TYPE_CHECKING:
    from binance import AsyncClient

    from tests.support.exchange import RunningExchange


async def events(socket: Any, count: int) -> list[dict[str, Any]]:
    return [await asyncio.wait_for(socket.recv(), 5) for _ in range(count)]


async def test_an_order_a_fill_and_a_stop_are_told(market: RunningExchange, client: AsyncClient) -> None:
    manager = BinanceSocketManager(client)
    manager.FSTREAM_URL = f"{market.url.replace('http', 'ws')}/"
    async with manager.futures_user_socket() as socket:
        await client.futures_create_order(**ENTRY)
        told = await events(socket, 2)
        await client.futures_create_algo_order(**STOP)
        told += await events(socket, 1)
    by_kind = {event["e"]: event for event in told}
    assert by_kind["ORDER_TRADE_UPDATE"]["o"]["s"] == "ADAUSDT"
    assert by_kind["ORDER_TRADE_UPDATE"]["o"]["X"] == "FILLED"
    assert by_kind["ACCOUNT_UPDATE"]["a"]["P"] == [{"s": "ADAUSDT", "pa": "540", "ps": "BOTH"}]
    assert (by_kind["ALGO_UPDATE"]["o"]["s"], by_kind["ALGO_UPDATE"]["o"]["X"]) == ("ADAUSDT", "NEW")


async def test_nothing_is_told_to_who_has_no_key(market: RunningExchange) -> None:
    url = f"{market.url.replace('http', 'ws')}/private/ws?listenKey=guessed"
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)
