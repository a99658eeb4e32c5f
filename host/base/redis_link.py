"""One plain connection to Redis: raw replies, no retries, nothing sent that was not asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from host.base.login import Login

TIMEOUT_S = 5


@dataclass(frozen=True)
class Address:
    """Where Redis answers and as whom; without a user nobody logs in."""

    host: str
    port: int
    db: int = 0
    login: Login = field(default_factory=Login)


def open_client(address: Address, *, text: bool) -> redis.Redis:
    """Return a client whose replies are raw: `text` where the caller wants bytes decoded, bytes otherwise."""
    client = redis.Redis(
        host=address.host,
        port=address.port,
        db=address.db,
        username=address.login.user,
        password=address.login.password,
        protocol=2,
        decode_responses=text,
        # Entries of strangers may hold bytes that are no text; they must not stop a cutover.
        encoding_errors="backslashreplace",
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        # What was answered late must not be asked, or done, twice behind our back.
        retry=Retry(NoBackoff(), 0),
        driver_info=None,
        single_connection_client=not text,
    )
    # The library's own shapes hide repeated fields, trimmed bodies and bytes that are not text.
    client.response_callbacks.clear()
    return client
