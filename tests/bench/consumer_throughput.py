"""Measure the draining consumer: decisions a second, its own CPU for each, its memory, beside a plain client.

The consumer is the real process on a real Redis, stopped while the stream is filled and then let go. The peer
is what one would write first: redis-py, a batch of 500, the same judgement, a transaction of XADD and XACK
for each entry. It asks nobody whether an entry is still pending, whether there is a halt, or a twin.

Usage: python tests/bench/consumer_throughput.py [entries] [rounds]
"""

from __future__ import annotations

import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import redis

from consumer.base import settings
from consumer.intents import filters
from consumer.intents.context import context_for
from consumer.intents.decide import decide
from consumer.rehearse import published
from consumer.stream.result_writer import NO_ORDERS, shared_fields
from consumer.stream.seal import Seal
from tests.support.redis_server import RedisServer, free_port, running_redis

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = settings.Settings()
PEER_BATCH = 500
#: Entries are a millisecond apart, and a symbol and direction comes back after more than this: no twins.
WINDOW_MS = 10
ENVIRONMENT = {"TRADE_INTENT_CUTOVER_ID": "0-0", "TRADE_INTENT_DUPLICATE_WINDOW_MS": str(WINDOW_MS)}
CPU_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
LIMIT_S = 120


@dataclass(frozen=True)
class Throughput:
    """One run: decisions a second, the client's CPU microseconds for each, and its memory in MB."""

    rate: float
    cpu_us: float
    memory_mb: float


def payload(dice: random.Random, symbol: str, side: str, at_ms: int) -> str:
    """Return the payload of a wrapped intent with the fields that the ai-engine publishes."""
    price = round(dice.uniform(0.5, 2.0), 4)
    return json.dumps(
        {
            "symbol": symbol,
            "side": side,
            "position_size_usd": round(dice.uniform(150, 200), 2),
            "leverage": 1,
            "entry_price": price,
            "stop_loss": price * 0.98,
            "take_profit": price * 1.04,
            "confidence": round(dice.uniform(0.5, 0.95), 2),
            "timestamp": datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(),
            "model": "ensemble",
            "meta_strategy": "trend",
            "atr_value": round(dice.uniform(0.02, 0.1), 4),
            "volatility_factor": round(dice.uniform(0.5, 3.5), 4),
            "exchange_divergence": 0.0,
            "funding_rate": 0.0,
            "regime": "unknown",
        }
    )


def fill(client: redis.Redis, count: int, ago_ms: int = 0) -> None:
    """Put `count` wrapped intents into the stream, the last `ago_ms` old, and the group before them."""
    dice = random.Random(7)  # noqa: S311 - the same entries every time, not a secret
    cheap = {
        name: symbol
        for name, symbol in filters.load().symbols.items()
        if symbol.tick < 1 and symbol.step >= 0.1
    }
    turns = [(symbol, side) for symbol in sorted(cheap) for side in ("BUY", "SELL")]
    client.flushall()
    client.xgroup_create(NAMES.stream, NAMES.group, "0", mkstream=True)
    first_ms = int(time.time() * 1000) - count - ago_ms
    pipe = client.pipeline(transaction=False)
    for number in range(count):
        symbol, side = turns[number % len(turns)]
        body = payload(dice, symbol, side, first_ms + number)
        entry: dict[Any, Any] = {
            "event_type": "trade.intent",
            "payload": body,
            "trace_id": f"trace-{number:08x}",
            "source": "ai-engine",
            "timestamp": "2026-01-01T00:00:00",
        }
        pipe.xadd(NAMES.stream, entry, id=f"{first_ms + number}-0")
        if number % 1000 == 0:
            pipe.execute()
    pipe.execute()


@contextmanager
def consumer(server: RedisServer, batch: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run the real consumer until it is healthy, and end it afterwards."""
    port = free_port()
    environment = {
        **os.environ,
        **ENVIRONMENT,
        "TRADE_INTENT_REDIS_URL": server.url,
        "TRADE_INTENT_HTTP_PORT": str(port),
        "TRADE_INTENT_BATCH": str(batch),
    }
    process = subprocess.Popen([sys.executable, "-m", "consumer"], env=environment, stdout=subprocess.DEVNULL)
    try:
        wait_healthy(port)
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(15)


def wait_healthy(port: int) -> None:
    """Wait until the consumer on this port says that it makes progress."""
    for _ in range(500):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):
                return
        except OSError:
            time.sleep(0.02)
    raise TimeoutError("the consumer did not become healthy")


def measure_consumer(server: RedisServer, count: int, batch: int) -> Throughput:
    """Let the real consumer drain `count` entries."""
    client = server.client()
    fill(client, 1, ago_ms=10 * count)  # what comes later must have later ids: what is decided stays so
    with consumer(server, batch) as process:
        process.send_signal(signal.SIGSTOP)
        fill(client, count)
        used = cpu_s(process.pid)
        began = time.perf_counter()
        process.send_signal(signal.SIGCONT)
        wait_decided(client, count)
        wall = time.perf_counter() - began
        return Throughput(count / wall, (cpu_s(process.pid) - used) / count * 1e6, memory_mb(process.pid))


def measure_peer(server: RedisServer, count: int) -> Throughput:
    """Do the same with a plain client, in a process of its own."""
    client = server.client()
    fill(client, count)
    process = subprocess.Popen([sys.executable, __file__, "peer", server.url], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)  # fmt: skip # a table, or a call that is read as one
    said, _ = process.communicate(timeout=LIMIT_S)
    wait_decided(client, count)
    return Throughput(*json.loads(said))


def peer(url: str) -> None:
    """Be the plain client: read, judge, and publish and acknowledge in a transaction."""
    context = context_for(settings.from_environment(ENVIRONMENT))
    client = redis.Redis.from_url(url, protocol=2)
    used, began, count = time.process_time(), time.perf_counter(), 0
    while reply := client.xreadgroup(NAMES.group, "peer", {NAMES.stream: ">"}, count=PEER_BATCH):
        now_ms = time.time_ns() // 1_000_000
        with client.pipeline(transaction=True) as pipe:
            for entry_id, fields in reply[0][1]:
                decision = published(decide(entry_id.decode(), fields, now_ms, context), now_ms, context)
                pipe.xadd(settings.RESULT_STREAM, decision, maxlen=100_000, approximate=True)
                pipe.xack(NAMES.stream, NAMES.group, entry_id)
            pipe.execute()
        count += len(reply[0][1])
    wall = time.perf_counter() - began
    cpu_us = (time.process_time() - used) / count * 1e6
    sys.stdout.write(json.dumps([count / wall, cpu_us, memory_mb(os.getpid())]))


def wait_decided(client: redis.Redis, count: int) -> None:
    """Wait for all decisions and for nothing pending, and see that nearly all are whole plans."""
    until = time.monotonic() + LIMIT_S
    while info(client)["entries-added"] < count or client.xpending(NAMES.stream, NAMES.group)["pending"]:
        if time.monotonic() > until:
            raise TimeoutError(f"{info(client)['entries-added']} of {count} decided")
        time.sleep(0.005)
    newest: Any = client.xrevrange(settings.RESULT_STREAM, count=1000)
    drained = sum(fields["reason"] == "DRAIN" for _, fields in newest)
    if drained < 0.95 * len(newest):
        raise ValueError(f"only {drained} of {len(newest)} decisions are whole plans: {newest[0]}")


def info(client: redis.Redis) -> Any:
    """Return XINFO STREAM of the results."""
    try:
        return client.xinfo_stream(settings.RESULT_STREAM)
    except redis.ResponseError:
        return {"entries-added": 0}


def cpu_s(pid: int) -> float:
    """Return the CPU seconds, user and system, that a process has used."""
    numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(numbers[11]) + int(numbers[12])) * CPU_TICK_S


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def show(name: str, runs: list[Throughput]) -> None:
    """Print the median, and the range of the rate."""
    rates = sorted(run.rate for run in runs)
    sys.stdout.write(
        f"{name:<28} {statistics.median(rates):>8,.0f}/s ({rates[0]:,.0f}-{rates[-1]:,.0f})"
        f"  {statistics.median(run.cpu_us for run in runs):>6.1f} us CPU each"
        f"  {statistics.median(run.memory_mb for run in runs):>6.1f} MB\n"
    )


def seal_us(repeats: int = 20_000) -> tuple[float, int]:
    """Return what a seal costs, in microseconds, as the best of five; and the bytes of what it is of."""
    context = context_for(settings.from_environment(ENVIRONMENT))
    at_ms = int(time.time() * 1000)
    body = payload(random.Random(7), "NEARUSDT", "BUY", at_ms).encode()  # noqa: S311 - repeatable, not secret
    decision = decide(f"{at_ms}-0", {b"payload": body, b"trace_id": b"trace-00000000"}, at_ms, context)
    seal = Seal("k" * 64, shared_fields(context))
    runs = timeit.repeat(lambda: seal.of(decision, NO_ORDERS), number=repeats, repeat=5)
    return min(runs) / repeats * 1e6, len(decision.plan_json)


def main(count: int, rounds: int) -> None:
    """Measure in turns, so that the machine's moods hit all alike."""
    with tempfile.TemporaryDirectory() as folder, running_redis(Path(folder)) as server:
        by_peer: dict[str, list[Throughput]] = {}
        for _ in range(rounds):
            for batch in (NAMES.batch, 500):
                by_peer.setdefault(f"consumer, batch {batch}", []).append(
                    measure_consumer(server, count, batch)
                )
            by_peer.setdefault("plain redis-py pipeline", []).append(measure_peer(server, count // 4))
        for name, runs in by_peer.items():
            show(name, runs)
        cost_us, size = seal_us()
        sys.stdout.write(f"a seal of a plan of {size} bytes   {cost_us:.2f} us\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["peer"]:
        peer(sys.argv[2])
    else:
        given = [int(argument) for argument in sys.argv[1:]]
        main(*(given + [100_000, 3][len(given) :]))
