"""A stand-in is healthy while it does what it is there for."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.names import STREAM
from sandbox.standin import PublishProgress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest
    import redis

ROOT = Path(__file__).parents[3]


@contextmanager
def standin(port: int, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox", "standin", f"--port={port}", *arguments], cwd=ROOT
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def health(port: int) -> int:
    for _ in range(50):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=1) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            time.sleep(0.1)
    return 0


def test_an_idle_one_is_healthy_and_ends_cleanly(unused_tcp_port: int) -> None:
    with standin(unused_tcp_port) as process:
        assert health(unused_tcp_port) == 200
        process.terminate()
        assert process.wait(5) == 0


def test_a_producing_one_publishes(unused_tcp_port: int, empty_redis: redis.Redis) -> None:
    port = empty_redis.connection_pool.connection_kwargs["port"]
    producing = ("--producer=ai-engine", "--rate=50", f"--redis-url=redis://127.0.0.1:{port}/9")
    with standin(unused_tcp_port, *producing):
        assert health(unused_tcp_port) == 200
        assert _soon(lambda: empty_redis.xlen(STREAM) > 10)


def test_one_that_has_not_published_for_long_is_unhealthy(monkeypatch: pytest.MonkeyPatch) -> None:
    progress = PublishProgress(idle=False)
    assert progress.healthy
    monkeypatch.setattr("sandbox.standin._SILENT_TOO_LONG_S", 0.0)
    assert not progress.healthy


def _soon(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False
