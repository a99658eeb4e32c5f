"""The deployed image in its container, at its own memory limit, with poison in the stream.

Usage: python -m tests.storm.container [seconds] [image]: without an image, the newest one of the consumer.
"""

from __future__ import annotations

import random
import sys
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import docker
import redis

from tests.storm.entries import entry
from tests.storm.fuzz import say
from tests.support.consumer_process import GROUP, LETTERS, RESULTS, STREAM, wait

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Of roles/release/defaults: what the deployed container has.
MEMORY = 134_217_728
#: Each kills a consumer that holds all that it is given.
POISON: tuple[list[bytes], ...] = (
    [b"payload", b"\x01" * 5_000_000],
    [
        b"payload",
        b'{"symbol":"NEARUSDT","side":"BUY","position_size_usd":200,"x":[' + b"0," * 2_000_000 + b"0]}",
    ],
    [
        b"payload",
        b'{"symbol":"NEARUSDT","side":"BUY","position_size_usd":200,"x":[' + b"{}," * 40_000 + b"0]}",
    ],
    [b"payload", b"[" * 100_000],
    [part for n in range(15_000) for part in (str(n).encode(), b"")],
    [b"payload", b"{" + b"\x01" * 100_000],
)
PER_SECOND, POISON_EVERY_S = 100, 2


def main(seconds: int = 3600, image: str = "") -> None:
    """Run for so many seconds; raise AssertionError when anything is lost, doubled, killed or unhealthy."""
    engine = docker.from_env()
    image = image or newest(engine)
    with network(engine) as (name, server), consumer(engine, image, name) as container:
        client = redis.Redis(host=address(server), decode_responses=True, encoding_errors="surrogateescape")
        wait("Redis", lambda: answers(client))
        client.xgroup_create(STREAM, GROUP, "$", mkstream=True)
        container.start()
        wait("a healthy container", lambda: health(container) == "healthy", limit_s=60)
        sent = _rain(client, seconds)
        wait("the rest", lambda: _settled(client), limit_s=120)
        container.reload()
        state = container.attrs["State"]
        assert (state["OOMKilled"], container.attrs["RestartCount"], state["Status"]) == (False, 0, "running")
        assert health(container) == "healthy", state["Health"]["Log"][-1]
        _judge(client, sent)
        peak = container.stats(stream=False)["memory_stats"].get("max_usage", "not told")
        say(f"{sent:,} entries in {seconds} s, each once; never restarted")
        say(f"memory limit {MEMORY}, most resident {_resident(container)}, with page cache {peak}")


def newest(engine: docker.DockerClient) -> str:
    """Return the consumer image that was built last."""
    images = engine.images.list("trade-intent/consumer")
    assert images, "no image of the consumer: run `make demo` first"
    return str(max(images, key=lambda image: image.attrs["Created"]).id)


@contextmanager
def network(engine: docker.DockerClient) -> Iterator[tuple[str, Any]]:
    """Make a network of this run's own with a Redis in it."""
    name = f"storm-{uuid.uuid4().hex[:8]}"
    made = engine.networks.create(name, internal=True)
    server = engine.containers.run(
        _redis_image(engine), ["redis-server", "--save", "", "--bind", "0.0.0.0", "--protected-mode", "no"],  # noqa: S104 - inside
        name=f"{name}-redis", network=name, detach=True,
    )  # fmt: skip # a table, or a call that is read as one
    try:
        yield name, server
    finally:
        server.remove(force=True)
        made.remove()


def _redis_image(engine: docker.DockerClient) -> str:
    """Return an image with a redis-server: the sandbox's."""
    images = engine.images.list("trade-intent/sandbox")
    assert images, "no image of the sandbox: run `make demo` first"
    return str(images[0].id)


@contextmanager
def consumer(engine: docker.DockerClient, image: str, name: str) -> Iterator[Any]:
    """Make a container as the deploy does, as far as it matters here."""
    container = engine.containers.create(
        image, name=f"{name}-consumer", network=name, mem_limit=MEMORY, memswap_limit=MEMORY,
        read_only=True, cap_drop=["ALL"], user="10001:10001", pids_limit=64, tmpfs={"/tmp": "size=16m"},  # noqa: S108 - its own
        restart_policy={"Name": "always"},
        environment={
            "TRADE_INTENT_REDIS_URL": f"redis://{name}-redis:6379/0",
            "TRADE_INTENT_CUTOVER_ID": "0-0",
        },
        healthcheck={
            "test": ["CMD", "python3", "-m", "consumer.serve.healthcheck"],
            "interval": 2_000_000_000,
        },
    )  # fmt: skip # a table, or a call that is read as one
    try:
        yield container
    finally:
        container.remove(force=True)


def _rain(client: redis.Redis, seconds: int) -> int:
    """Publish entries of all kinds, and every now and then poison; trim what is settled. Return how many."""
    dice, sent, until = random.Random(7), 0, time.monotonic() + seconds  # noqa: S311 - repeatable, not secret
    next_poison = time.monotonic()
    while time.monotonic() < until:
        began = time.monotonic()
        flats = [entry(dice) for _ in range(PER_SECOND // 10)]
        if began >= next_poison:
            next_poison = began + POISON_EVERY_S
            flats += dice.choices(POISON, k=5)
        with client.pipeline(transaction=False) as pipe:
            for flat in flats:
                pipe.execute_command("XADD", STREAM, "*", *flat)
            pipe.execute()
        sent += len(flats)
        group: Any = client.xinfo_groups(STREAM)
        if group[0]["pending"] == 0 and group[0]["lag"] == 0:
            client.xtrim(STREAM, maxlen=0, approximate=False)
        client.xtrim(LETTERS, maxlen=1000)
        time.sleep(max(0.0, 0.1 - (time.monotonic() - began)))
    return sent


def _settled(client: redis.Redis) -> bool:
    group: Any = client.xinfo_groups(STREAM)
    return bool(group[0]["pending"] == 0 and group[0]["lag"] == 0)


def _judge(client: redis.Redis, sent: int) -> None:
    """See that as many decisions were written as entries sent, and of those that are kept none twice."""
    about: Any = client.xinfo_stream(RESULTS)
    assert about["entries-added"] == sent, (about["entries-added"], sent)
    rows: Any = client.xrange(RESULTS)
    kept = [fields["intent_id"] for _, fields in rows]
    assert len(kept) == len(set(kept))


def _resident(container: Any) -> int:
    """Return the most resident memory that the consumer's process ever had, in bytes."""
    status = container.exec_run(["cat", "/proc/1/status"]).output.decode()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def health(container: Any) -> str:
    container.reload()
    return str(container.attrs["State"]["Health"]["Status"])


def address(container: Any) -> str:
    container.reload()
    (network_of_it,) = container.attrs["NetworkSettings"]["Networks"].values()
    return str(network_of_it["IPAddress"])


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


if __name__ == "__main__":
    given = sys.argv[1:]
    main(int(given[0]) if given else 3600, given[1] if len(given) > 1 else "")
