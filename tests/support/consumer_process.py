"""A real consumer process on a real Redis, and the words to ask both what happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from consumer.base import settings
from tests.support.redis_server import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import redis

ROOT = Path(__file__).parents[2]
NAMES = settings.Settings()
STREAM, GROUP = NAMES.stream, NAMES.group
RESULTS, LETTERS, HALT = settings.RESULT_STREAM, settings.DEAD_LETTER_STREAM, settings.HALT_KEY
PATIENCE_S = 20


def wait(what: str, is_so: Callable[[], Any], limit_s: float = PATIENCE_S) -> Any:
    """Wait until something is so, and return it."""
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        if answer := is_so():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"waited {limit_s} s in vain for {what}")


class Consumer:
    """`python -m consumer`, or `code` in its place, as a process; stdout goes to a file."""

    def __init__(self, url: str, log: Path, code: str = "", **variables: object) -> None:
        self.port = free_port()
        self.log = log
        named = {f"TRADE_INTENT_{name.upper()}": str(value) for name, value in variables.items()}
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TRADE_INTENT_")},
            "TRADE_INTENT_REDIS_URL": url,
            "TRADE_INTENT_CUTOVER_ID": "0-0",
            "TRADE_INTENT_BLOCK_MS": "200",
            "TRADE_INTENT_HTTP_PORT": str(self.port),
            **named,
        }
        program = ["-c", code] if code else ["-m", "consumer"]
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, *program], env=environment, cwd=ROOT, stdout=out, stderr=out
            )

    def get(self, page: str) -> tuple[int, dict[str, Any]]:
        """Return status and body of /healthz or /state; (0, {}) while nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{page}", timeout=2) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)
        except OSError:
            return 0, {}

    def state(self) -> dict[str, Any]:
        """Return /state."""
        return self.get("state")[1]

    def is_healthy(self) -> bool:
        """Tell whether /healthz answers 200."""
        return self.get("healthz")[0] == 200

    def healthy(self) -> Consumer:
        """Wait until /healthz answers 200."""
        wait("a healthy consumer", lambda: self.is_healthy() or self.died())
        return self

    def died(self) -> bool:
        """Fail with the log when the process has ended."""
        assert self.process.poll() is None, self.log.read_text()
        return False

    def problem(self, code: str) -> dict[str, Any] | None:
        """Return the fault or trouble with this code, if /state tells of it."""
        faults = self.state().get("faults", [])
        return next((fault for fault in faults if fault["code"] == code), None)

    def events(self) -> list[dict[str, Any]]:
        """Return the lines of the log; each must be JSON."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def kill(self) -> None:
        """End the process as the kernel would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> int:
        """Ask the process to end; return its exit code."""
        self.process.terminate()
        return self.process.wait(15)

    def close(self) -> None:
        """Make sure that the process is gone."""
        if self.process.poll() is None:
            self.kill()


def publish(client: redis.Redis, fields: Mapping[Any, Any] | None = None, /, **changes: Any) -> str:
    """Publish an entry, a flat one unless `fields` says otherwise; return its id."""
    flat = {
        "symbol": "NEARUSDT",
        "side": "BUY",
        "position_size_usd": "200",
        "entry_price": "1.5213",
        **changes,
    }
    given = fields or {name: value for name, value in flat.items() if value is not None}
    return str(client.xadd(STREAM, dict(given)))


def results(client: redis.Redis) -> list[dict[str, str]]:
    """Return all decisions, oldest first."""
    return [fields for _, fields in client.xrange(RESULTS)]  # type: ignore[misc, union-attr]  # a list, as asked


def letters(client: redis.Redis) -> list[dict[str, str]]:
    """Return all dead letters, oldest first."""
    return [fields for _, fields in client.xrange(LETTERS)]  # type: ignore[misc, union-attr]  # a list, as asked


def decision(client: redis.Redis, entry_id: str) -> dict[str, str]:
    """Wait for the decision on an entry; fail when there are two."""

    def found() -> list[dict[str, str]]:
        return [result for result in results(client) if result["intent_id"] == entry_id]

    (only,) = wait(f"a decision on {entry_id}", found)
    return dict(only)


def pending(client: redis.Redis) -> int:
    """Return how many entries are pending in the group."""
    return int(client.xpending(STREAM, GROUP)["pending"])  # type: ignore[index]  # a dictionary, as asked
