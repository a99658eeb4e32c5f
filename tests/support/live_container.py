"""Live mode as a container of the deployed image, in the drained consumer's place, at the sandbox's exchange.

No playbook starts live mode: the tests do it with the engine's own commands, and take all of it away again.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support import stack
from tests.support.limits import LEVERAGE, limits
from tests.support.playbooks import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import redis

EXCHANGE = "quantum_exchange"
EXCHANGE_NETWORK = "quantum_exchange_net"
NAME = "quantum_trade_intent_consumer.live_test"
JOURNAL = "trade_intent_live_test_journal"
#: Where Redis keeps which journal it has seen.
JOURNAL_MEMORY = "quantum:trade_intent:journal"
PRODUCERS = ("quantum_trading_bot", "quantum_ai_engine", "quantum_backend")
#: All that the exchange lists, as the stack publishes intents for all of them.
SYMBOLS = ("BTCUSDT", "ETHUSDT", "ADAUSDT", "SEIUSDT", "CFXUSDT")
LIMITS = limits(
    SYMBOLS,
    orders_per_minute=120,
    max_open_positions=5,
    max_executions_per_symbol={"count": 20, "window_s": 60},
)
_ASK = (
    "import sys, urllib.request as u; "
    "print(u.urlopen('http://127.0.0.1:8080' + sys.argv[1], sys.stdin.buffer.read() or None).read().decode())"
)
_UID = 10001


@dataclass(frozen=True)
class LiveConsumer:
    """The running container, and the Redis that it shares with the stack."""

    redis: redis.Redis

    def publish(self, **fields: str) -> str:
        """Publish a flat intent to buy for 200 USD, unless the fields say otherwise. Returns its id."""
        intent = {"side": "BUY", "position_size_usd": "200", "confidence": "0.8", **fields}
        return str(self.redis.xadd(stack.STREAM, intent))  # type: ignore[arg-type]  # texts are fine

    def decision(self, entry_id: str, within_s: float = 20.0) -> dict[str, Any]:
        """Wait for the decision about an entry; its plan and orders are decoded."""
        until = time.monotonic() + within_s
        while time.monotonic() < until:
            for _, fields in self.redis.xrevrange(stack.RESULTS, min=entry_id):
                if fields["intent_id"] == entry_id:
                    return {**fields, **{name: json.loads(fields[name]) for name in ("plan", "orders")}}
            time.sleep(0.1)
        raise AssertionError(f"no decision about {entry_id} within {within_s:.0f} s: {logs()}")

    def told(self, name: str, order_id: str) -> dict[str, Any]:
        """Return the one payload about an order in a stream that others read."""
        payloads = [
            json.loads(fields["payload"]) for _, fields in self.redis.xrange(f"quantum:stream:{name}")
        ]
        (payload_of_order,) = (payload for payload in payloads if payload["order_id"] == order_id)
        return dict(payload_of_order)

    def state(self) -> dict[str, Any]:
        """Return what /state says, asked inside the container."""
        ask = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9108/state').read().decode())"
        return dict(json.loads(stack.docker("exec", NAME, "python3", "-c", ask)))


def exchange(path: str, body: Any = None) -> Any:
    """Ask a control route of the exchange, from inside its container. Returns its answer."""
    text = "" if body is None else json.dumps(body)
    return json.loads(stack.docker("exec", "-i", EXCHANGE, "python3", "-c", _ASK, path, stdin=text))


def move(symbol: str, mark: str) -> None:
    """Move the mark price; stops trigger and resting orders fill before this returns."""
    exchange("/sandbox/price", {"symbol": symbol, "mark": mark})


def position(symbol: str) -> str:
    """Return the amount of the symbol's position, 0 when flat."""
    held = [
        position["amount"]
        for position in exchange("/sandbox/ledger")["positions"]
        if position["symbol"] == symbol
    ]
    return next((amount for amount in held if float(amount)), "0")


def logs() -> str:
    return stack.docker("logs", "--tail", "30", NAME, check=False)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hold the stack's own intents back: they would trade the symbols that a test wants to itself."""
    stack.docker("pause", *PRODUCERS)
    try:
        client = stack.redis_client()
        stack.wait_until("settling what was published", lambda: stack.is_settled(client), 20)
        yield
    finally:
        stack.docker("unpause", *PRODUCERS)


@contextlib.contextmanager
def producers() -> Iterator[None]:
    """Let the stack publish for a while that is quiet otherwise."""
    stack.docker("unpause", *PRODUCERS)
    try:
        yield
    finally:
        stack.docker("pause", *PRODUCERS)


@contextlib.contextmanager
def live_consumer(folder: Path, *, hedge: bool) -> Iterator[LiveConsumer]:
    """Stop the drained consumer and trade in its place, from the same group, until the block ends."""
    stack.docker("stop", "-t", "15", stack.CONSUMER)
    try:
        exchange("/sandbox/reset", {})
        exchange("/sandbox/account", {"hedge": hedge, "leverage": dict.fromkeys(SYMBOLS, LEVERAGE)})
        # A new account and a new journal: what Redis remembers of another one would rightly halt.
        stack.redis_client().delete(JOURNAL_MEMORY)
        _write(folder)
        stack.docker("volume", "create", "--label", "trade_intent.sandbox=true", JOURNAL)
        _start(folder)
        try:
            stack.wait_until("live mode's health", lambda: stack.healthy(NAME), 60)
        except AssertionError as error:
            raise AssertionError(f"{error}: {logs()}") from error
        yield LiveConsumer(stack.redis_client())
    finally:
        stack.docker("rm", "-f", "-v", NAME, check=False)
        stack.docker("volume", "rm", "-f", JOURNAL, check=False)
        exchange("/sandbox/reset", {})
        stack.docker("start", stack.CONSUMER)


def _write(folder: Path) -> None:
    """Write the limits, and the secrets as a promotion would: files that the consumer alone may read."""
    secrets = folder / "secrets"
    secrets.mkdir()
    shutil.copy("/var/lib/trade_intent/secrets/redis_password", secrets / "redis_password")
    for name, source in (
        ("binance_api_key", "exchange_trading_key"),
        ("binance_api_secret", "exchange_trading_secret"),
    ):
        shutil.copy(ROOT / ".local" / "sandbox" / source, secrets / name)
    for path in secrets.iterdir():
        shutil.chown(path, _UID, _UID)
        path.chmod(0o400)
    (folder / "limits.json").write_text(json.dumps(LIMITS))
    (folder / "limits.json").chmod(0o444)


def _start(folder: Path) -> None:
    drained = stack.inspect(stack.CONSUMER)
    settings = {
        "MODE": "live",
        "VENUE": "simulator",
        "VENUE_URL": f"http://{EXCHANGE}:8080/fapi",
        "LIMITS_FILE": "/etc/trade_intent/limits.json",
        "BATCH": "10",
    }
    own = {f"TRADE_INTENT_{name}={value}" for name, value in settings.items()}
    stack.docker(
        "create", "--name", NAME, *stack.like(drained, binds=False),
        *(f"--env={variable}" for variable in sorted(own)),
        *(f"--volume={folder}/secrets/{name}:/run/secrets/{name}:ro" for name in _SECRETS),
        f"--volume={folder}/limits.json:/etc/trade_intent/limits.json:ro",
        "--volume=/var/lib/trade_intent/cutover:/run/trade_intent:ro",
        f"--mount=type=volume,src={JOURNAL},dst=/journal",
        drained["Image"],
    )  # fmt: skip # a table, or a call that is read as one
    stack.docker("network", "connect", EXCHANGE_NETWORK, NAME)
    stack.docker("start", NAME)


_SECRETS = ("redis_password", "binance_api_key", "binance_api_secret")
