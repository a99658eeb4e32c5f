"""Redis processes of the tests' own, on free loopback ports."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import redis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class RedisServer:
    """A redis-server process of the tests' own."""

    port: int
    unix_socket: str
    version: str

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self, **options: object) -> redis.Redis:
        return redis.Redis(port=self.port, decode_responses=True, **options)  # type: ignore[call-overload, no-any-return]  # options are passed on as they come


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_redis(folder: Path) -> Iterator[RedisServer]:
    """Run a redis-server that answers on a free loopback port, until the block ends."""
    process, server = _start(folder)
    try:
        yield server
    finally:
        process.kill()
        process.wait(10)


def _start(folder: Path) -> tuple[subprocess.Popen[bytes], RedisServer]:
    program = shutil.which("redis-server")
    assert program, "redis-server is missing: run `make setup`, it installs what the tests need"
    port = free_port()
    unix_socket = str(folder / "redis.sock")
    process = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--unixsocket", unix_socket, "--save", "",
         "--dir", str(folder), "--daemonize", "no"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip # a table, or a call that is read as one
    client = redis.Redis(port=port)
    for _ in range(100):
        try:
            version = str(client.info("server")["redis_version"])
            break
        except redis.ConnectionError:
            time.sleep(0.05)
    else:
        process.kill()
        raise AssertionError("redis-server did not answer within 5 s")
    return process, RedisServer(port, unix_socket, version)
