"""The incident's stream state, on the Redis of this machine and on the sandbox's own."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from sandbox.names import EXECUTION_GROUP, STREAM
from sandbox.stream.seed import StreamInTheWayError, seed

if TYPE_CHECKING:
    import redis


def seeded(client: redis.Redis) -> dict[str, object]:
    """Everything that Redis says about the state, as the report of the incident showed it."""
    stream = client.xinfo_stream(STREAM)
    (group,) = client.xinfo_groups(STREAM)
    pending = client.xpending_range(STREAM, EXECUTION_GROUP, "-", "+", 10)
    return {"stream": stream, "group": group, "pending": pending}


def test_the_state_is_the_incidents(empty_redis: redis.Redis) -> None:
    seed(empty_redis)
    incident = seeded(empty_redis)
    stream, group = incident["stream"], incident["group"]
    assert (stream["length"], stream["entries-added"]) == (10_010, 232_338)
    assert stream["last-generated-id"] == b"1766594572014-0"
    assert (group["name"], group["consumers"], group["pending"]) == (EXECUTION_GROUP.encode(), 34, 1)
    assert group["last-delivered-id"] == b"1766550734062-1"
    assert (group["entries-read"], group["lag"]) == (None, None)


def test_every_consumer_has_been_idle_for_days(empty_redis: redis.Redis) -> None:
    seed(empty_redis)
    idle_ms = {
        consumer["name"]: consumer["idle"]
        for consumer in empty_redis.xinfo_consumers(STREAM, EXECUTION_GROUP)
    }
    assert idle_ms.pop(b"test-consumer") == pytest.approx(652_112_520, abs=10_000)
    assert list(idle_ms.values()) == [pytest.approx(448_668_459, abs=10_000)] * 33


def test_the_pending_entry_is_owned_by_the_test_consumer_and_its_body_is_gone(
    empty_redis: redis.Redis,
) -> None:
    seed(empty_redis)
    (pending,) = seeded(empty_redis)["pending"]
    assert (pending["message_id"], pending["consumer"]) == (b"1765950222254-0", b"test-consumer")
    assert pending["times_delivered"] == 1
    assert pending["time_since_delivered"] == pytest.approx(652_112_520, abs=10_000)
    assert empty_redis.xrange(STREAM, "1765950222254-0", "1765950222254-0") == []


def test_a_second_time_changes_nothing(empty_redis: redis.Redis) -> None:
    assert seed(empty_redis).changed
    empty_redis.xadd(STREAM, {"symbol": "LATERUSDT"})
    again = seed(empty_redis)
    assert (again.changed, again.length) == (False, 10_011)


def test_a_stream_that_somebody_else_wrote_is_left_alone(empty_redis: redis.Redis) -> None:
    empty_redis.xadd(STREAM, {"symbol": "MINEUSDT"})
    with pytest.raises(StreamInTheWayError, match="was not seeded here"):
        seed(empty_redis)
    assert empty_redis.xlen(STREAM) == 1


@pytest.mark.docker
def test_the_sandboxs_own_redis_gets_the_same_state_in_seconds(redis_in_container: str) -> None:
    def run(*command: str) -> str:
        return subprocess.check_output(["docker", "exec", redis_in_container, *command], text=True)

    began = time.monotonic()
    run("python3", "-m", "sandbox", "seed-stream", "--redis-url", "redis://127.0.0.1:6379/0")
    assert time.monotonic() - began < 20
    (group,) = json.loads(run("redis-cli", "--json", "XINFO", "GROUPS", STREAM))
    assert (group["consumers"], group["pending"], group["lag"], group["entries-read"]) == (34, 1, None, None)
    consumers = json.loads(run("redis-cli", "--json", "XINFO", "CONSUMERS", STREAM, EXECUTION_GROUP))
    for name in ("idle", "inactive"):
        days = sorted({consumer[name] // 100_000 for consumer in consumers})
        assert days == [4486, 6521]
