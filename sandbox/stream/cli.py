"""`python -m sandbox seed-stream`: the incident's stream state, once."""

from __future__ import annotations

import argparse
import sys

import redis

from sandbox.connection import DEFAULT_URL, connect
from sandbox.stream.seed import StreamInTheWayError, as_json, seed


def main(arguments: list[str]) -> int:
    """Seed, print what there is as one JSON line, return 0; 1 with one sentence when it cannot."""
    parser = argparse.ArgumentParser(prog="python -m sandbox seed-stream", description=__doc__)
    parser.add_argument("--redis-url", default=DEFAULT_URL)
    asked = parser.parse_args(arguments)
    try:
        sys.stdout.write(as_json(seed(connect(asked.redis_url))) + "\n")
    except (redis.RedisError, StreamInTheWayError) as error:
        sys.stderr.write(f"the stream was not seeded: {error}\n")
        return 1
    return 0
