"""A world for live mode: the real consumer as a process, a real Redis, a real journal, and the simulator."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import redis.asyncio as aioredis
from binance import AsyncClient

from consumer.base.settings import from_environment
from consumer.intents.context import context_for
from consumer.live.config import live_config_for
from consumer.live.service import LiveService
from consumer.serve import health
from tests.support.exchange import RunningExchange, running_exchange
from tests.support.limits import LEVERAGE, limits
from tests.support.redis_server import RedisServer, free_port, running_redis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
    from pathlib import Path

STREAM = "quantum:stream:trade.intent"
GROUP = "quantum:group:trade_intent_consumer:trade.intent"
RESULTS = "quantum:stream:execution.result"
HALT_KEY = "quantum:trade_intent:halt"
SYMBOL = "ADAUSDT"
LIMITS = limits(("ADAUSDT", "SEIUSDT", "CFXUSDT"), max_open_positions=3)
_START = (
    "import os, sys; from pathlib import Path; from consumer.__main__ import main; "
    "sys.exit(main(sys.argv[2:], os.environ, Path(sys.argv[1])))"
)


@dataclass
class LiveWorld:
    """One account, one stream, and the consumers that were started on them."""

    folder: Path
    exchange: RunningExchange
    server: RedisServer
    redis: aioredis.Redis
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def running(self, *, until_ready: bool = True, **settings: Any) -> AsyncIterator[RunningService]:
        """Run a consumer in this process, which is quicker, until the block ends."""
        environment = self.environment(http_port=free_port(), **settings)
        effective = from_environment(environment)
        config = live_config_for(effective, self.folder / "secrets")
        live = LiveService(context_for(effective), None, config)
        running = RunningService(live, asyncio.create_task(live.run()))
        try:
            if until_ready:
                await running.until(lambda: live.state.counters["sessions"] > 0)
            yield running
        finally:
            live.stop()
            await asyncio.wait_for(asyncio.gather(running.task, return_exceptions=True), 12)

    async def start(self, replica: int = 0, failpoint: str = "", **settings: str) -> TradingProcess:
        """Start a consumer; it runs until the test ends, or something ends it."""
        port = free_port()
        log = (self.folder / f"log_{len(self.processes)}.jsonl").open("wb")
        process = subprocess.Popen(  # noqa: ASYNC220 - it is only started here
            [sys.executable, "-c", _START, str(self.folder / "secrets")],
            env=self.environment(replica=replica, http_port=port, failpoint=failpoint, **settings),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        self.processes.append(process)
        return TradingProcess(process, port, self.folder / f"log_{len(self.processes) - 1}.jsonl")

    def environment(self, **given: Any) -> dict[str, str]:
        """Return the environment of a consumer in live mode."""
        failpoint = given.pop("failpoint", "")
        named = {
            "mode": "live",
            "venue": "simulator",
            "venue_url": self.exchange.futures_url,
            "redis_url": self.server.url,
            "journal_url": f"sqlite:///{self.folder / 'journal.db'}",
            "limits_file": self.folder / "limits.json",
            "cutover_id": "0-0",
            "cutover_file": self.folder / "cutover_id",
            "claim_idle_ms": 500,
            "block_ms": 200,
            **given,
        }
        settings = {f"TRADE_INTENT_{name.upper()}": str(value) for name, value in named.items()}
        return {
            "PATH": os.environ["PATH"],
            "CONSUMER_FAILPOINTS": failpoint,
            "CONSUMER_FAILPOINTS_LOG": str(self.folder / "fired"),
            **settings,
        }

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another command of the consumer, such as resume."""
        return subprocess.run(
            [sys.executable, "-c", _START, str(self.folder / "secrets"), *arguments],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    async def publish(self, **fields: Any) -> str:
        """Publish an intent, as the trading bot would; by default to buy for 200 USD."""
        if "size_pct" not in fields:
            fields.setdefault("position_size_usd", "200")
        intent = {"symbol": SYMBOL, "side": "BUY", "confidence": "0.8", **fields}
        if "entry_price" not in intent:
            intent["entry_price"] = await self.mark(intent["symbol"])
        present = {name: str(value) for name, value in intent.items() if value is not None}
        return str(await self.redis.xadd(STREAM, present))  # type: ignore[arg-type]  # texts are fine

    async def mark(self, symbol: str) -> str:
        """Return the mark price."""
        url = f"{self.exchange.futures_url}/v1/premiumIndex"
        async with aiohttp.request("GET", url, params={"symbol": symbol}) as answer:
            return str((await answer.json())["markPrice"])

    async def decisions(self) -> list[dict[str, str]]:
        """Return all decisions, oldest first."""
        return [fields for _, fields in await self.redis.xrange(RESULTS)]

    async def decision(self, entry: str, within_s: float = 15.0) -> dict[str, Any]:
        """Wait for the decision about an entry; its plan and orders are decoded."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            for decision in await self.decisions():
                if decision["intent_id"] == entry:
                    return {**decision, **{name: json.loads(decision[name]) for name in ("plan", "orders")}}
            await asyncio.sleep(0.05)
        raise AssertionError(f"no decision about {entry} within {within_s} s: {self.logs()}")

    async def told(self, name: str) -> list[dict[str, Any]]:
        """Return the payloads of one of the streams that others read."""
        return [
            json.loads(event["payload"]) for _, event in await self.redis.xrange(f"quantum:stream:{name}")
        ]

    async def pending(self) -> int:
        """Return how many entries the group has not acknowledged."""
        return int((await self.redis.xpending(STREAM, GROUP))["pending"])

    def logs(self) -> str:
        """Return the last lines of every consumer."""
        return "\n".join(path.read_text()[-3000:] for path in sorted(self.folder.glob("log_*.jsonl")))

    async def until[Seen](
        self, condition: Callable[[Seen], bool], look: Callable[[], Awaitable[Seen]], within_s: float = 15.0
    ) -> Seen:
        """Wait until what is seen fulfils a condition, and return it."""
        give_up_at = time.monotonic() + within_s
        while not condition(seen := await look()):
            assert time.monotonic() < give_up_at, f"not within {within_s} s: {seen}"
            await asyncio.sleep(0.05)
        return seen

    async def cancel_stops_by_hand(self, symbol: str = SYMBOL) -> None:
        """Cancel a symbol's stops, as a person would at the exchange's own page."""
        client = AsyncClient(self.exchange.trading.key, self.exchange.trading.secret)
        client.FUTURES_URL = self.exchange.futures_url
        try:
            for stop in await client.futures_get_open_algo_orders(symbol=symbol):
                await client.futures_cancel_algo_order(symbol=symbol, clientAlgoId=stop["clientAlgoId"])
        finally:
            await client.close_connection()

    async def stops(self, symbol: str = SYMBOL) -> list[dict[str, Any]]:
        """Return a symbol's stops that wait for their trigger."""
        algos = (await self.exchange.ledger())["algo_orders"]
        return [algo for algo in algos if (algo["symbol"], algo["status"]) == (symbol, "NEW")]

    async def by_hand(self, side: str, quantity: str, symbol: str = SYMBOL) -> None:
        """Order at market, as a person would at the exchange's own page."""
        client = AsyncClient(self.exchange.trading.key, self.exchange.trading.secret)
        client.FUTURES_URL = self.exchange.futures_url
        try:
            await client.futures_create_order(symbol=symbol, side=side, type="MARKET", quantity=quantity)
        finally:
            await client.close_connection()

    async def position(self, symbol: str = SYMBOL) -> str:
        """Return the amount of the position, 0 when flat."""
        held = [
            position
            for position in (await self.exchange.ledger())["positions"]
            if position["symbol"] == symbol
        ]
        amounts = [position["amount"] for position in held if float(position["amount"])]
        return amounts[0] if amounts else "0"


@dataclass
class RunningService:
    """A consumer in this process."""

    live: LiveService
    task: asyncio.Task[None]

    async def until(self, condition: Callable[[], bool], within_s: float = 15.0) -> None:
        """Wait until something is so; the consumer's own end is an error."""
        give_up_at = time.monotonic() + within_s
        while not condition():
            if self.task.done():
                self.task.result()
            assert time.monotonic() < give_up_at, f"it never came so far: {health.changing(self.live.state)}"
            await asyncio.sleep(0.02)

    @property
    def state(self) -> dict[str, Any]:
        """What /state says of what changes."""
        return health.changing(self.live.state)


@dataclass
class TradingProcess:
    """A running consumer."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    async def state(self) -> dict[str, Any]:
        """Return what /state says."""
        return dict(await self._ask("/state"))

    async def health(self) -> dict[str, Any]:
        """Return what /healthz says."""
        return dict(await self._ask("/healthz"))

    async def until(self, condition: Any, within_s: float = 15.0) -> None:
        """Wait until the state fulfils a condition."""
        until = time.monotonic() + within_s
        state: Any = None
        while time.monotonic() < until:
            with contextlib.suppress(aiohttp.ClientError):
                state = await self.state()
                if condition(state):
                    return
            await asyncio.sleep(0.05)
        raise AssertionError(f"it never came so far: {state} {self.log.read_text()[-3000:]}")

    async def died(self, within_s: float = 15.0) -> int:
        """Wait for the end of the process and return its exit code."""
        return await asyncio.to_thread(self.process.wait, within_s)

    def stop(self) -> None:
        """Ask it to end."""
        self.process.send_signal(signal.SIGTERM)

    async def _ask(self, path: str) -> Any:
        async with aiohttp.request("GET", f"http://127.0.0.1:{self.port}{path}") as answer:
            return {**await answer.json(), "code": answer.status}


@pytest.fixture(scope="session")
def live_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """Start a Redis of the live tests' own, as they empty it."""
    with running_redis(tmp_path_factory.mktemp("live_redis")) as server:
        yield server


@pytest.fixture
async def world(tmp_path: Path, live_redis: RedisServer) -> AsyncIterator[LiveWorld]:
    """Make a world in which nothing has happened yet."""
    client = aioredis.Redis(port=live_redis.port, decode_responses=True)
    await client.flushall()
    await client.xgroup_create(STREAM, GROUP, "$", mkstream=True)
    async with running_exchange() as exchange:
        await exchange.account(leverage=dict.fromkeys(LIMITS["symbols"], LEVERAGE))
        _write_files(tmp_path, exchange, LIMITS)
        started = LiveWorld(tmp_path, exchange, live_redis, client)
        yield started
        for process in started.processes:
            process.kill()
            process.wait(10)
    await client.aclose()


def _write_files(folder: Path, exchange: RunningExchange, limits: Mapping[str, Any]) -> None:
    (folder / "limits.json").write_text(json.dumps(limits))
    secrets = folder / "secrets"
    secrets.mkdir()
    (secrets / "binance_api_key").write_text(exchange.trading.key)
    (secrets / "binance_api_secret").write_text(exchange.trading.secret)
