"""A client of Redis for what changes: replies are text, numbers and lists of these."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from host.base.redis_link import Address, open_client

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis
    from redis.client import Pipeline


@contextmanager
def connect(address: Address) -> Iterator[redis.Redis]:
    """Give a client of `address` for the block."""
    client = open_client(address, text=True)
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
