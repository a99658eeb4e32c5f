"""One plain connection to Redis: raw replies as text, no retries, nothing sent that was not asked for."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redis.client import Pipeline

TIMEOUT_S = 5


@dataclass(frozen=True)
class Address:
    """Where Redis answers and as whom; without a user nobody logs in."""

    host: str
    port: int
    db: int = 0
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@contextmanager
def connect(address: Address) -> Iterator[redis.Redis]:
    """Give a client of `address` for the block; its replies are text, numbers and lists of these."""
    client = redis.Redis(
        host=address.host,
        port=address.port,
        db=address.db,
        username=address.user,
        password=address.password,
        protocol=2,
        decode_responses=True,
        # Entries of strangers may hold bytes that are no text; they must not stop a cutover.
        encoding_errors="backslashreplace",
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        # A change that was answered late must not be made twice behind our back.
        retry=Retry(NoBackoff(), 0),
        driver_info=None,
        single_connection_client=False,
    )
    client.response_callbacks.clear()
    try:
        yield client
    finally:
        client.close()


def ask(client: redis.Redis | Pipeline, *command: str | int) -> Any:
    """Send one command, return its raw reply; raise redis.RedisError when it is an error or does not come."""
    return client.execute_command(*command)  # type: ignore[no-untyped-call]  # the library leaves it untyped


def named(flat: list[Any]) -> dict[str, Any]:
    """Pair a flat reply: [name, value, name, value] to {name: value}."""
    return dict(zip(flat[::2], flat[1::2], strict=True))
