"""A million entries of every kind through the real consumer: each accounted for once, nothing slow, memory
flat.

Usage: python -m tests.storm.fuzz [entries] [seed]
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consumer.base import settings
from consumer.intents.context import context_for
from consumer.intents.decide import decide, decide_undecoded
from consumer.intents.entry import Entry
from tests.storm.entries import entry
from tests.support.consumer_process import GROUP, LETTERS, RESULTS, STREAM, Consumer, wait
from tests.support.redis_server import running_redis

if TYPE_CHECKING:
    import redis

ROUND = 2000
#: What one entry may take of the processor, in seconds, and by how much memory may grow once it is warm.
MOST_S, MOST_GROWTH_MB = 0.05, 20
WARM_ROUNDS = 10


def main(count: int, seed: int) -> None:
    """Send `count` entries, round by round; raise AssertionError at the first round that fails."""
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    with tempfile.TemporaryDirectory() as folder, running_redis(Path(folder)) as server:
        client = server.client(encoding_errors="surrogateescape")
        client.xgroup_create(STREAM, GROUP, "$", mkstream=True)
        consumer = Consumer(server.url, Path(folder) / "log", block_ms=200, duplicate_window_ms=5)
        try:
            consumer.healthy()
            _storm(client, consumer, dice, count)
        finally:
            consumer.close()


def _storm(client: redis.Redis, consumer: Consumer, dice: random.Random, count: int) -> None:
    statuses: Counter[str] = Counter()
    slowest, warm_mb, began = 0.0, 0.0, time.monotonic()
    for number in range(1, count // ROUND + 1):
        flats = [entry(dice) for _ in range(ROUND)]
        ids = _published(client, flats)
        wait("a round", lambda: client.xlen(RESULTS) == ROUND, limit_s=60)
        statuses.update(_accounted(client, ids))
        slowest = max(slowest, *(_took_s(id_, flat) for id_, flat in zip(ids, flats, strict=True)))
        assert slowest < MOST_S, slowest
        memory = _memory_mb(consumer)
        warm_mb = memory if number <= WARM_ROUNDS else warm_mb
        assert memory < warm_mb + MOST_GROWTH_MB, (memory, warm_mb)
        if number % 50 == 0:
            say(f"{number * ROUND:,} entries, {time.monotonic() - began:.0f} s, {memory:.0f} MB")
    assert consumer.is_healthy(), consumer.state()
    assert consumer.state()["counters"]["consumer_errors"] == 0
    say(f"each once: {dict(statuses)}")
    say(f"the slowest took {slowest * 1000:.1f} ms; {warm_mb:.0f} MB when warm, {memory:.0f} MB at the end")


def say(line: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _published(client: redis.Redis, flats: list[list[bytes]]) -> list[str]:
    client.xtrim(STREAM, maxlen=0, approximate=False)
    client.delete(RESULTS, LETTERS)
    with client.pipeline(transaction=False) as pipe:
        for flat in flats:
            pipe.execute_command("XADD", STREAM, "*", *flat)
        return [str(id_) for id_ in pipe.execute()]


def _accounted(client: redis.Redis, ids: list[str]) -> list[str]:
    """Return the statuses, after seeing that each entry has one decision, and each invalid one a letter."""
    rows: Any = client.xrange(RESULTS)
    decided = [fields["intent_id"] for _, fields in rows]
    assert sorted(decided) == sorted(ids), (len(decided), len(set(decided)), len(ids))
    invalid = {fields["intent_id"] for _, fields in rows if fields["status"] == "invalid"}
    letters: Any = client.xrange(LETTERS)
    assert sorted(fields["original_id"] for _, fields in letters) == sorted(invalid)
    pending: Any = client.xpending(STREAM, GROUP)
    assert pending["pending"] == 0
    return [fields["status"] for _, fields in rows]


CONTEXT = context_for(settings.from_environment({"TRADE_INTENT_CUTOVER_ID": "0-0"}))


def _took_s(entry_id: str, flat: list[bytes]) -> float:
    """Return the processor's time that deciding takes, in seconds."""
    now_ms = time.time_ns() // 1_000_000
    began = time.process_time()
    delivered = Entry.of(entry_id, flat, CONTEXT.settings.entry_max_bytes)
    if decide_undecoded(delivered, CONTEXT) is None:
        decide(entry_id, delivered.fields or {}, now_ms, CONTEXT)
    return time.process_time() - began


def _memory_mb(consumer: Consumer) -> float:
    status = Path(f"/proc/{consumer.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*(given + [1_000_000, 7][len(given) :]))
