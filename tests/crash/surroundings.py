"""Starts what a crash test needs: one Redis, an exchange process for each lane, and a folder for each."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING

import redis

from tests.crash.lane import SYMBOLS, Lane
from tests.support.exchange import ADMIN_KEY, READING, TRADING
from tests.support.limits import limits
from tests.support.redis_server import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIMITS = limits(SYMBOLS)


@contextlib.contextmanager
def lanes(folder: Path, count: int) -> Iterator[list[Lane]]:
    """Give `count` lanes, each with an exchange of its own; all of it ends with the block."""
    with contextlib.ExitStack() as running:
        redis_port = running.enter_context(_redis(folder, count))
        yield [
            running.enter_context(_lane(folder / f"lane_{number}", number, redis_port))
            for number in range(count)
        ]


@contextlib.contextmanager
def _lane(folder: Path, number: int, redis_port: int) -> Iterator[Lane]:
    secrets = folder / "secrets"
    secrets.mkdir(parents=True)
    for name, value in (("binance_api_key", TRADING.key), ("binance_api_secret", TRADING.secret)):
        (secrets / name).write_text(value)
        (secrets / name).chmod(0o400)
    (folder / "limits.json").write_text(json.dumps(LIMITS))
    with _exchange(folder) as url:
        yield Lane(folder, number, redis_port, url, ADMIN_KEY)


@contextlib.contextmanager
def _exchange(folder: Path) -> Iterator[str]:
    keys = folder / "keys.json"
    keys.write_text(json.dumps([access.__dict__ for access in (TRADING, READING)]))
    admin = folder / "admin_key"
    admin.write_text(ADMIN_KEY)
    port = free_port()
    command = [
        sys.executable, "-m", "sandbox", "exchange", "--host", "127.0.0.1", "--port", str(port),
        "--keys", str(keys), "--admin-key-file", str(admin), "--ledger", str(folder / "ledger.jsonl"),
    ]  # fmt: skip # a table, or a call that is read as one
    with _process(command):
        url = f"http://127.0.0.1:{port}"
        _wait(lambda: urllib.request.urlopen(f"{url}/fapi/v1/ping", timeout=1), "the exchange")  # noqa: S310 - on loopback
        yield url


@contextlib.contextmanager
def _redis(folder: Path, databases: int) -> Iterator[int]:
    program = shutil.which("redis-server")
    assert program, "redis-server is missing: run `make setup`, it installs what the tests need"
    port = free_port()
    command = [
        program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder),
        "--databases", str(databases),
    ]  # fmt: skip # a table, or a call that is read as one
    with _process(command):
        _wait(redis.Redis(port=port).ping, "redis-server")
        yield port


@contextlib.contextmanager
def _process(command: list[str]) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def _wait(answers: object, what: str) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError, redis.RedisError):
            answers()  # type: ignore[operator]  # any callable
            return
        time.sleep(0.05)
    raise AssertionError(f"{what} did not answer within 30 s")
