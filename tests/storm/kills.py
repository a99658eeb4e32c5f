"""A hundred SIGKILLs and a hundred SIGTERMs on two replicas under load, with Redis failing in between.

Usage: python -m tests.storm.kills [of each] [seed]
"""

from __future__ import annotations

import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import redis

from tests.support.consumer_process import GROUP, RESULTS, STREAM, Consumer, wait
from tests.support.redis_server import RedisServer, running_redis

if TYPE_CHECKING:
    from collections.abc import Callable

SETTINGS = {
    "claim_idle_ms": 1000,
    "block_ms": 200,
    "duplicate_window_ms": 0,
    "batch": 50,
    "result_maxlen": 10_000_000,
}
#: How long SIGTERM may take, in seconds.
END_S = 10


class Load:
    """Publishes about a thousand entries a second until it is told to stop, through whatever Redis does."""

    def __init__(self, server: RedisServer) -> None:
        self._client, self.ids, self._ended = server.client(), list[str](), threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        number = 0
        while not self._ended.wait(0.01):
            for _ in range(10):
                number += 1
                fields = {
                    "symbol": "NEARUSDT",
                    "side": ("BUY", "SELL")[number % 2],
                    "position_size_usd": "200",
                    "entry_price": "1.5",
                    "trace_id": str(number),
                }
                try:
                    self.ids.append(str(self._client.xadd(STREAM, fields)))
                except redis.ResponseError:
                    continue


def failures(client: redis.Redis) -> list[Callable[[float], None]]:
    """Return what can befall Redis, each for some seconds."""

    def paused(seconds: float) -> None:
        client.client_pause(int(seconds * 1000))
        time.sleep(seconds)

    def without_memory(seconds: float) -> None:
        client.config_set("maxmemory", 1)
        time.sleep(seconds)
        client.config_set("maxmemory", 0)

    def cut(_seconds: float) -> None:
        client.client_kill_filter(_type="normal", skipme=True)

    def wrong_type(seconds: float) -> None:
        with client.pipeline(transaction=True) as pipe:  # nothing may be written in between
            pipe.rename(RESULTS, "kept").set(RESULTS, "x").execute()
        time.sleep(seconds)
        client.rename("kept", RESULTS)

    return [paused, without_memory, cut, wrong_type]


def main(of_each: int, seed: int) -> None:
    """Kill, stop and fail by turns; raise AssertionError unless each entry has exactly one decision."""
    dice = random.Random(seed)  # noqa: S311 - repeatable, not secret
    with tempfile.TemporaryDirectory() as folder, running_redis(Path(folder)) as server:
        client = server.client()
        client.xgroup_create(STREAM, GROUP, "$", mkstream=True)
        client.xadd(RESULTS, {"source": "storm"})
        _storm(client, server, Path(folder), dice, of_each)


def _storm(client: redis.Redis, server: RedisServer, folder: Path, dice: random.Random, of_each: int) -> None:
    turns = [signal.SIGKILL, signal.SIGTERM] * of_each
    dice.shuffle(turns)
    longest_s, befalls = 0.0, failures(client)

    def start(replica: int) -> Consumer:
        return Consumer(server.url, folder / f"{replica}.log", replica=replica, **SETTINGS)

    replicas = [start(0), start(1)]
    with Load(server) as load:
        for turn, kind in enumerate(turns):
            time.sleep(dice.uniform(0.05, 1.2))
            if turn % 5 == 0:
                dice.choice(befalls)(dice.uniform(0.1, 1.5))
            which = dice.randrange(2)
            began = time.monotonic()
            replicas[which].process.send_signal(kind)
            code = replicas[which].process.wait(15)
            if kind == signal.SIGTERM:
                longest_s = max(longest_s, time.monotonic() - began)
                assert code == 0, replicas[which].log.read_text()[-2000:]
            replicas[which] = start(which)
    wait("an end", lambda: _settled(client), limit_s=60)
    _judge(client, load.ids, longest_s)
    for replica in replicas:
        replica.close()


def _settled(client: redis.Redis) -> bool:
    group: Any = client.xinfo_groups(STREAM)
    return bool(group[0]["pending"] == 0 and group[0]["lag"] == 0)


def _judge(client: redis.Redis, ids: list[str], longest_s: float) -> None:
    rows: Any = client.xrange(RESULTS)
    times = Counter(fields["intent_id"] for _, fields in rows if fields["source"] != "storm")
    statuses = Counter(fields["status"] for _, fields in rows if fields["source"] != "storm")
    missing, doubled = [id_ for id_ in ids if id_ not in times], [id_ for id_, n in times.items() if n > 1]
    assert not missing, (len(missing), missing[:5])
    assert not doubled, (len(doubled), doubled[:5])
    assert longest_s < END_S, longest_s
    sys.stdout.write(
        f"{len(ids):,} entries, each once: {dict(statuses)}; the longest SIGTERM took {longest_s:.2f} s\n"
    )


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*(given + [100, 7][len(given) :]))
