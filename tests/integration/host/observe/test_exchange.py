from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request as WebRequest
from urllib.request import urlopen

import pytest

from host.observe import exchange
from host.observe.request import ApiKey, PhaseRequest
from host.observe.subject import Subject
from tests.support.redis_server import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[4]
READER = ApiKey("reader00" * 8, "planted-secret-of-the-reader")
TRADER = ApiKey("trader00" * 8, "planted-secret-of-the-trader")


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("exchange"), free_port()
    keys = [{"key": key.key, "secret": key.secret, "may_trade": key is TRADER} for key in (READER, TRADER)]
    (folder / "keys.json").write_text(json.dumps(keys))
    command = ["-m", "sandbox", "exchange", "--host", "127.0.0.1", "--port", str(port), "--keys"]
    files = [str(folder / "keys.json"), "--ledger", str(folder / "ledger")]
    process = subprocess.Popen([sys.executable, *command, *files], cwd=PROJECT)
    url = f"http://127.0.0.1:{port}"
    until = time.monotonic() + 15
    while not answers(f"{url}/fapi/v1/ping"):
        assert time.monotonic() < until, "the simulator did not start"
        time.sleep(0.1)
    yield url
    process.terminate()
    process.wait(10)


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=1) as reply:  # noqa: S310 - the simulator on loopback
            return bool(reply.status == 200)
    except URLError:
        return False


def place(url: str, key: ApiKey = TRADER, **order: Any) -> Any:
    query = urlencode({**order, "timestamp": time.time_ns() // 1_000_000})
    signature = hmac.new(key.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
    body = f"{query}&signature={signature}".encode()
    headers = {"X-MBX-APIKEY": key.key}
    request = WebRequest(f"{url}/fapi/v1/order", body, headers, method="POST")  # noqa: S310 - loopback
    with urlopen(request, timeout=5) as reply:  # noqa: S310 - the simulator on loopback
        return json.load(reply)


def look(url: str, key: ApiKey | None = READER, **options: Any) -> Any:
    request = PhaseRequest("run", "E", {"exchange": {"url": url}}, exchange=key, options=options)
    return exchange.orders.run(Subject(request))


def test_an_untouched_account_shows_nothing_at_all(simulator: str) -> None:
    seen = look(simulator)
    assert seen.ok, seen.error
    lists = ("orders", "open_orders", "algo_orders", "open_algo_orders", "trades", "income")
    assert {name: seen.value[name] for name in lists} == {name: [] for name in lists}
    assert all(float(position["positionAmt"]) == 0 for position in seen.value["positions"])
    assert abs(seen.value["offset_ms"]) < 1000


def test_an_order_is_seen_with_its_fill_and_its_position(simulator: str) -> None:
    placed = place(simulator, symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.010")
    seen = look(simulator)
    assert seen.ok, seen.error
    assert [order["orderId"] for order in seen.value["orders"]] == [placed["orderId"]]
    assert {trade["orderId"] for trade in seen.value["trades"]} == {placed["orderId"]}
    assert [position["symbol"] for position in seen.value["positions"] if float(position["positionAmt"])] == [
        "BTCUSDT"
    ]


def test_the_key_that_may_read_cannot_order(simulator: str) -> None:
    with pytest.raises(URLError):
        place(simulator, READER, symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.010")


def test_a_wrong_secret_is_an_error_in_the_exchanges_words(simulator: str) -> None:
    seen = look(simulator, ApiKey(READER.key, "not-the-secret-of-the-key"))
    assert seen.error is not None
    assert "-1022" in seen.error["message"]
    assert "not-the-secret" not in seen.error["message"]


def test_without_a_key_nothing_is_asked(simulator: str) -> None:
    seen = look(simulator, None)
    assert seen.error is not None
    assert seen.error["type"] == "NotDesiredError"


def test_a_start_longer_ago_than_the_exchange_lists_is_brought_nearer(simulator: str) -> None:
    seen = look(simulator, since_ms=1)
    assert seen.ok, seen.error
    assert seen.value["since_ms"] >= seen.value["now_ms"] - exchange.LONGEST_WINDOW_MS - 2000


def test_an_exchange_that_is_away_is_an_error() -> None:
    assert not look("http://127.0.0.1:9").ok
