"""The exchange's simulator on a free loopback port, with known keys and its own record as the oracle."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from sandbox.exchange.app import make_app
from sandbox.exchange.control import ADMIN_HEADER
from sandbox.exchange.core.ledger import Ledger
from sandbox.exchange.signing import KnownKey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sandbox.exchange.clock import MarketClock
    from sandbox.exchange.core.ledger import RecordStore

TRADING = KnownKey("tradingkeyofthesandbox", "trading-secret", may_trade=True)
READING = KnownKey("readingkeyofthesandbox", "reading-secret", may_trade=False)
ADMIN_KEY = "admin-of-the-simulator"


@dataclass(frozen=True)
class RunningExchange:
    """A simulator that answers at `url`; python-binance wants `futures_url`."""

    url: str
    trading: KnownKey = TRADING
    reading: KnownKey = READING

    @property
    def futures_url(self) -> str:
        return f"{self.url}/fapi"

    async def reset(self) -> None:
        """Forget orders, prices, faults and switches."""
        await self.ask("POST", "/sandbox/reset")

    async def price(self, symbol: str, mark: str) -> None:
        """Move the mark price; stops trigger and resting orders fill before this returns."""
        await self.ask("POST", "/sandbox/price", {"symbol": symbol, "mark": mark})

    async def script(self, *steps: dict[str, Any]) -> None:
        """Let prices move later: {"after_ms", "symbol", "mark"} each."""
        await self.ask("POST", "/sandbox/script", list(steps))

    async def fault(self, route: str, kind: str, **more: Any) -> None:
        """Let the next request of a route (such as "POST /fapi/v1/order") go wrong; see faults.Fault."""
        await self.ask("POST", "/sandbox/faults", {"route": route, "kind": kind, **more})

    async def account(self, **settings: Any) -> None:
        """Set the account and the switches; see model.Model.set_account and core.switches."""
        await self.ask("POST", "/sandbox/account", settings)

    async def ledger(self) -> dict[str, Any]:
        """Return the exchange's own record; see oracle.report."""
        return dict(await self.ask("GET", "/sandbox/ledger"))

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask a control route and return its answer."""
        asked = aiohttp.request(method, self.url + path, json=body, headers={ADMIN_HEADER: ADMIN_KEY})
        async with asked as answer:
            assert answer.status == 200, f"{method} {path}: {answer.status} {await answer.text()}"
            return await answer.json()


@asynccontextmanager
async def running_exchange(
    *, port: int = 0, store: RecordStore | None = None, clock: MarketClock | None = None
) -> AsyncIterator[RunningExchange]:
    """Serve a simulator until the block ends; without a store it remembers only as long as that."""
    keys = {key.key: key for key in (TRADING, READING)}
    app = make_app(Ledger(store), keys, admin_key=ADMIN_KEY, clock=clock)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield RunningExchange(f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()
