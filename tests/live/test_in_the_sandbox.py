"""Live mode in the sandbox: the deployed image trades at its exchange, which keeps its own record."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from consumer.live.orders import ids
from tests.support import live_container as live
from tests.support import stack
from tests.support.playbooks import QUICK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.live_container import LiveConsumer
    from tests.support.playbooks import Project

pytestmark = pytest.mark.deploy

LONG, SHORT = "ADAUSDT", "SEIUSDT"
#: Where the sandbox's market begins, in USDT.
PRICES = {LONG: "0.3701", SHORT: "0.1127"}
#: How long the stack's own intents are traded.
BUSY_S = 10


@pytest.fixture(scope="module")
def cut_over_afterwards(deployed: Project) -> Iterator[Project]:
    """Begin a new account of what the drained consumer decides: live's decisions are no drain's."""
    yield deployed
    stack.wait_until("the drained consumer's health", stack.healthy, 60)
    run = deployed.run("deploy.yml", *QUICK, "-e", "cutover=true")
    assert run.exit_code == 0, run.output[-4000:]


@pytest.fixture(scope="module", params=["one-way", "hedge"])
def trading(
    request: pytest.FixtureRequest, cut_over_afterwards: Project, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LiveConsumer]:
    assert cut_over_afterwards
    folder = tmp_path_factory.mktemp("live")
    with live.quiet(), live.live_consumer(folder, hedge=request.param == "hedge") as consumer:
        yield consumer


def orders(symbol: str) -> dict[str, list[dict[str, Any]]]:
    """Return what the exchange has recorded of a symbol: entries, targets and stops."""
    ledger = live.exchange("/sandbox/ledger")
    of_symbol = [order for order in ledger["orders"] if order["symbol"] == symbol]
    return {
        "entries": [order for order in of_symbol if order["type"] == "MARKET"],
        "targets": [target_order for target_order in of_symbol if target_order["type"] == "LIMIT"],
        "stops": [algo for algo in ledger["algo_orders"] if algo["symbol"] == symbol],
    }


def test_an_intent_to_buy_is_entered_protected_told_and_taken_away_by_its_targets(
    trading: LiveConsumer,
) -> None:
    entry_id = trading.publish(
        symbol=LONG, entry_price=PRICES[LONG], source="ai-engine", volatility_factor="0.55", regime="calm"
    )
    decision = trading.decision(entry_id)
    assert (decision["status"], decision["reason"]) == ("filled", "FILLED")
    assert (decision["mode"], decision["venue"], decision["stage"]) == ("live", "simulator", "live")
    placed = orders(LONG)
    assert [(order["side"], order["quantity"], order["status"]) for order in placed["entries"]] == [
        ("BUY", "540", "FILLED")
    ]
    assert [stop["client_id"] for stop in placed["stops"]] == [decision["orders"]["stop_id"]]
    assert sum(float(target_order["quantity"]) for target_order in placed["targets"]) == 540
    others_read(trading, decision, side="BUY")

    for target in sorted(placed["targets"], key=lambda order: float(order["price"])):
        assert live.position(LONG) != "0"
        live.move(LONG, target["price"])
    assert live.position(LONG) == "0"


def test_an_intent_to_sell_is_entered_protected_told_and_closed_by_its_stop(trading: LiveConsumer) -> None:
    entry_id = trading.publish(symbol=SHORT, side="SHORT", entry_price=PRICES[SHORT], source="trading-bot")
    decision = trading.decision(entry_id)
    assert (decision["status"], decision["reason"]) == ("filled", "FILLED")
    placed = orders(SHORT)
    assert [(order["side"], order["quantity"], order["status"]) for order in placed["entries"]] == [
        ("SELL", "1774", "FILLED")
    ]
    (stop,) = placed["stops"]
    assert float(stop["trigger_price"]) > float(PRICES[SHORT])
    others_read(trading, decision, side="SELL")

    live.move(SHORT, stop["trigger_price"])
    assert live.position(SHORT) == "0"
    assert orders(SHORT)["stops"][0]["status"] == "FINISHED"


def others_read(trading: LiveConsumer, decision: dict[str, Any], *, side: str) -> None:
    """Find trade.executed, the adaptive levels and the position's hash, with the fields that others read."""
    order_id = decision["orders"]["requests"][0]["exchange_id"]
    executed = trading.told("trade.executed", order_id)
    assert set(executed) == {
        "symbol", "side", "quantity", "source", "confidence", "order_id", "executed_at",
    }  # fmt: skip # a table, or a call that is read as one
    assert (executed["symbol"], executed["side"]) == (decision["symbol"], side)
    adapted = trading.told("exitbrain.adaptive_levels", order_id)
    assert set(adapted) == {
        "symbol", "order_id", "leverage", "volatility_factor", "adaptive_levels", "ilf_metadata",
    }  # fmt: skip # a table, or a call that is read as one
    key = f"quantum:position:ilf:{decision['symbol']}:{order_id}"
    kept = trading.redis.hgetall(key)
    assert {"symbol", "order_id", "tp1", "tp2", "tp3", "sl", "lsf", "adjustment"} <= set(kept)
    assert 0 < trading.redis.ttl(key) <= 86_400


def test_what_the_stack_itself_publishes_is_decided_once_and_every_entry_has_its_decision(
    trading: LiveConsumer,
) -> None:
    redis, entered_before = trading.redis, len(openings())
    decided_before = redis.xinfo_stream(stack.RESULTS)["last-generated-id"]
    first = redis.xinfo_stream(stack.STREAM)["last-generated-id"]
    with live.producers():
        time.sleep(BUSY_S)
        # They draw among many symbols, of which the limits allow a few: it may take a while.
        stack.wait_until("an intent that may be traded", lambda: is_filled(redis, decided_before), 60)
    entries = [entry_id for entry_id, _ in redis.xrange(stack.STREAM, f"({first}")]
    trading.decision(entries[-1])
    stack.wait_until(
        "all being settled", lambda: not redis.xpending(stack.STREAM, stack.GROUP)["pending"], 30
    )
    decisions = stack.decisions_by_entry(redis)
    assert len(entries) > 20
    counted = {entry_id: len(decisions.get(entry_id, [])) for entry_id in entries}
    assert counted == dict.fromkeys(entries, 1), live.logs()
    statuses = Counter(
        decision["status"] for _, decision in redis.xrange(stack.RESULTS, f"({decided_before}")
    )
    entered = openings()
    assert len(entered) - entered_before == statuses["filled"] > 0, statuses
    stops = [algo for algo in live.exchange("/sandbox/ledger")["algo_orders"] if algo["close_position"]]
    assert len(stops) == len(entered)


def is_filled(redis: Any, after: str) -> bool:
    """Tell whether an intent was traded since a decision."""
    return any(decision["status"] == "filled" for _, decision in redis.xrange(stack.RESULTS, f"({after}"))


def openings() -> list[dict[str, Any]]:
    """Return the entries that the exchange has recorded, of all symbols."""
    orders = live.exchange("/sandbox/ledger")["orders"]
    return [order for order in orders if (own := ids.own(order["client_id"])) and own.leg == ids.ENTRY]
