"""The process: how it starts, what it refuses, how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.consumer_process import (
    ROOT,
    STREAM,
    Consumer,
    decision,
    pending,
    publish,
    results,
    wait,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import redis

START = [
    "starting", "settings_accepted", "import_guard_armed", "redis_connected", "group_found", "cutover_known",
    "own_pending_read", "reading",
]  # fmt: skip # a table, or a call that is read as one


@pytest.mark.usefixtures("client")
def test_the_start_is_told_in_order_by_one_run(start: Callable[..., Consumer]) -> None:
    consumer = start().healthy()
    events = consumer.events()
    assert [event["event"] for event in events] == START
    assert len({event["run"] for event in events}) == 1
    assert events[0]["mode"] == "safe_drain"
    assert events[0]["code_digest"] == consumer.state()["code_digest"]


def test_sigterm_settles_what_is_in_hand_and_exits_0(
    client: redis.Redis, start: Callable[..., Consumer]
) -> None:
    consumer = start(batch=50, block_ms=2000).healthy()
    pipe = client.pipeline(transaction=False)
    for _ in range(2000):
        pipe.xadd(STREAM, {"symbol": "NEARUSDT", "side": "HOLD", "size_pct": "1"})
    pipe.execute()
    wait("the drain to be under way", lambda: results(client))
    began = time.monotonic()
    assert consumer.stop() == 0
    assert time.monotonic() - began < 10
    assert pending(client) == 0
    assert [event["event"] for event in consumer.events()][-2:] == ["stopping", "stopped"]


@pytest.mark.usefixtures("client")
def test_sigterm_ends_an_idle_consumer_within_its_block(start: Callable[..., Consumer]) -> None:
    consumer = start(block_ms=2000).healthy()
    began = time.monotonic()
    assert consumer.stop() == 0
    assert time.monotonic() - began < 5


def test_sigterm_ends_a_consumer_without_redis(start: Callable[..., Consumer]) -> None:
    consumer = start("redis://127.0.0.1:1/0")
    wait("the trouble", lambda: consumer.problem("REDIS_AWAY"))
    assert consumer.stop() == 0


def test_a_refusal_is_one_line_and_exit_code_78(start: Callable[..., Consumer]) -> None:
    consumer = start(mode="live")
    assert consumer.process.wait(20) == 78
    (line,) = consumer.events()
    assert line["event"] == "refused"
    assert "promotion" in line["reason"]
    assert "TRADE_INTENT_MODE=safe_drain" in line["remedy"]


def test_an_exchange_secret_is_refused_by_the_process(tmp_path: Path) -> None:
    (tmp_path / "binance_api_secret").write_text("planted")
    code = (
        "import sys; from pathlib import Path; from consumer.__main__ import main\n"
        f"sys.exit(main([], {{'TRADE_INTENT_CUTOVER_ID': '0-0'}}, Path({str(tmp_path)!r})))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    line = json.loads(result.stdout)
    assert (result.returncode, line["event"]) == (78, "refused")
    assert "binance_api_secret" in line["reason"]
    assert "planted" not in result.stdout + result.stderr


@pytest.mark.usefixtures("client")
def test_a_port_that_is_taken_is_refused(start: Callable[..., Consumer]) -> None:
    first = start().healthy()
    second = start(http_port=first.port, replica=1)
    assert second.process.wait(20) == 78
    assert "TRADE_INTENT_HTTP_PORT" in second.events()[-1]["remedy"]


@pytest.mark.usefixtures("client")
def test_a_task_that_dies_ends_the_process(start: Callable[..., Consumer]) -> None:
    code = (
        "import sys; from consumer.base import clock\n"
        "from consumer import service\n"
        "async def fail(self, connection): raise KeyError('planted')\n"
        "service.Service._claim = fail\n"
        "from consumer.__main__ import main\n"
        "sys.exit(main())"
    )
    consumer = start(code=code)
    assert consumer.process.wait(20) == 1
    assert consumer.events()[-1]["event"] == "crashed"


def test_the_password_comes_from_its_file_and_is_never_logged(
    client: redis.Redis, start: Callable[..., Consumer], redis_server_url: str, tmp_path: Path
) -> None:
    client.acl_setuser("reader", enabled=True, passwords=["+pl4nted"], keys=["*"], categories=["+@all"])
    (tmp_path / "redis_password").write_text("pl4nted\n")
    code = (
        "import sys; from pathlib import Path; from consumer.__main__ import main; import os\n"
        f"sys.exit(main([], os.environ, Path({str(tmp_path)!r})))"
    )
    consumer = start(redis_server_url.replace("//", "//reader@"), code=code).healthy()
    assert decision(client, publish(client))["status"] == "skipped_drain"
    client.acl_deluser("reader")
    wait("the trouble", lambda: consumer.problem("REDIS_AWAY"))
    assert "pl4nted" not in consumer.log.read_text() + json.dumps(consumer.state())


def test_the_health_command_says_what_healthz_says(
    client: redis.Redis, start: Callable[..., Consumer]
) -> None:
    consumer = start().healthy()

    def ask() -> tuple[int, str]:
        environment = {**os.environ, "TRADE_INTENT_HTTP_PORT": str(consumer.port)}
        result = subprocess.run([sys.executable, "-m", "consumer.serve.healthcheck"], cwd=ROOT,
                                env=environment, capture_output=True, text=True, timeout=20,
                                check=False)  # fmt: skip # a table, or a call that is read as one
        return result.returncode, result.stdout

    assert ask() == (0, '{"status": "ok", "mode": "safe_drain"}\n')
    client.delete(STREAM)
    wait("the trouble", lambda: consumer.problem("GROUP_MISSING"))
    assert ask()[0] == 1
    consumer.kill()
    assert ask()[0] == 1
