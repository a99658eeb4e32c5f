"""One consumer's surroundings: a Redis database, an exchange, a journal's folder, and its processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import redis

from tests.crash.judge import CrashVerdict, Span, judge
from tests.support.limits import LEVERAGE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STREAM = "quantum:stream:trade.intent"
GROUP = "quantum:group:trade_intent_consumer:trade.intent"
RESULTS = "quantum:stream:execution.result"
#: An intent each, so that the second crash has something new to die at when the first is already settled.
SYMBOLS = ("ADAUSDT", "SEIUSDT")
#: What `python -m consumer` does, with a folder of secrets of our own.
_START = (
    "import os, sys; from pathlib import Path; from consumer.__main__ import main;"
    " sys.exit(main([], os.environ, Path(sys.argv[1])))"
)
#: Seconds until a run that should have died, or finished, counts as stuck.
PATIENCE_S = 60.0


class StuckError(AssertionError):
    """Raised when a process neither died where it should nor finished."""


@dataclass
class CaseRun:
    """What one case came to. `fired` are the points at which a process really died, in order."""

    points: tuple[str, ...]
    fired: list[str] = field(default_factory=list)
    verdict: CrashVerdict = field(default_factory=CrashVerdict)
    seconds: float = 0.0
    error: str = ""

    @property
    def is_clean(self) -> bool:
        return not self.error and self.fired == list(self.points) and self.verdict.is_clean


class Lane:
    """Runs cases one after the other."""

    def __init__(self, folder: Path, number: int, redis_port: int, exchange_url: str, admin_key: str) -> None:
        self._folder = folder
        self._number = number
        self._redis_url = f"redis://127.0.0.1:{redis_port}/{number}"
        self._redis = redis.Redis(port=redis_port, db=number, decode_responses=True)
        self._exchange_url = exchange_url
        self._admin_key = admin_key
        self._cases = 0

    def run(self, points: tuple[str, ...]) -> CaseRun:
        """Crash at each point in turn, then let a last process finish, and judge."""
        case, began = CaseRun(points), time.monotonic()
        try:
            self._run(case)
        except (StuckError, OSError, redis.RedisError) as error:
            case.error = f"{type(error).__name__}: {error}"
        case.seconds = time.monotonic() - began
        return case

    def _run(self, case: CaseRun) -> None:
        self._reset()
        spans: list[Span] = []
        symbols: dict[str, str] = {}
        for number, point in enumerate(case.points):
            symbols[self._publish(SYMBOLS[number])] = SYMBOLS[number]
            spans.append(self._until_death(point, case))
        spans.append(self._until_settled(symbols))
        case.verdict = judge(self._control("GET", "/sandbox/ledger"), symbols, self._decisions(), spans)

    def _reset(self) -> None:
        self._cases += 1
        self._redis.flushdb()
        self._redis.xgroup_create(STREAM, GROUP, "$", mkstream=True)
        self._control("POST", "/sandbox/reset")
        self._control("POST", "/sandbox/account", {"leverage": dict.fromkeys(SYMBOLS, LEVERAGE)})
        for name in ("journal", "log", "fired"):
            for path in self._folder.glob(f"{name}*"):
                path.unlink()

    def _publish(self, symbol: str) -> str:
        price = self._prices()[symbol]
        fields = {
            "symbol": symbol,
            "side": "BUY",
            "position_size_usd": "200",
            "entry_price": price,
            "confidence": "0.8",
        }
        return str(self._redis.xadd(STREAM, fields))

    def _prices(self) -> dict[str, str]:
        prices = json.load(urllib.request.urlopen(f"{self._exchange_url}/fapi/v1/premiumIndex", timeout=5))  # noqa: S310 - on loopback
        return {price["symbol"]: price["markPrice"] for price in prices}

    def _until_death(self, point: str, case: CaseRun) -> Span:
        written, process = len(self._log()), self._start(point)
        try:
            code = process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise StuckError(f"{point} never fired: {self._tail()}") from None
        if code != -9:
            raise StuckError(f"exit code {code} instead of a death at {point}: {self._tail()}")
        case.fired = (self._folder / "fired").read_text().split()
        return self._span(written)

    def _until_settled(self, symbols: dict[str, str]) -> Span:
        written, process = len(self._log()), self._start("")
        try:
            self._wait_settled(len(symbols), process)
            self._wait(lambda: '"event": "reading"' in self._log()[written:], process)
        finally:
            process.terminate()
            try:
                code = process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
        if code:
            raise StuckError(f"the last process ended with {code}: {self._tail()}")
        return self._span(written)

    def _span(self, written: int) -> Span:
        """Return when the last process said its first word, when the exchange first answered it, and now."""
        lines = [json.loads(line) for line in self._log()[written:].splitlines()]
        times = [int(datetime.fromisoformat(line["timestamp"]).timestamp() * 1000) for line in lines]
        answered = (at for at, line in zip(times, lines, strict=True) if line["event"] == "exchange_clock")
        return Span(times[0], next(answered, times[0]), _now_ms())

    def _wait_settled(self, count: int, process: subprocess.Popen[bytes]) -> None:
        def settled() -> bool:
            return len(self._decisions()) >= count and not self._redis.xpending(STREAM, GROUP)["pending"]

        self._wait(settled, process)
        time.sleep(0.3)  # whatever would be decided twice has the time to be

    def _wait(self, done: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not done():
            if process.poll() is not None:
                raise StuckError(f"the last process ended with {process.returncode}: {self._tail()}")
            if time.monotonic() > deadline:
                raise StuckError(f"not settled within {PATIENCE_S:.0f} s: {self._tail()}")
            time.sleep(0.05)

    def _decisions(self) -> list[dict[str, str]]:
        entries = self._redis.xrange(RESULTS)
        return [decision for _, decision in entries if decision.get("source") == "trade_intent_consumer"]

    def _start(self, point: str) -> subprocess.Popen[bytes]:
        log = (self._folder / "log").open("ab")
        with log:
            return subprocess.Popen(
                [sys.executable, "-c", _START, str(self._folder / "secrets")],
                env={
                    **os.environ,
                    **self._settings(),
                    "CONSUMER_FAILPOINTS": point,
                    "CONSUMER_FAILPOINTS_LOG": str(self._folder / "fired"),
                },
                stdout=log,
                stderr=log,
            )

    def _settings(self) -> dict[str, str]:
        named = {
            "MODE": "live",
            "VENUE": "simulator",
            "VENUE_URL": f"{self._exchange_url}/fapi",
            "REDIS_URL": self._redis_url,
            "JOURNAL_URL": f"sqlite:///{self._folder / 'journal.sqlite'}",
            "LIMITS_FILE": str(self._folder / "limits.json"),
            "CUTOVER_ID": "0-0",
            "HTTP_PORT": str(22_100 + self._number),
            "BLOCK_MS": "100",
            "BATCH": "10",
        }
        return {f"TRADE_INTENT_{name}": value for name, value in named.items()}

    def _tail(self) -> str:
        return self._log()[-1500:]

    def _log(self) -> str:
        path = self._folder / "log"
        return path.read_text() if path.exists() else ""

    def _control(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(  # noqa: S310 - on loopback
            self._exchange_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"X-Sandbox-Admin-Key": self._admin_key, "Content-Type": "application/json"},
        )
        return json.load(urllib.request.urlopen(request, timeout=10))  # noqa: S310 - likewise


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
