"""Every status, decided by one real consumer on a real stream."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from consumer.base import digests
from tests.support.consumer_process import (
    GROUP,
    HALT,
    STREAM,
    Consumer,
    decision,
    letters,
    pending,
    publish,
    wait,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis

    from tests.support.redis_server import RedisServer

BODY: dict[str, Any] = {
    "symbol": "CFXUSDT", "side": "BUY", "position_size_usd": 150.5, "leverage": 1, "entry_price": 0.0712,
    "confidence": 0.8, "volatility_factor": 0.5513,
}  # fmt: skip # a table, or a call that is read as one


@pytest.fixture(scope="module")
def consumer(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consumer]:
    """One consumer for all tests of this file."""
    client = redis_server.client()
    client.flushall()
    client.xgroup_create(STREAM, GROUP, "$", mkstream=True)
    consumer = Consumer(redis_server.url, tmp_path_factory.mktemp("consumer") / "log", replica=3)
    yield consumer.healthy()
    consumer.close()


@pytest.fixture
def client(redis_server: RedisServer, consumer: Consumer) -> redis.Redis:
    """Redis with that consumer on it, and no memory of earlier tests."""
    assert consumer.process.poll() is None
    client = redis_server.client()
    keys = client.keys("quantum:trade_intent:*")
    if keys:
        client.delete(*keys)  # type: ignore[misc]  # a list, as asked
    return client


@pytest.mark.parametrize("shape", ["payload", "data"])
def test_a_wrapped_intent_is_drained_with_its_plan(client: redis.Redis, shape: str) -> None:
    entry = {"event_type": "trade.intent", shape: json.dumps(BODY), "trace_id": "t-1", "source": "ai-engine"}
    decided = decision(client, publish(client, entry))
    plan = json.loads(decided["plan"])
    assert (decided["status"], decided["reason"], decided["orders"]) == ("skipped_drain", "DRAIN", "[]")
    assert (plan["intent"]["shape"], plan["intent"]["position_size_usd"]) == (shape, "150.5")
    assert plan["entry"] == {"side": "BUY", "type": "MARKET", "quantity": "2113"}


def test_a_flat_intent_is_drained_with_its_plan(client: redis.Redis) -> None:
    decided = decision(client, publish(client))
    assert (decided["status"], json.loads(decided["plan"])["intent"]["shape"]) == ("skipped_drain", "flat")


def test_a_decision_has_exactly_the_contracts_fields(client: redis.Redis, consumer: Consumer) -> None:
    entry_id = publish(client, trace_id="t-9")
    decided = decision(client, entry_id)
    assert set(decided) == {
        "intent_id", "origin_id", "symbol", "side", "status", "reason", "mode", "venue", "stage", "source",
        "replica", "trace_id", "timestamp", "latency_ms", "redelivered", "config_digest", "plan", "orders",
        "auth",
    }  # fmt: skip # a table, or a call that is read as one
    expected = {
        "origin_id": entry_id, "symbol": "NEARUSDT", "side": "BUY", "mode": "safe_drain", "venue": "none",
        "stage": "safe_drain", "source": "trade_intent_consumer", "replica": "3", "trace_id": "t-9",
        "redelivered": "0", "config_digest": consumer.state()["config_digest"],
    }  # fmt: skip # a table, or a call that is read as one
    assert decided | expected == decided
    assert 0 <= int(decided["latency_ms"]) == int(decided["timestamp"]) - int(entry_id.split("-")[0]) < 5000


def test_a_stale_intent_is_skipped(client: redis.Redis) -> None:
    decided = decision(client, publish(client, timestamp="2025-12-24T19:01:32.766000"))
    assert (decided["status"], decided["reason"].split("=")[0]) == ("skipped_stale", "STALE:age_ms")
    assert set(json.loads(decided["plan"])) == {"intent"}


def test_a_hold_is_skipped(client: redis.Redis) -> None:
    assert decision(client, publish(client, side="FLAT"))["status"] == "skipped_hold"


def test_an_invalid_entry_is_decided_once_and_kept_as_a_dead_letter(client: redis.Redis) -> None:
    entry_id = publish(client, {"payload": '{"symbol": ', "source": "bot"})
    decided = decision(client, entry_id)
    (letter,) = [dead_letter for dead_letter in letters(client) if dead_letter["original_id"] == entry_id]
    assert (decided["status"], decided["plan"]) == ("invalid", "{}")
    assert letter["reason"] == decided["reason"]
    assert letter["reason"].startswith("INVALID_JSON")
    assert json.loads(letter["fields"]) == [["payload", '{"symbol": '], ["source", "bot"]]
    assert (letter["deliveries"], int(letter["timestamp"]) > 0) == ("1", True)


def test_bytes_that_are_no_text_are_kept_as_base64(client: redis.Redis) -> None:
    entry_id = publish(client, {b"payload": b"\xff\xfe\x00"})
    assert decision(client, entry_id)["reason"].startswith("INVALID_UTF8")
    (letter,) = [dead_letter for dead_letter in letters(client) if dead_letter["original_id"] == entry_id]
    assert json.loads(letter["fields"]) == [["payload", {"base64": "//4A"}]]


def test_a_field_that_stands_twice_is_invalid(client: redis.Redis) -> None:
    entry_id = str(
        client.execute_command("XADD", STREAM, "*", "symbol", "NEARUSDT", "side", "BUY", "side", "SELL")
    )
    assert decision(client, entry_id)["reason"] == "INVALID_FIELDS:a field stands twice"


def test_twins_two_milliseconds_apart_are_one_plan_and_one_duplicate(client: redis.Redis) -> None:
    first_ms = int(client.time()[0]) * 1000  # type: ignore[index]  # seconds and microseconds
    last = client.xinfo_stream(STREAM)["last-generated-id"]  # type: ignore[index]  # a dictionary, as asked
    first_ms = max(first_ms, int(last.split("-")[0]) + 1)
    entry = {"payload": json.dumps(BODY)}
    ids = [str(client.xadd(STREAM, dict(entry), id=f"{first_ms + late}-0")) for late in (0, 2)]
    first, second = (decision(client, entry_id) for entry_id in ids)
    assert (first["status"], second["status"]) == ("skipped_drain", "skipped_duplicate")
    assert second["reason"] == f"DUPLICATE:{ids[0]}"
    assert set(json.loads(second["plan"])) == {"intent"}


def test_opposite_directions_are_no_twins(client: redis.Redis) -> None:
    statuses = [decision(client, publish(client, side=side))["status"] for side in ("BUY", "SELL", "CLOSE")]
    assert statuses == ["skipped_drain"] * 3


def test_a_close_is_never_a_duplicate(client: redis.Redis) -> None:
    statuses = [decision(client, publish(client, side="CLOSE"))["status"] for _ in range(2)]
    assert statuses == ["skipped_drain"] * 2


def test_what_reached_no_plan_makes_nobody_a_duplicate(client: redis.Redis) -> None:
    rejected = decision(client, publish(client, position_size_usd="1"))
    assert rejected["status"] == "rejected_risk"
    assert decision(client, publish(client))["status"] == "skipped_drain"


def test_an_intent_is_no_duplicate_of_itself(client: redis.Redis) -> None:
    origin = publish(client)
    assert decision(client, origin)["status"] == "skipped_drain"
    replayed = decision(client, publish(client, origin_id=origin))
    assert (replayed["status"], replayed["origin_id"]) == ("skipped_drain", origin)


def test_a_rejected_risk_says_which(client: redis.Redis) -> None:
    decided = decision(client, publish(client, volatility_factor="5"))
    assert (decided["status"], decided["reason"].split(":")[0]) == ("rejected_risk", "RISK_LEVELS")


def test_a_duplicate_goes_before_a_risk(client: redis.Redis) -> None:
    publish(client)
    assert decision(client, publish(client, volatility_factor="5"))["status"] == "skipped_duplicate"


def test_a_proof_event_is_drained_without_filters(client: redis.Redis) -> None:
    decided = decision(client, publish(client, symbol="HARNESSUSDT", proof="run-1"))
    assert (decided["status"], decided["reason"]) == ("skipped_drain", "PLAN_INCOMPLETE:filters")


def test_a_halt_stops_what_opens_and_lets_a_close_through(client: redis.Redis, consumer: Consumer) -> None:
    client.set(HALT, "drill")
    opening = decision(client, publish(client))
    closing = decision(client, publish(client, side="CLOSE"))
    assert (opening["status"], opening["reason"]) == ("skipped_halted", "HALTED:drill")
    assert (closing["status"], closing["reason"]) == ("skipped_drain", "PLAN_INCOMPLETE:position")
    wait("the halt in the state", lambda: consumer.state()["halt"] == "drill", limit_s=1)
    client.delete(HALT)
    assert decision(client, publish(client))["status"] == "skipped_drain"


def test_a_halt_goes_before_a_duplicate_and_after_a_hold(client: redis.Redis) -> None:
    assert decision(client, publish(client))["status"] == "skipped_drain"
    client.set(HALT, "")
    statuses = [decision(client, publish(client, side=side))["status"] for side in ("BUY", "HOLD")]
    assert statuses == ["skipped_halted", "skipped_hold"]


def test_a_halt_that_cannot_be_read_is_a_halt(client: redis.Redis) -> None:
    client.rpush(HALT, "x")
    assert decision(client, publish(client))["reason"] == "HALTED:unreadable"


def test_nothing_stays_pending(client: redis.Redis) -> None:
    assert decision(client, publish(client))
    wait("no pending entry", lambda: pending(client) == 0)


def test_state_tells_what_runs(consumer: Consumer, client: redis.Redis) -> None:
    state = consumer.state()
    assert (state["mode"], state["stage"], state["venue"]) == ("safe_drain", "safe_drain", "none")
    assert (state["stream"], state["group"], state["replica"]) == (STREAM, GROUP, 3)
    assert state["cutover_id"] == "0-0"
    assert state["config_digest"] == digests.config_digest(state["settings"])
    assert state["code_digest"] == digests.code_digest()
    assert state["redis_run_id"] == client.info("server")["run_id"]  # type: ignore[index]  # a dictionary, as asked
    assert state["imports"]["exchange_client_loaded"] is False
    assert (state["faults"], abs(state["clock_offset_ms"]) < 1000) == ([], True)
    assert state["pid"] == consumer.process.pid
    assert state["counters"]["skipped_drain"] >= 1


def test_health_says_its_mode(consumer: Consumer) -> None:
    assert consumer.get("healthz") == (200, {"status": "ok", "mode": "safe_drain"})


def test_skipped_decisions_leave_no_line_in_the_log(client: redis.Redis, consumer: Consumer) -> None:
    before = len(consumer.events())
    for side in ("BUY", "BUY", "HOLD"):
        decision(client, publish(client, side=side))
    assert len(consumer.events()) == before
