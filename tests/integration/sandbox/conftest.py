"""A simulator process with its two keys, and real Redis servers old and new."""

from __future__ import annotations

import asyncio
import http.client
import json
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis
from binance import AsyncClient

from tests.support.exchange import running_exchange as running_exchange_here
from tests.support.turns import turn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.support.exchange import RunningExchange

ROOT = Path(__file__).parents[3]
TRADING = {"key": "tradingkeyofthesandbox", "secret": "trading-secret", "may_trade": True}
READING = {"key": "readingkeyofthesandbox", "secret": "reading-secret", "may_trade": False}


@dataclass
class Simulator:
    """A simulator process that can be killed and started again on the same ledger."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] = field(init=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.jsonl"

    def start(self, *more: str) -> None:
        keys = self.folder / "keys.json"
        keys.write_text(json.dumps([TRADING, READING]))
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "sandbox", "exchange", "--host=127.0.0.1", f"--port={self.port}"),
                *(f"--keys={keys}", f"--ledger={self.ledger}", *more),
            ],
            cwd=ROOT,
        )
        for _ in range(100):
            try:
                self.ask("GET", "/healthz")
            except OSError:
                time.sleep(0.1)
            else:
                return
        pytest.fail("the exchange did not answer within 10 s")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def reset(self) -> None:
        self.ask("POST", "/sandbox/reset")

    def ask(self, method: str, path: str) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request(method, path)
        status = connection.getresponse().status
        connection.close()
        assert status == 200


@pytest.fixture(scope="session")
def running_exchange(
    tmp_path_factory: pytest.TempPathFactory, unused_tcp_port_factory: object
) -> Iterator[Simulator]:
    exchange = Simulator(tmp_path_factory.mktemp("exchange"), unused_tcp_port_factory())  # type: ignore[operator]  # a fixture without a public type
    exchange.start()
    yield exchange
    exchange.kill()


@pytest.fixture
def exchange(running_exchange: Simulator) -> Simulator:
    """An exchange that nobody has traded on."""
    running_exchange.reset()
    return running_exchange


def client_for(exchange: Simulator, key: dict[str, object]) -> AsyncClient:
    """The real client, pointed at the simulator."""
    client = AsyncClient(str(key["key"]), str(key["secret"]))
    client.FUTURES_URL = f"{exchange.url}/fapi"
    return client


class SetClock:
    """A clock that a test sets; waiting moves it."""

    def __init__(self) -> None:
        self.ms = 1_795_365_426_968

    def now_ms(self) -> int:
        return self.ms

    async def sleep(self, seconds: float) -> None:
        self.ms += int(seconds * 1_000)
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
async def market(clock: SetClock) -> AsyncIterator[RunningExchange]:
    """An exchange in this process, whose prices, faults and time the test decides."""
    async with running_exchange_here(clock=clock) as running:
        yield running


@pytest.fixture
async def client(market: RunningExchange, clock: SetClock) -> AsyncIterator[AsyncClient]:
    """The real client with the trading key, its clock set by the exchange's."""
    client = AsyncClient(market.trading.key, market.trading.secret, requests_params={"timeout": 2})
    client.FUTURES_URL = market.futures_url
    client.REQUEST_RECVWINDOW = 60_000
    # The exchange's clock stands while the client's goes on: half a minute until that is refused.
    client.timestamp_offset = clock.ms - time.time_ns() // 1_000_000 - 30_000
    yield client
    await client.close_connection()


@pytest.fixture
async def trader(exchange: Simulator) -> AsyncIterator[AsyncClient]:
    client = client_for(exchange, TRADING)
    yield client
    await client.close_connection()


@pytest.fixture
async def reader(exchange: Simulator) -> AsyncIterator[AsyncClient]:
    client = client_for(exchange, READING)
    yield client
    await client.close_connection()


@pytest.fixture(scope="session")
def sandbox_image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The sandbox's image, made by the role itself from the sources as they are."""
    name = tmp_path_factory.mktemp("image") / "name"
    with turn("sandbox_image"):
        subprocess.run(
            [
                *(Path(sys.executable).parent / "ansible-playbook", "--inventory", "localhost,"),
                *("--extra-vars", f"image_name_file={name}", Path(__file__).parent / "image.yml"),
            ],
            cwd=ROOT,
            check=True,
            timeout=300,
            stdout=subprocess.DEVNULL,
        )
    return name.read_text()


@pytest.fixture(scope="session")
def redis_in_container(sandbox_image: str) -> Iterator[str]:
    """The name of a container with the sandbox's own Redis; it has the sandbox's package too."""
    name = f"ti_sandbox_redis_{uuid.uuid4().hex[:8]}"
    start = ["docker", "run", "--detach", "--rm", "--name", name, sandbox_image]
    subprocess.run([*start, "redis-server", "--protected-mode", "no"], check=True, stdout=subprocess.DEVNULL)
    yield name
    subprocess.run(["docker", "rm", "--force", name], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture
def empty_redis(redis_server: object) -> Iterator[redis.Redis]:
    """The tests' Redis process, emptied before and after."""
    client = redis.Redis(port=redis_server.port, db=9)  # type: ignore[attr-defined]  # the fixture's class is not importable
    client.flushdb()
    yield client
    client.flushdb()
    client.close()
