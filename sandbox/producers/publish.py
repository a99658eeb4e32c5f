"""Put entries on the stream, as their producers do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from sandbox.names import STREAM

if TYPE_CHECKING:
    from collections.abc import Callable

    import redis
    from redis.typing import EncodableT, FieldT

    from sandbox.producers.entry import Fields, PublishedEntry


def now_ms() -> int:
    """Return this machine's time in Unix milliseconds."""
    return time.time_ns() // 1_000_000


def publish(client: redis.Redis, entry: PublishedEntry) -> str:
    """Add one entry with one XADD that is never sent twice, and return its id."""
    if entry.pause_ms:
        time.sleep(entry.pause_ms / 1000)
    stream_id = client.xadd(STREAM, for_xadd(entry.fields), maxlen=entry.maxlen, approximate=True)
    return cast("bytes", stream_id).decode()


def for_xadd(fields: Fields) -> dict[FieldT, EncodableT]:
    """Return the fields as redis-py's XADD wants them typed."""
    return cast("dict[FieldT, EncodableT]", fields)


def ticking(rate: float) -> Callable[[], int]:
    """Return a clock that is read `rate` times per second: each reading waits for its turn."""

    def clock() -> int:
        time.sleep(1 / rate)
        return now_ms()

    return clock
