"""The engine, a small image and containers of it; Redis, and a subject to look at them."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import pytest

from host.base.login import Login
from host.observe.redis_link import RedisLink
from host.observe.request import PhaseRequest
from host.observe.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.redis_server import RedisServer

PREFIX = f"ti_observe_{os.getpid()}"
IMAGE = f"{PREFIX}:test"
STREAM, GROUP = "quantum:stream:trade.intent", "quantum:group:trade_intent_consumer:trade.intent"
STREAMS = {
    "stream": STREAM,
    "group": GROUP,
    "result_stream": "quantum:stream:execution.result",
    "dead_letter_stream": "quantum:dlq:trade.intent",
}


class Containers:
    """Containers of the test image, removed when the test ends."""

    def __init__(self, engine: docker.APIClient, network: str) -> None:
        self.engine, self.network = engine, network
        self._names: list[str] = []

    def start(
        self, *, image: str = IMAGE, name: str = "", host: dict[str, Any] | None = None, **more: Any
    ) -> str:
        name = name or f"{PREFIX}_{len(self._names)}"
        self._names.append(name)
        limits = self.engine.create_host_config(network_mode=self.network, **(host or {}))
        self.engine.create_container(image, name=name, host_config=limits, **more)
        self.engine.start(name)
        return name

    def wait_for(self, name: str, what: Callable[[dict[str, Any]], object]) -> None:
        until_true(lambda: what(dict(self.engine.inspect_container(name))))

    def remove(self) -> None:
        for name in self._names:
            self.engine.remove_container(name, force=True, v=True)


@pytest.fixture(scope="session")
def engine() -> docker.APIClient:
    return docker.APIClient(version="auto", timeout=60)


@pytest.fixture(scope="session")
def image(engine: docker.APIClient) -> Iterator[str]:
    for _ in engine.build(path=str(Path(__file__).parent / "image"), tag=IMAGE, rm=True):
        pass
    yield str(engine.inspect_image(IMAGE)["Id"])  # type: ignore[no-untyped-call]  # untyped in its stubs
    engine.remove_image(IMAGE, force=True)


def until_true(what: Callable[[], object], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, f"it did not come true within {seconds} s"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def network(engine: docker.APIClient) -> Iterator[str]:
    name = f"{PREFIX}_net"
    engine.create_network(name)
    yield name
    engine.remove_network(name)


@pytest.fixture
def containers(engine: docker.APIClient, image: str, network: str) -> Iterator[Containers]:
    assert image
    made = Containers(engine, network)
    yield made
    made.remove()


@pytest.fixture(scope="module")
def running(engine: docker.APIClient, image: str, network: str) -> Iterator[str]:
    """Start one container for all who only look."""
    assert image
    made = Containers(engine, network)
    yield made.start(
        name=f"{PREFIX}_running",
        environment={"TRADE_INTENT_MODE": "safe_drain", "API_TOKEN": "planted-token"},
    )
    made.remove()


@pytest.fixture
def look_at(network: str, tmp_path: Path) -> Callable[..., Subject]:
    """Make a subject whose consumer is the named container."""

    def make(container: str, options: dict[str, Any] | None = None, **desired: Any) -> Subject:
        document = {"container": container, "network": network, **STREAMS, **desired}
        folder = {"state_folder": str(tmp_path)}
        login = Login("trade_intent_checks", "planted-password")
        return Subject(PhaseRequest("run", "D", document, redis=login, options={**folder, **(options or {})}))

    return make


@pytest.fixture
def with_redis(redis_server: RedisServer, tmp_path: Path) -> Iterator[Callable[..., Subject]]:
    """Make a subject whose Redis is the tests' own; everybody there is the default user."""
    link = RedisLink("127.0.0.1", redis_server.port, 0, None)
    link.ask("FLUSHALL")

    def make(**options: Any) -> Subject:
        subject = Subject(
            PhaseRequest("run", "E", dict(STREAMS), options={"state_folder": str(tmp_path), **options})
        )
        subject.__dict__["redis"] = link
        return subject

    yield make
    link.ask("FLUSHALL")
