"""Who may move prices and read the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from binance import AsyncClient

from sandbox.exchange.store import FileStore
from tests.support.exchange import ADMIN_HEADER, ADMIN_KEY, RunningExchange, running_exchange
from tests.support.exchange_orders import ENTRY

if TYPE_CHECKING:
    from pathlib import Path


async def status(market: RunningExchange, path: str, body: Any = None, key: str = "") -> int:
    async with aiohttp.request("POST", market.url + path, json=body, headers={ADMIN_HEADER: key}) as answer:
        return answer.status


async def test_only_the_reset_is_free_on_this_machine(market: RunningExchange) -> None:
    assert await status(market, "/sandbox/reset") == 200
    assert await status(market, "/sandbox/price", {"symbol": "ADAUSDT", "mark": "1"}) == 403
    assert await status(market, "/sandbox/price", {"symbol": "ADAUSDT", "mark": "1"}, ADMIN_KEY) == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/sandbox/price", {"symbol": "ADAUSDT"}),
        ("/sandbox/price", {"symbol": "NOSUCH", "mark": "1"}),
        ("/sandbox/price", {"symbol": "ADAUSDT", "mark": "high"}),
        ("/sandbox/faults", {"route": "GET /x", "kind": "explode"}),
        ("/sandbox/faults", {"route": "GET /x", "kind": "http"}),
        ("/sandbox/faults", {"route": "GET /x", "kind": "http", "staus": 3}),
        ("/sandbox/account", {"no_such_switch": True}),
        ("/sandbox/account", {"read_lag_ms": "soon"}),
        ("/sandbox/account", {"ack_mode": "maybe"}),
        ("/sandbox/account", {"fill_fraction": "2"}),
    ],
    ids=str,
)
async def test_what_cannot_be_desired_is_refused(market: RunningExchange, path: str, body: Any) -> None:
    assert await status(market, path, body, ADMIN_KEY) == 400


async def test_the_record_has_the_account_the_orders_and_the_requests(
    market: RunningExchange, client: AsyncClient
) -> None:
    await market.account(balance="500", leverage={"ADAUSDT": 5}, hedge=True)
    await client.futures_create_order(**(ENTRY | {"positionSide": "LONG", "newClientOrderId": "entry"}))
    told = await market.ledger()
    (position,) = told["positions"]
    assert (position["symbol"], position["position_side"], position["amount"]) == ("ADAUSDT", "LONG", "540")
    assert (told["account"]["hedge"], told["account"]["leverage"]["ADAUSDT"]) == (True, 5)
    assert told["account"]["balance"]["wallet"] == "499.90007300"
    assert [order["client_id"] for order in told["orders"]] == ["entry"]
    assert [event["kind"] for event in told["history"]] == ["order", "trade"]
    (request,) = told["requests"]
    assert (request["method"], request["path"], request["status"]) == ("POST", "/fapi/v1/order", 200)
    assert request["parameters"]["newClientOrderId"] == "entry"


async def test_prices_switches_and_scripts_outlive_the_process(tmp_path: Path) -> None:
    file = tmp_path / "ledger.jsonl"
    async with running_exchange(store=FileStore(file)) as before:
        await before.price("ADAUSDT", "0.4000")
        await before.account(read_lag_ms=7)
        await before.script({"after_ms": 0, "symbol": "CFXUSDT", "mark": "0.0800"})
    async with running_exchange(store=FileStore(file)) as after:
        told = await after.ledger()
    assert (told["marks"]["ADAUSDT"], told["marks"]["CFXUSDT"]) == ("0.4000", "0.0800")
    assert told["account"]["switches"]["read_lag_ms"] == 7


async def test_a_client_that_checks_the_spot_host_first_can_start(market: RunningExchange) -> None:
    class LocalClient(AsyncClient):
        API_URL = f"{market.url}/api"
        FUTURES_URL = market.futures_url

    client = await LocalClient.create(market.trading.key, market.trading.secret)
    await client.close_connection()
