"""What the exchange said it has, it has, also after it was killed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from binance import AsyncClient

    from tests.integration.sandbox.conftest import Simulator


async def test_a_killed_exchange_forgets_nothing(exchange: Simulator, trader: AsyncClient) -> None:
    await trader.futures_create_order(symbol="ADAUSDT", side="BUY", type="MARKET", quantity="540")
    await trader.futures_create_order(
        symbol="ADAUSDT", side="SELL", type="STOP_MARKET", triggerPrice="0.36", closePosition="true"
    )
    before = [await trader.futures_get_all_orders(), await trader.futures_get_all_algo_orders()]
    exchange.kill()
    exchange.start()
    assert [await trader.futures_get_all_orders(), await trader.futures_get_all_algo_orders()] == before
    (position,) = await trader.futures_position_information()
    assert position["positionAmt"] == "540"


async def test_a_reset_forgets_everything(exchange: Simulator, trader: AsyncClient) -> None:
    await trader.futures_create_order(symbol="ADAUSDT", side="BUY", type="MARKET", quantity="540")
    exchange.reset()
    assert await trader.futures_get_all_orders() == []
