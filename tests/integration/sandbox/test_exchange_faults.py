"""What goes wrong between the real client and the exchange, and what the exchange then has on record."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from binance.exceptions import BinanceAPIException

from tests.support.exchange_orders import ENTRY, EXIT, STOP, refusal

if TYPE_CHECKING:
    from binance import AsyncClient

    from tests.integration.sandbox.conftest import SetClock
    from tests.support.exchange import RunningExchange

PLACE = "POST /fapi/v1/order"
NAMED = ENTRY | {"newClientOrderId": "entry"}


async def placed(market: RunningExchange) -> list[str]:
    return [order["client_id"] for order in (await market.ledger())["orders"]]


async def last_request(market: RunningExchange) -> dict[str, Any]:
    return dict((await market.ledger())["requests"][-1])


async def test_a_connection_that_drops_before_left_nothing(
    market: RunningExchange, client: AsyncClient
) -> None:
    await market.fault(PLACE, "drop_before_commit")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.futures_create_order(**NAMED)
    assert await placed(market) == []
    request = await last_request(market)
    assert (request["status"], request["fault"]) == (0, "drop_before_commit")
    assert "signature" not in request["parameters"]


async def test_a_connection_that_drops_after_left_an_order(
    market: RunningExchange, client: AsyncClient
) -> None:
    await market.fault(PLACE, "commit_then_drop")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.futures_create_order(**NAMED)
    order = await client.futures_get_order(symbol="ADAUSDT", origClientOrderId="entry")
    assert order["status"] == "FILLED"


async def test_an_answer_that_never_comes_left_an_order(market: RunningExchange, client: AsyncClient) -> None:
    await market.fault(PLACE, "commit_then_hang")
    with pytest.raises(TimeoutError):
        await client.futures_create_order(**NAMED, requests_params={"timeout": 0.2})
    assert await placed(market) == ["entry"]


async def test_a_late_order_is_not_there_and_then_it_is(
    market: RunningExchange, client: AsyncClient, clock: SetClock
) -> None:
    await market.fault(PLACE, "drop_then_commit", delay_ms=3_000)
    at_ms = clock.ms
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.futures_create_order(**NAMED)
    for _ in range(3):
        await asyncio.sleep(0)
    (order,) = (await market.ledger())["orders"]
    assert order["created_ms"] == at_ms + 3_000


async def test_the_matching_engine_refuses_what_comes_after_its_window(
    market: RunningExchange, client: AsyncClient
) -> None:
    await market.fault(PLACE, "drop_then_commit", delay_ms=60_000)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.futures_create_order(**NAMED)
    for _ in range(3):
        await asyncio.sleep(0)
    requests = (await market.ledger())["requests"]
    assert [request["code"] for request in requests] == [-5028]
    assert await placed(market) == []


async def test_a_slow_engine_refuses_what_is_too_late_for_it(
    market: RunningExchange, client: AsyncClient
) -> None:
    await market.account(matching_delay_ms=40_000)
    assert await refusal(client.futures_create_order(**NAMED)) == -5028


@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize(("code", "status"), [(-1000, 503), (-1007, 408), (-1006, 503), (-1001, 503)])
async def test_an_unknown_outcome_may_be_either(
    market: RunningExchange, client: AsyncClient, code: int, status: int, *, commit: bool
) -> None:
    await market.fault(PLACE, "http", code=code, commit=commit)
    with pytest.raises(BinanceAPIException) as caught:
        await client.futures_create_order(**NAMED)
    assert (caught.value.code, caught.value.status_code) == (code, status)
    assert await placed(market) == (["entry"] if commit else [])


async def test_a_proxy_may_answer_in_html(market: RunningExchange, client: AsyncClient) -> None:
    html = {"body": "<html>502 Bad Gateway</html>", "headers": {"Content-Type": "text/html"}}
    await market.fault(PLACE, "http", status=502, **html)
    assert await refusal(client.futures_create_order(**NAMED)) == 0
    await market.fault(PLACE, "http", status=200, commit=True, **html)
    with pytest.raises(aiohttp.ContentTypeError):
        await client.futures_create_order(**NAMED)
    assert await placed(market) == ["entry"]


async def test_a_body_may_be_anything(market: RunningExchange, client: AsyncClient) -> None:
    await market.fault(PLACE, "http", status=503, body={"msg": "Service Unavailable."})
    with pytest.raises(BinanceAPIException) as caught:
        await client.futures_create_order(**NAMED)
    assert caught.value.code is None
    await market.fault(PLACE, "http", status=400, body=[{"code": -1}])
    with pytest.raises(AttributeError):
        await client.futures_create_order(**NAMED)


async def test_a_fault_waits_for_its_route_and_its_parameters(
    market: RunningExchange, client: AsyncClient
) -> None:
    await market.fault("POST /fapi/v1/algoOrder", "http", code=-2021, match={"clientAlgoId": "st?p"})
    await client.futures_create_order(**NAMED)
    await client.futures_create_order(**(STOP | {"clientAlgoId": "other", "triggerPrice": "0.3000"}))
    await client.futures_cancel_algo_order(clientAlgoId="other")
    assert await refusal(client.futures_create_order(**STOP)) == -2021
    await client.futures_create_order(**STOP)


async def test_a_fault_happens_as_often_as_it_is_told(market: RunningExchange, client: AsyncClient) -> None:
    await market.fault(PLACE, "http", code=-1007, times=2)
    for _ in range(2):
        assert await refusal(client.futures_create_order(**NAMED)) == -1007
    await client.futures_create_order(**NAMED)
    await market.fault(PLACE, "http", code=-1007, times=-1)
    for _ in range(3):
        assert await refusal(client.futures_create_order(**EXIT)) == -1007
    await market.ask("DELETE", "/sandbox/faults")
    await client.futures_create_order(**EXIT)
