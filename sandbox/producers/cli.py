"""`python -m sandbox producers`: publish live intents, for ever or a given number at once."""

from __future__ import annotations

import argparse
import json
import sys
import time
from itertools import islice
from typing import TYPE_CHECKING

import redis

from sandbox.connection import DEFAULT_URL, connect
from sandbox.producers.intents import intents
from sandbox.producers.profiles import PROFILES
from sandbox.producers.publish import now_ms, publish, ticking

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sandbox.producers.entry import PublishedEntry


def main(arguments: list[str]) -> int:
    """Publish as asked; with `--once` print one JSON line per entry: id, producer, flaw, expected."""
    asked = _parser().parse_args(arguments)
    seed = asked.seed if asked.seed is not None else time.time_ns()
    client = connect(asked.redis_url)
    producers = asked.producer or tuple(PROFILES)
    if asked.once:
        _publish_once(client, islice(intents(seed, now_ms, producers), asked.once))
        return 0
    for _ in published(client, intents(seed, ticking(asked.rate), producers)):
        pass
    return 0


def published(client: redis.Redis, entries: Iterable[PublishedEntry]) -> Iterator[str]:
    """Publish each entry as it comes and yield its id; while Redis is away, entries are lost."""
    for entry in entries:
        try:
            yield publish(client, entry)
        except redis.RedisError as error:
            sys.stderr.write(f"an intent of {entry.producer} was not published: {error}\n")


def _publish_once(client: redis.Redis, entries: Iterable[PublishedEntry]) -> None:
    for entry in entries:
        line = {
            "id": publish(client, entry),
            "producer": entry.producer,
            "flaw": entry.flaw,
            "expected": entry.expected and entry.expected.as_json(),
        }
        sys.stdout.write(json.dumps(line) + "\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox producers", description=__doc__)
    parser.add_argument("--redis-url", default=DEFAULT_URL)
    parser.add_argument("--producer", action="append", choices=tuple(PROFILES), help="default: all of them")
    parser.add_argument("--rate", type=float, default=3.0, help="entries per second")
    parser.add_argument("--seed", type=int, help="the same seed gives the same entries; default: the time")
    parser.add_argument("--once", type=int, metavar="N", help="publish N entries at once, print them, end")
    return parser
