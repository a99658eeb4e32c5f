"""How much may be asked, and how the answers say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from binance.exceptions import BinanceAPIException

from tests.support.exchange_orders import ENTRY

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from typing import Any

    from binance import AsyncClient

    from tests.integration.sandbox.conftest import SetClock
    from tests.support.exchange import RunningExchange

WEIGHT, TEN_SECONDS, MINUTE = "X-MBX-USED-WEIGHT-1M", "X-MBX-ORDER-COUNT-10S", "X-MBX-ORDER-COUNT-1M"


async def refused(asked: Awaitable[Any]) -> tuple[int, int, int]:
    """Return status, code and Retry-After (s)."""
    with pytest.raises(BinanceAPIException) as caught:
        await asked
    after = int(caught.value.response.headers["Retry-After"])
    return caught.value.status_code, caught.value.code, after


async def test_every_answer_tells_the_weight_used_in_this_minute(
    client: AsyncClient, clock: SetClock
) -> None:
    await client.futures_get_open_orders()
    await client.futures_account_trades(symbol="ADAUSDT")
    assert client.response.headers[WEIGHT] == "45"
    clock.ms += 60_000
    await client.futures_time()
    assert client.response.headers[WEIGHT] == "1"


async def test_orders_are_counted_in_two_windows(client: AsyncClient, clock: SetClock) -> None:
    clock.ms -= clock.ms % 60_000
    counts = []
    for _ in range(3):
        await client.futures_create_order(**ENTRY)
        counts.append(tuple(client.response.headers[name] for name in (TEN_SECONDS, MINUTE)))
        clock.ms += 5_000
    assert counts == [("1", "1"), ("2", "2"), ("1", "3")]


async def test_too_many_orders_are_refused_and_not_placed(
    market: RunningExchange, client: AsyncClient, clock: SetClock
) -> None:
    clock.ms -= clock.ms % 60_000
    await market.account(orders_10s_limit=1)
    await client.futures_create_order(**ENTRY)
    assert await refused(client.futures_create_order(**ENTRY)) == (429, -1015, 10)
    assert len((await market.ledger())["orders"]) == 1


async def test_too_much_weight_is_refused_until_the_minute_is_over(
    market: RunningExchange, client: AsyncClient, clock: SetClock
) -> None:
    clock.ms -= clock.ms % 60_000 - 50_000
    await market.account(weight_limit=3)
    for _ in range(3):
        await client.futures_time()
    assert await refused(client.futures_time()) == (429, -1003, 10)
    clock.ms += 10_000
    await client.futures_time()


async def test_who_goes_on_asking_is_banned(
    market: RunningExchange, client: AsyncClient, clock: SetClock
) -> None:
    await market.account(weight_limit=0)
    statuses = [(await refused(client.futures_time()))[0] for _ in range(22)]
    assert statuses == [429] * 21 + [418]
    assert await refused(client.futures_time()) == (418, -1003, 120)
    await market.account(weight_limit=2_400)
    clock.ms += 120_000
    await client.futures_time()


async def test_a_ban_can_be_asked_for(market: RunningExchange, client: AsyncClient, clock: SetClock) -> None:
    await market.account(ban_ms=1_500)
    assert await refused(client.futures_create_order(**ENTRY)) == (418, -1003, 2)
    clock.ms += 1_500
    await client.futures_create_order(**ENTRY)


async def test_the_limits_are_told(market: RunningExchange, client: AsyncClient) -> None:
    await market.account(orders_1m_limit=7)
    told = await client.futures_v1_get_rate_limit_order()
    assert [(limit["interval"], limit["limit"]) for limit in told] == [("MINUTE", 7), ("SECOND", 300)]
