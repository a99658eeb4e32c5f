"""Real processes: killed, stopped, started twice; and the two locks that keep safe drain from all of it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.consumer_process import ROOT

if TYPE_CHECKING:
    from tests.integration.consumer.live.conftest import LiveWorld


async def unprotected_ms(world: LiveWorld, since_ms: int) -> int:
    """Return for how long after `since_ms` the position had neither stop nor exit."""
    ledger = await world.exchange.ledger()
    (stop,) = (algo for algo in ledger["algo_orders"] if algo["status"] == "NEW")
    return int(stop["created_ms"]) - since_ms


@pytest.mark.parametrize("failpoint", ["after_mark_sent_entry", "after_mark_sent_stop"])
async def test_killed_between_entry_and_stop_it_protects_after_its_restart_and_enters_once(
    world: LiveWorld, failpoint: str
) -> None:
    first = await world.start(failpoint=failpoint)
    entry = await world.publish()
    assert await first.died() == -9
    began_ms = int(time.time() * 1000)
    await world.start()
    decision = await world.decision(entry, 25)
    ledger = await world.exchange.ledger()
    entries = [order for order in ledger["orders"] if order["side"] == "BUY"]
    assert (world.folder / "fired").read_text().split() == [failpoint]
    assert (decision["status"], len(entries)) == ("filled", 1)
    if failpoint != "after_mark_sent_entry":
        assert await unprotected_ms(world, began_ms) < 5000


async def test_killed_after_the_outcome_was_journaled_it_tells_it_once(world: LiveWorld) -> None:
    first = await world.start(failpoint="after_finish_intent")
    entry = await world.publish()
    assert await first.died() == -9
    await world.start()
    decision = await world.decision(entry, 25)
    assert decision["status"] == "filled"
    assert len(await world.decisions()) == 1
    assert len(await world.told("trade.executed")) == 1
    assert await world.pending() == 0


async def test_a_second_instance_waits_says_so_and_takes_over(world: LiveWorld) -> None:
    first = await world.start()
    await first.until(lambda state: state["live"]["ready"])
    second = await world.start(replica=1)
    await second.until(lambda state: state["live"]["lease"]["waits_for"] is not None)
    await asyncio.sleep(0.5)
    health = await second.health()
    assert health["code"] == 200
    assert health["lease"]["held"] is False
    assert "trade_intent_consumer_0@" in health["lease"]["waits_for"]
    consumers = await world.redis.xinfo_consumers(
        "quantum:stream:trade.intent", "quantum:group:trade_intent_consumer:trade.intent"
    )
    assert "trade_intent_consumer_1" not in [consumer["name"] for consumer in consumers]
    first.stop()
    assert await first.died() == 0
    decision = await world.decision(await world.publish(), 25)
    assert (decision["status"], decision["replica"]) == ("filled", "1")


async def test_sigterm_lets_an_entry_that_was_sent_reach_its_stop_and_exits_with_0(world: LiveWorld) -> None:
    await world.exchange.fault("POST /fapi/v1/order", "commit_then_hang", match={"side": "BUY"}, times=1)
    consumer = await world.start()
    await consumer.until(lambda state: state["live"]["ready"])
    await world.publish()
    await _until_sent(world)
    began = time.monotonic()
    consumer.stop()
    assert await consumer.died() == 0
    assert time.monotonic() - began < 10
    ledger = await world.exchange.ledger()
    assert len(ledger["positions"]) == 1
    assert [algo["status"] for algo in ledger["algo_orders"]] == ["NEW"]


async def test_sigterm_leaves_what_was_not_sent_pending(world: LiveWorld) -> None:
    consumer = await world.start()
    await consumer.until(lambda state: state["live"]["ready"])
    consumer.stop()
    await world.publish()
    assert await consumer.died() == 0
    assert await world.decisions() == []
    assert (await world.exchange.ledger())["orders"] == []


def test_live_mode_needs_all_of_its_means_and_names_what_is_missing() -> None:
    started = subprocess.run(
        [sys.executable, "-m", "consumer"],
        env={"PATH": "", "TRADE_INTENT_MODE": "live", "TRADE_INTENT_CUTOVER_ID": "0-0"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    refusal = json.loads(started.stdout.splitlines()[-1])
    assert started.returncode == 78
    assert refusal["event"] == "refused"
    for part in ("venue", "promotion record", "limits file", "secrets"):
        assert part in refusal["reason"]


def test_safe_drain_cannot_import_what_sends_orders_nor_the_exchanges_library() -> None:
    live = Path(ROOT, "consumer", "live")
    names = ["binance", *(_module(path) for path in sorted(live.rglob("*.py")))]
    assert len(names) > 20
    tried = (
        "from consumer.base import import_guard; import_guard.arm()\n"
        "import consumer.service\n"
        f"for name in {names}:\n"
        "    try: __import__(name)\n"
        "    except ImportError as error: print(type(error).__name__)\n"
        "    else: print('imported', name)\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", tried], capture_output=True, text=True, timeout=20, check=True
    )
    assert finished.stdout.split() == ["ForbiddenImportError"] * len(names)


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


async def _until_sent(world: LiveWorld) -> None:
    for _ in range(200):
        if any(
            request["path"] == "/fapi/v1/order" for request in (await world.exchange.ledger())["requests"]
        ):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("no entry was sent")
