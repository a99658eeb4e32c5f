"""Producers against a real Redis."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from itertools import islice, pairwise
from pathlib import Path

import redis

from sandbox.names import STREAM
from sandbox.producers.cli import published
from sandbox.producers.intents import intents
from sandbox.producers.publish import now_ms, publish, ticking

ROOT = Path(__file__).parents[3]


def as_text(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def test_an_entry_arrives_as_its_producer_wrote_it(empty_redis: redis.Redis) -> None:
    for entry in islice(intents(5, now_ms), 300):
        stream_id = publish(empty_redis, entry)
        ((_, fields),) = empty_redis.xrange(STREAM, stream_id, stream_id)
        assert fields == {name.encode(): as_text(value) for name, value in entry.fields.items()}


def test_twins_follow_each_other_by_about_two_milliseconds(empty_redis: redis.Redis) -> None:
    entries = list(islice(intents(5, now_ms, ("trading-bot",)), 200))
    ids = [int(publish(empty_redis, entry).split("-")[0]) for entry in entries]
    gaps_ms = [
        later - earlier
        for (earlier, later), entry in zip(pairwise(ids), entries[1:], strict=True)
        if entry.pause_ms
    ]
    assert gaps_ms
    assert min(gaps_ms) >= 2
    assert sorted(gaps_ms)[len(gaps_ms) // 2] <= 6


def test_a_producer_that_trims_keeps_about_ten_thousand(empty_redis: redis.Redis) -> None:
    pipeline = empty_redis.pipeline(transaction=False)
    for _ in range(12_000):
        pipeline.xadd(STREAM, {"symbol": "FILLERUSDT"})
    pipeline.execute()
    publish(empty_redis, next(iter(intents(5, now_ms, ("ai-engine",)))))
    assert 10_000 <= empty_redis.xlen(STREAM) < 10_200


def test_the_rate_is_kept(empty_redis: redis.Redis) -> None:
    began = time.monotonic()
    for _ in islice(published(empty_redis, intents(5, ticking(50.0), ("ai-engine",))), 50):
        pass
    assert 1.0 <= time.monotonic() - began < 2.0


def test_a_redis_that_is_away_loses_intents_but_not_the_producer(empty_redis: redis.Redis) -> None:
    away = redis.Redis(port=1, retry=None)
    entries = intents(5, now_ms)
    assert list(published(away, islice(entries, 3))) == []
    assert len(list(published(empty_redis, islice(entries, 3)))) == 3


def test_once_publishes_a_number_and_says_what_each_entry_means(empty_redis: redis.Redis) -> None:
    port = empty_redis.connection_pool.connection_kwargs["port"]
    lines = subprocess.check_output(
        [
            *(sys.executable, "-m", "sandbox", "producers", "--redis-url", f"redis://127.0.0.1:{port}/9"),
            *("--once", "20", "--seed", "5", "--producer", "manual"),
        ],
        cwd=ROOT,
        text=True,
    ).splitlines()
    told = [json.loads(line) for line in lines]
    assert [published["id"].encode() for published in told] == [
        stream_id for stream_id, _ in empty_redis.xrange(STREAM)
    ]
    assert all((published["expected"] is None) == bool(published["flaw"]) for published in told)
