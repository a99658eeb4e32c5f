"""Crashes, other replicas, a Redis that goes, forgets or goes back: nothing lost, nothing decided twice."""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
import redis

from tests.support.consumer_process import (
    GROUP,
    STREAM,
    Consumer,
    decision,
    letters,
    pending,
    publish,
    results,
    wait,
)
from tests.support.redis_server import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MANY = 6000
#: A planted fault: our own code fails on one symbol, as a bug would.
BROKEN = (
    "from consumer.intents.rehearsal import Rehearsal\n"
    "sound = Rehearsal.plan\n"
    "def plan_or_fail(self, intent):\n"
    "    return sound(self, intent) if intent.symbol != 'BUGUSDT' else {}['bug']\n"
    "Rehearsal.plan = plan_or_fail\n"
    "import sys\n"
    "from consumer.__main__ import main\n"
    "sys.exit(main())\n"
)


def fill(client: redis.Redis, count: int) -> list[str]:
    """Publish many entries that ask for nothing."""
    pipe = client.pipeline(transaction=False)
    for _ in range(count):
        pipe.xadd(STREAM, {"symbol": "NEARUSDT", "side": "HOLD", "size_pct": "1"})
    return [str(id_) for id_ in pipe.execute()]


def decided_ids(client: redis.Redis) -> Counter[str]:
    return Counter(result["intent_id"] for result in results(client))


def test_after_a_kill_every_entry_is_decided_once(
    client: redis.Redis, start: Callable[..., Consumer]
) -> None:
    first = start(batch=50).healthy()
    ids = fill(client, MANY)
    wait("the drain to be under way", lambda: len(decided_ids(client)) > 0)
    first.kill()
    assert len(decided_ids(client)) < MANY, "the drain was over before the kill"
    left = pending(client)
    second = start(batch=50).healthy()
    wait("all decisions", lambda: len(decided_ids(client)) == MANY)
    assert decided_ids(client) == Counter(ids)
    own = next(event for event in second.events() if event["event"] == "own_pending_read")
    assert own["entries"] == left


def test_what_a_dead_replica_held_is_claimed(client: redis.Redis, start: Callable[..., Consumer]) -> None:
    ids = fill(client, 250)
    client.xreadgroup(GROUP, "ghost", {STREAM: ">"}, count=250)
    start(claim_idle_ms=300, batch=50).healthy()
    wait("all decisions", lambda: len(decided_ids(client)) == 250)
    assert decided_ids(client) == Counter(ids)
    assert {result["redelivered"] for result in results(client)} == {"1"}


def test_replicas_that_snatch_from_each_other_decide_once(
    client: redis.Redis, start: Callable[..., Consumer]
) -> None:
    replicas = [start(replica=number, claim_idle_ms=1, batch=40) for number in (0, 1)]
    for replica in replicas:
        replica.healthy()
    ids = fill(client, MANY)
    wait("all decisions", lambda: len(decided_ids(client)) == MANY and not pending(client))
    time.sleep(0.3)
    assert decided_ids(client) == Counter(ids)
    counters = [replica.state()["counters"] for replica in replicas]
    assert sum(counter["skipped_hold"] for counter in counters) == MANY
    assert {result["replica"] for result in results(client)} == {"0", "1"}


def test_a_pending_entry_that_was_trimmed_is_reported_lost(
    client: redis.Redis, start: Callable[..., Consumer]
) -> None:
    own, other = fill(client, 2)
    client.xreadgroup(GROUP, "trade_intent_consumer_0", {STREAM: ">"}, count=1)
    client.xreadgroup(GROUP, "ghost", {STREAM: ">"}, count=1)
    client.xtrim(STREAM, maxlen=0, approximate=False)
    consumer = start(claim_idle_ms=200).healthy()
    wait("both dead letters", lambda: len(letters(client)) == 2)
    assert {(letter["original_id"], letter["reason"]) for letter in letters(client)} == {
        (own, "lost_trimmed"),
        (other, "lost_trimmed"),
    }
    assert (results(client), pending(client)) == ([], 0)
    wait("the count", lambda: consumer.state()["counters"]["lost_trimmed"] == 2)


def test_an_entry_that_our_code_fails_on_is_a_dead_letter_after_three_deliveries(
    client: redis.Redis, start: Callable[..., Consumer]
) -> None:
    consumer = start(code=BROKEN, claim_idle_ms=200).healthy()
    broken, sound = publish(client, symbol="BUGUSDT"), publish(client)
    assert decision(client, sound)["status"] == "skipped_drain"
    decided = decision(client, broken)
    assert (decided["status"], decided["reason"]) == ("invalid", "CONSUMER_ERROR:KeyError")
    assert [(letter["original_id"], letter["deliveries"]) for letter in letters(client)] == [(broken, "3")]
    assert (consumer.is_healthy(), consumer.state()["counters"]["consumer_errors"]) == (True, 3)


def test_a_group_is_never_created(client: redis.Redis, start: Callable[..., Consumer]) -> None:
    client.flushall()
    old = publish(client)
    consumer = start()
    wait("the trouble", lambda: consumer.problem("GROUP_MISSING"))
    assert consumer.get("healthz")[0] == 503
    assert client.xinfo_groups(STREAM) == []
    client.xgroup_create(STREAM, GROUP, "$")
    consumer.healthy()
    new = publish(client)
    assert decision(client, new)["status"] == "skipped_drain"
    assert [result["intent_id"] for result in results(client)] == [new] != [old]


def test_a_group_that_is_lost_while_reading_is_waited_for_and_leaves_a_fault(
    client: redis.Redis, start: Callable[..., Consumer]
) -> None:
    consumer = start().healthy()
    client.delete(STREAM)
    wait("the trouble", lambda: consumer.problem("GROUP_MISSING"))
    client.xgroup_create(STREAM, GROUP, "$", mkstream=True)
    wait("the fault", lambda: consumer.problem("GROUP_MOVED"))
    assert decision(client, publish(client))["status"] == "skipped_drain"
    assert not consumer.is_healthy()


def test_a_group_that_is_set_back_is_a_fault_that_stays(
    client: redis.Redis, start: Callable[..., Consumer]
) -> None:
    consumer = start().healthy()
    assert decision(client, publish(client))
    client.xgroup_setid(STREAM, GROUP, "0")
    fault = wait("the fault", lambda: consumer.problem("WENT_BACK"))
    assert "as new after" in fault["detail"]
    assert consumer.get("healthz")[0] == 503
    assert decision(client, publish(client, side="SELL"))["status"] == "skipped_drain"


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[OwnRedis]:
    """A Redis that may be stopped and started again."""
    own = OwnRedis(tmp_path)
    yield own
    own.stop()


class OwnRedis:
    """One address, one server after the other on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> redis.Redis:
        """Start an empty server with the consumer's group."""
        client = self.start_again()
        client.xgroup_create(STREAM, GROUP, "$", mkstream=True)
        return client

    def start_again(self) -> redis.Redis:
        """Start a server with what was saved, if anything was."""
        self.process = subprocess.Popen(
            [
                "redis-server",
                "--port",
                str(self.port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--dir",
                str(self.folder),
            ],
            stdout=subprocess.DEVNULL,
        )
        client = redis.Redis(port=self.port, decode_responses=True)
        wait("the server", lambda: answers(client))
        return client

    def stop(self) -> None:
        """End the server at once."""
        if self.process:
            self.process.kill()
            self.process.wait(10)


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_a_redis_that_was_away_is_found_again_and_the_change_is_reported(
    own_redis: OwnRedis, start: Callable[..., Consumer]
) -> None:
    client = own_redis.start()
    consumer = start(own_redis.url).healthy()
    assert decision(client, publish(client))["status"] == "skipped_drain"
    own_redis.stop()
    wait("the trouble", lambda: consumer.problem("REDIS_AWAY"))
    assert consumer.get("healthz")[0] == 503
    client = own_redis.start()
    assert decision(client, publish(client))["status"] == "skipped_drain"
    fault = wait("the fault", lambda: consumer.problem("REDIS_CHANGED"))
    assert "check that no entry or decision is missing" in fault["detail"]
    assert (consumer.problem("REDIS_AWAY"), consumer.get("healthz")[0]) == (None, 503)
    assert consumer.stop() == 0


def test_a_redis_that_is_not_there_yet_is_waited_for(
    own_redis: OwnRedis, start: Callable[..., Consumer]
) -> None:
    consumer = start(own_redis.url)
    wait("the trouble", lambda: consumer.problem("REDIS_AWAY"))
    client = own_redis.start()
    consumer.healthy()
    assert decision(client, publish(client))["status"] == "skipped_drain"
    assert consumer.state()["faults"] == []


def test_a_redis_that_comes_up_older_is_a_fault_and_what_it_forgot_is_decided_there(
    own_redis: OwnRedis, start: Callable[..., Consumer]
) -> None:
    client = own_redis.start()
    consumer = start(own_redis.url).healthy()
    kept = publish(client)
    decision(client, kept)
    client.save()
    lost = publish(client, side="SELL")
    decision(client, lost)
    own_redis.stop()
    client = own_redis.start_again()
    fault = wait("the fault", lambda: consumer.problem("WENT_BACK"))
    assert f"up to {kept}, this consumer up to {lost}" in fault["detail"]
    later = publish(client, side="SELL")
    decision(client, later)
    assert [result["intent_id"] for result in results(client)] == [kept, later]
    assert consumer.get("healthz")[0] == 503
