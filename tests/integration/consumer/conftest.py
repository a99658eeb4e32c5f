"""A clean Redis with the consumer's group, and consumers that end with the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.consumer_process import GROUP, STREAM, Consumer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import redis

    from tests.support.redis_server import RedisServer


@pytest.fixture
def client(redis_server: RedisServer) -> redis.Redis:
    """Redis, empty but for the stream's group at its end."""
    client = redis_server.client()
    client.flushall()
    client.xgroup_create(STREAM, GROUP, "$", mkstream=True)
    return client


@pytest.fixture
def start(redis_server: RedisServer, tmp_path: Path) -> Iterator[Callable[..., Consumer]]:
    """Start consumers; keywords are settings, `url` another Redis, `code` another program."""
    started: list[Consumer] = []

    def one(url: str = redis_server.url, code: str = "", **variables: object) -> Consumer:
        started.append(Consumer(url, tmp_path / f"{len(started)}.log", code, **variables))
        return started[-1]

    yield one
    for consumer in started:
        consumer.close()


@pytest.fixture
def redis_server_url(redis_server: RedisServer) -> str:
    """The address of the tests' Redis."""
    return redis_server.url
