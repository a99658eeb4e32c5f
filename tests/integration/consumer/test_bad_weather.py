"""What Redis, an entry or a person can do to a draining consumer: nothing is lost, doubled or left unsaid."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import redis

from tests.support.consumer_process import (
    GROUP,
    HALT,
    LETTERS,
    RESULTS,
    ROOT,
    STREAM,
    Consumer,
    decision,
    letters,
    pending,
    publish,
    results,
    wait,
)
from tests.support.redis_server import free_port, running_redis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.redis_server import RedisServer

    type Start = Callable[..., Consumer]

OWN = "trade_intent_consumer_0"
#: Soon enough for a test that what was held up is tried again.
SOON = {"claim_idle_ms": 300}
MEMORY = "quantum:trade_intent:planned:NEARUSDT:long"


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis of this file's own: what is done to it concerns nobody else."""
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(autouse=True)
def _redis_is_sound(redis_server: RedisServer) -> None:
    """Undo what a test before did to it, so that it can be emptied."""
    client = redis_server.client()
    client.config_set("maxmemory", 0)
    client.replicaof("NO", "ONE")


@pytest.fixture
def limited(redis_server: RedisServer, client: redis.Redis) -> Iterator[Callable[..., str]]:
    """Give an address whose user has all rights but those that are taken away."""

    def limited(*rules: str) -> str:
        client.execute_command(
            "ACL", "SETUSER", "limited", "reset", "on", ">of-a-test", "~*", "&*", "+@all", *rules
        )
        return f"redis://limited:of-a-test@127.0.0.1:{redis_server.port}/0"

    yield limited
    client.acl_deluser("limited")


def statuses(client: redis.Redis) -> dict[str, list[str]]:
    """Return entry → the statuses of its decisions."""
    table: dict[str, list[str]] = {}
    for result in results(client):
        table.setdefault(result["intent_id"], []).append(result["status"])
    return table


def complaints(consumer: Consumer) -> str:
    return "; ".join(consumer.state().get("reasons", []))


# Settling looks before it writes


def test_a_dead_letter_key_of_a_wrong_type_holds_up_what_needs_it_alone(
    client: redis.Redis, start: Start
) -> None:
    consumer = start(**SOON).healthy()
    client.set(LETTERS, "x")
    good, bad, better = publish(client), publish(client, symbol="x"), publish(client, side="SELL")
    assert decision(client, better)["status"] == "skipped_drain"
    problem = wait("the cause", lambda: consumer.problem("KEY_WRONG_TYPE"))
    assert LETTERS in problem["detail"]
    assert bad in problem["detail"]
    assert consumer.get("healthz")[0] == 503
    time.sleep(1)
    assert statuses(client) == {good: ["skipped_drain"], better: ["skipped_drain"]}
    client.delete(LETTERS)
    assert decision(client, bad)["status"] == "invalid"
    assert [letter["original_id"] for letter in letters(client)] == [bad]
    consumer.healthy()


@pytest.mark.parametrize(
    ("rules", "names"),
    [
        (["-xack"], "XACK"),
        (
            [
                "resetkeys",
                f"%R~{RESULTS}",
                "~quantum:stream:trade.intent",
                "~quantum:dlq*",
                "~quantum:trade*",
            ],
            RESULTS,
        ),
    ],
    ids=["acknowledging", "writing results"],
)
def test_a_right_that_all_need_stops_all_and_doubles_nothing(
    client: redis.Redis, start: Start, limited: Callable[..., str], rules: list[str], names: str
) -> None:
    consumer = start(limited(*rules), **SOON)
    ids = [publish(client), publish(client, symbol="x"), publish(client, side="SELL")]
    problem = wait("the cause", lambda: consumer.problem("REDIS_DENIED"))
    assert names in problem["detail"]
    time.sleep(1)
    assert (results(client), letters(client), pending(client)) == ([], [], 3)
    limited()
    for id_ in ids:
        decision(client, id_)
    assert len(letters(client)) == 1
    consumer.healthy()


def test_a_right_to_dead_letters_that_is_missing_holds_up_what_needs_it_alone(
    client: redis.Redis, start: Start, limited: Callable[..., str]
) -> None:
    url = limited("resetkeys", "~quantum:stream:*", "~quantum:trade*", f"%R~{LETTERS}")
    consumer = start(url, **SOON).healthy()
    bad, good = publish(client, symbol="x"), publish(client)
    assert decision(client, good)["status"] == "skipped_drain"
    assert LETTERS in wait("the cause", lambda: consumer.problem("REDIS_DENIED"))["detail"]
    time.sleep(1)
    assert statuses(client) == {good: ["skipped_drain"]}
    limited()
    assert decision(client, bad)["status"] == "invalid"


def test_a_memory_of_a_wrong_type_stops_its_symbol_alone(client: redis.Redis, start: Start) -> None:
    consumer = start(**SOON).healthy()
    client.set(MEMORY, "x")
    waiting, going = publish(client), publish(client, symbol="ADAUSDT", entry_price="0.5")
    assert decision(client, going)["status"] == "skipped_drain"
    assert MEMORY in wait("the cause", lambda: consumer.problem("KEY_WRONG_TYPE"))["detail"]
    client.delete(MEMORY)
    assert decision(client, waiting)["status"] == "skipped_drain"
    consumer.healthy()


# Nothing leaves the group unwritten


@pytest.mark.parametrize("trouble", ["memory", "results of a wrong type"])
def test_deleted_pending_entries_of_a_dead_consumer_become_letters_whatever_happens(
    client: redis.Redis, start: Start, trouble: str
) -> None:
    ids = [publish(client, trace_id=str(n)) for n in range(3)]
    client.xreadgroup(GROUP, "ghost", {STREAM: ">"})
    client.xdel(STREAM, *ids[1:])
    if trouble == "memory":
        client.config_set("maxmemory", 1)
    else:
        client.set(RESULTS, "x")
    consumer = start(**SOON)
    wait("the cause", lambda: consumer.problem("REDIS_OOM" if trouble == "memory" else "KEY_WRONG_TYPE"))
    time.sleep(1)
    client.config_set("maxmemory", 0)
    if trouble != "memory":
        client.delete(RESULTS)
    assert decision(client, ids[0])["status"] == "skipped_drain"
    wait("both letters", lambda: len(letters(client)) == 2)
    assert {(letter["original_id"], letter["reason"]) for letter in letters(client)} == {
        (id_, "lost_trimmed") for id_ in ids[1:]
    }
    assert pending(client) == 0


# Bounded by bytes


def test_an_entry_too_large_is_invalid_and_its_letter_says_what_it_was(
    client: redis.Redis, start: Start
) -> None:
    consumer = start().healthy()
    large = publish(client, {"payload": "\x01" * 5_000_000})
    listed = json.dumps({"symbol": "NEARUSDT", "side": "BUY", "position_size_usd": 200, "x": [0] * 2_000_000})
    valid = publish(client, {"payload": listed})
    poison = [publish(client, {"payload": "{" + "\x01" * 100_000}) for _ in range(200)]
    good = publish(client)
    assert decision(client, good)["status"] == "skipped_drain"
    assert decision(client, large)["reason"] == "INVALID_TOO_LARGE:5000007 bytes"
    assert decision(client, valid)["reason"].startswith("INVALID_TOO_LARGE:")
    wait("all", lambda: pending(client) == 0)
    assert {statuses(client)[id_][0] for id_ in poison} == {"invalid"}
    kept = json.loads(next(row for row in letters(client) if row["original_id"] == large)["fields"])
    assert (kept["bytes"], kept["start"][:9], len(kept["sha1"])) == (5_000_007, "payload\0\x01", 40)
    assert max_rss_mb(consumer) < 110
    consumer.healthy()


def max_rss_mb(consumer: Consumer) -> float:
    """Return the most memory that a process ever had, in MB."""
    status = open(f"/proc/{consumer.process.pid}/status").read()  # noqa: PTH123, SIM115 - of a process, not a file
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def test_an_entry_delivered_three_times_without_an_end_is_a_dead_letter(
    client: redis.Redis, start: Start
) -> None:
    poison, good = publish(client, trace_id="p"), publish(client, side="SELL")
    client.xreadgroup(GROUP, OWN, {STREAM: ">"}, count=1)
    for _ in range(2):  # two more processes that died of it
        client.xreadgroup(GROUP, OWN, {STREAM: "0"})
    start().healthy()
    assert decision(client, poison)["reason"] == "UNFINISHED:delivered 3 times without an end"
    assert [(row["original_id"], row["deliveries"]) for row in letters(client)] == [(poison, "4")]
    assert decision(client, good)["status"] == "skipped_drain"


def test_trouble_with_redis_is_not_counted_against_an_entry(client: redis.Redis, start: Start) -> None:
    client.set(RESULTS, "x")
    consumer = start(**SOON)
    id_ = publish(client)
    wait("the cause", lambda: consumer.problem("KEY_WRONG_TYPE"))
    wait("some tries", lambda: consumer.state()["counters"]["reconnects"] > 5)
    client.delete(RESULTS)
    assert decision(client, id_)["status"] == "skipped_drain"


# Linear in the input


@pytest.mark.parametrize("shape", ["payload", "flat"])
@pytest.mark.parametrize("value", ["-1e999990", "-1e9999", "1e-999990", "0e999990", "9" * 100_000])
def test_a_time_costs_no_more_than_its_text(
    client: redis.Redis, start: Start, shape: str, value: str
) -> None:
    start().healthy()
    body = {"symbol": "NEARUSDT", "side": "BUY", "position_size_usd": "200"}
    whole = json.dumps(body)[:-1] + f', "timestamp": {value}}}'
    id_ = publish(client, {"payload": whole} if shape == "payload" else {**body, "timestamp": value})
    decided = decision(client, id_)
    assert decided["status"] == "invalid"
    assert decided["reason"].startswith(("INVALID_TIME:", "INVALID_JSON:Exceeds the limit"))
    assert int(decided["latency_ms"]) < 500


# What was decided stays decided


def test_a_group_set_back_while_nobody_ran_decides_nothing_twice(client: redis.Redis, start: Start) -> None:
    first = start().healthy()
    ids = [
        publish(client, symbol=symbol)
        for symbol in ("NEARUSDT", "ADAUSDT", "x", "HARNESSUSDT")
        for _ in range(3)
    ]
    wait("all decided", lambda: len(results(client)) == 12)
    assert first.stop() == 0
    client.xgroup_setid(STREAM, GROUP, "0")
    second = start()
    fault = wait("the fault", lambda: consumer_fault(second, "WENT_BACK", 12))
    assert (fault["first"], fault["last"]) == (ids[0], ids[-1])
    wait("nothing pending", lambda: pending(client) == 0)
    assert {id_: len(made) for id_, made in statuses(client).items()} == dict.fromkeys(ids, 1)
    assert second.get("healthz")[0] == 503
    assert decision(client, publish(client, symbol="XRPUSDT"))["status"] == "skipped_drain"


def consumer_fault(consumer: Consumer, code: str, number: int) -> dict[str, Any] | None:
    """Return a fault once it counts so many entries."""
    fault = consumer.problem(code)
    return fault if fault and fault.get("number") == number else None


def test_another_replica_knows_what_was_decided(client: redis.Redis, start: Start) -> None:
    first = start().healthy()
    ids = [publish(client, trace_id=str(n), side=("BUY", "SELL")[n % 2]) for n in range(10)]
    wait("all decided", lambda: len(results(client)) == 10)
    first.stop()
    client.xgroup_setid(STREAM, GROUP, "0")
    second = start(replica=1)
    wait("the fault", lambda: consumer_fault(second, "WENT_BACK", 10))
    assert {id_: len(made) for id_, made in statuses(client).items()} == dict.fromkeys(ids, 1)


def test_a_group_set_back_under_a_running_consumer_decides_nothing_twice(
    client: redis.Redis, start: Start
) -> None:
    consumer = start().healthy()
    ids = [publish(client, trace_id=str(n)) for n in range(300)]
    wait("all decided", lambda: len(results(client)) == 300)
    client.xgroup_setid(STREAM, GROUP, "0")
    ids.append(publish(client, side="SELL"))
    wait("the fault", lambda: consumer_fault(consumer, "WENT_BACK", 300))
    wait("the new one", lambda: len(results(client)) == 301)
    assert {id_: len(made) for id_, made in statuses(client).items()} == dict.fromkeys(ids, 1)


def test_what_waited_when_the_group_was_set_back_is_decided_once(client: redis.Redis, start: Start) -> None:
    consumer = start(**SOON).healthy()
    client.set(MEMORY, "x")
    waiting = publish(client)
    others = [publish(client, symbol="ADAUSDT", entry_price="0.5", trace_id=str(n)) for n in range(5)]
    wait("the others", lambda: len(results(client)) == 5)
    client.xgroup_setid(STREAM, GROUP, "0")
    wait("the fault", lambda: consumer_fault(consumer, "WENT_BACK", 5))
    client.delete(MEMORY)
    decision(client, waiting)
    assert {id_: len(made) for id_, made in statuses(client).items()} == dict.fromkeys([waiting, *others], 1)


def test_a_consumer_deleted_from_the_group_loses_nothing_and_says_so(
    client: redis.Redis, start: Start
) -> None:
    consumer = start(batch=50).healthy()
    ids: list[str] = []
    for round_ in range(40):
        with client.pipeline(transaction=False) as pipe:
            for n in range(100):
                pipe.xadd(
                    STREAM,
                    {"symbol": "NEARUSDT", "side": "HOLD", "position_size_usd": "1", "n": f"{round_}-{n}"},
                )
            ids += pipe.execute()
        client.execute_command("XGROUP", "DELCONSUMER", STREAM, GROUP, OWN)
    wait("all decided", lambda: len(statuses(client)) == len(ids), limit_s=30)
    assert {len(made) for made in statuses(client).values()} == {1}
    fault = wait("the fault", lambda: consumer.problem("CONSUMER_DELETED"))
    assert {fault["first"], fault["last"]} <= set(ids)
    assert fault["number"] > 0
    assert consumer.get("healthz")[0] == 503


def test_a_redis_that_lost_everything_is_a_fault_until_a_person_has_seen_it(
    client: redis.Redis, redis_server: RedisServer, start: Start
) -> None:
    consumer = start().healthy()
    decision(client, publish(client))
    client.flushall()
    wait("the trouble", lambda: consumer.problem("GROUP_MISSING"))
    client.xgroup_create(STREAM, GROUP, "$", mkstream=True)
    wait("the fault", lambda: consumer.problem("GROUP_MOVED"))
    assert decision(client, publish(client))["status"] == "skipped_drain"
    consumer.stop()
    second = start()
    wait("the fault, again", lambda: second.problem("GROUP_MOVED"))
    seen = acknowledge(redis_server, "restored from the backup of noon")
    assert [fault["code"] for fault in seen["acknowledged"]] == ["GROUP_MOVED"]
    second.healthy()
    ((_, kept),) = client.xrange("quantum:trade_intent:acknowledged")  # type: ignore[misc]  # a list, as asked
    assert (kept["code"], kept["reason"]) == ("GROUP_MOVED", "restored from the backup of noon")


def acknowledge(server: RedisServer, reason: str) -> dict[str, Any]:
    """Run the verb, as an operator would."""
    done = subprocess.run(
        [sys.executable, "-m", "consumer", "acknowledge", "--reason", reason],
        env={"TRADE_INTENT_REDIS_URL": server.url}, cwd=ROOT, capture_output=True, text=True, check=True,
        timeout=20,
    )  # fmt: skip # a table, or a call that is read as one
    return json.loads(done.stdout)  # type: ignore[no-any-return]  # an object, as written


# One name a cause


def test_the_cause_is_the_present_one(client: redis.Redis, start: Start, limited: Callable[..., str]) -> None:
    consumer = start(limited()).healthy()
    client.execute_command("ACL", "SETUSER", "limited", "resetpass", ">another")
    client.client_kill_filter(user="limited")
    wait("the first cause", lambda: consumer.problem("REDIS_AUTH"))
    client.execute_command("ACL", "SETUSER", "limited", "resetpass", ">of-a-test", "-xreadgroup")
    wait("the second cause", lambda: consumer.problem("REDIS_DENIED"))
    client.execute_command("ACL", "SETUSER", "limited", "+xreadgroup")
    consumer.healthy()
    codes = [line["code"] for line in consumer.events() if line["event"] == "trouble"]
    assert codes[-1] == "REDIS_DENIED"
    assert len(codes) < 6


def test_a_redis_that_becomes_a_replica_is_named_as_that(client: redis.Redis, start: Start) -> None:
    consumer = start().healthy()
    client.replicaof("127.0.0.1", free_port())
    publish_fails = pytest.raises(redis.ReadOnlyError)
    with publish_fails:
        publish(client)
    wait("the cause", lambda: consumer.problem("REDIS_READONLY"))
    assert not consumer.problem("GROUP_MISSING")
    client.replicaof("NO", "ONE")
    assert decision(client, publish(client))["status"] == "skipped_drain"


def test_a_reader_that_is_unblocked_by_hand_goes_on(client: redis.Redis, start: Start) -> None:
    consumer = start(block_ms=2000).healthy()
    blocked = wait(
        "a blocked reader", lambda: [row for row in client.client_list() if row["cmd"] == "xreadgroup"]
    )
    client.execute_command("CLIENT", "UNBLOCK", blocked[0]["id"], "ERROR")
    assert decision(client, publish(client))["status"] == "skipped_drain"
    assert "GROUP_MISSING" not in consumer.log.read_text()


def test_a_halt_shows_within_a_second_though_nothing_arrives(client: redis.Redis, start: Start) -> None:
    consumer = start().healthy()
    client.set(HALT, "drill")
    wait("the halt", lambda: consumer.state()["halt"] == "drill", limit_s=1)
    client.delete(HALT)
    wait("its end", lambda: consumer.state()["halt"] is None, limit_s=1)


@pytest.mark.parametrize("text", ["é" * 300, "a" + "é" * 300, "€" * 300, "😀" * 300])
def test_a_halt_with_many_accents_gives_a_reason_that_is_text(
    client: redis.Redis, start: Start, text: str
) -> None:
    start().healthy()
    client.set(HALT, text)
    reason = decision(client, publish(client))["reason"]
    assert text.startswith(reason.removeprefix("HALTED:"))
    assert len(reason) > 50


# Ids


def test_the_highest_id_is_decided(client: redis.Redis, start: Start) -> None:
    consumer = start().healthy()
    client.xadd(
        STREAM, {"symbol": "NEARUSDT", "side": "BUY", "position_size_usd": "9"}, id="18446744073709551615-0"
    )
    decided = decision(client, "18446744073709551615-0")
    assert (decided["status"], decided["reason"].partition(":")[0]) == ("invalid", "INVALID_TIME")
    assert int(decided["latency_ms"]) < 0
    assert not consumer.died()


def test_an_id_of_the_future_is_a_fault(client: redis.Redis, start: Start) -> None:
    consumer = start().healthy()
    ahead = f"{time.time_ns() // 1000}-0"
    client.xadd(STREAM, {"symbol": "NEARUSDT", "side": "BUY", "position_size_usd": "9"}, id=ahead)
    fault = wait("the fault", lambda: consumer.problem("ENTRY_FROM_THE_FUTURE"))
    assert fault["first"] == ahead
    later = publish(client)
    assert decision(client, later)["status"] == "invalid"
    assert not consumer.is_healthy()


# Meaning


def test_a_field_that_stands_twice_before_the_cutover_is_skipped(client: redis.Redis, start: Start) -> None:
    client.execute_command("XADD", STREAM, "5-0", "symbol", "NEARUSDT", "symbol", "ADAUSDT")
    client.xgroup_setid(STREAM, GROUP, "0")
    start(cutover_id="6-0").healthy()
    assert decision(client, "5-0")["status"] == "skipped_before_cutover"
    assert letters(client) == []


@pytest.mark.parametrize("side", [chr(0x17F) + "ell", chr(0xFB02) + "at", "clo" + chr(0x17F) + "e"])
def test_a_side_is_made_of_ascii_letters(client: redis.Redis, start: Start, side: str) -> None:
    start().healthy()
    assert decision(client, publish(client, side=side))["reason"].startswith("INVALID_SIDE")


@pytest.mark.parametrize("lacking", [{"entry_price": None}, {"position_size_usd": None, "size_pct": "0.1"}])
def test_an_incomplete_plan_makes_no_twin(client: redis.Redis, start: Start, lacking: dict[str, Any]) -> None:
    start().healthy()
    assert decision(client, publish(client, **lacking))["reason"].startswith("PLAN_INCOMPLETE")
    assert decision(client, publish(client))["reason"] == "DRAIN"
    assert decision(client, publish(client))["status"] == "skipped_duplicate"


# Ends in time


@pytest.mark.parametrize("after_s", [0.1, 0.2, 0.3, 0.5, 0.8])
def test_sigterm_ends_a_consumer_that_is_starting(start: Start, after_s: float) -> None:
    consumer = start()
    time.sleep(after_s)
    assert consumer.stop() == 0


@contextmanager
def slow_redis(server: RedisServer, delay_s: float) -> Iterator[str]:
    """Give the address of a way to Redis on which every answer takes a while."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def pass_on(source: socket.socket, to: socket.socket, wait_s: float) -> None:
        try:
            while data := source.recv(65536):
                ended.wait(wait_s)
                to.sendall(data)
        except OSError:
            return

    def accept() -> None:
        while not ended.is_set():
            try:
                inside, _ = listener.accept()
            except OSError:
                return
            outside = socket.create_connection(("127.0.0.1", server.port))
            for source, to, wait_s in ((inside, outside, 0), (outside, inside, delay_s)):
                threading.Thread(target=pass_on, args=(source, to, wait_s), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
    ended.set()
    listener.close()


@pytest.mark.parametrize("after_s", [2, 5, 12])
def test_sigterm_ends_a_consumer_whose_redis_is_slow(
    client: redis.Redis, redis_server: RedisServer, start: Start, after_s: float
) -> None:
    with slow_redis(redis_server, 2.5) as url:
        publish(client)
        consumer = start(url)
        time.sleep(after_s)
        began = time.monotonic()
        consumer.process.send_signal(signal.SIGTERM)
        assert consumer.process.wait(15) == 0
        assert time.monotonic() - began < 10


# Counters


def test_what_was_settled_is_counted_though_its_reply_was_lost(
    client: redis.Redis, redis_server: RedisServer, start: Start
) -> None:
    with cutting_redis(redis_server) as (url, cut):
        consumer = start(url).healthy()
        cut.set()
        id_ = publish(client)
        decision(client, id_)
        wait("the count", lambda: consumer.state()["counters"].get("skipped_drain") == 1)
        wait("another session", lambda: consumer.state()["counters"]["sessions"] == 2)


@contextmanager
def cutting_redis(server: RedisServer) -> Iterator[tuple[str, threading.Event]]:
    """Give the address of a way to Redis that loses the answer to the next settling, when told to."""
    listener, cut = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def pass_on(source: socket.socket, to: socket.socket, asked: dict[str, bool], *, is_asking: bool) -> None:
        try:
            while data := source.recv(65536):
                if is_asking and b"EVALSHA" in data and b"skipped_drain" in data and cut.is_set():
                    asked["settling"] = True
                elif not is_asking and asked.get("settling"):
                    cut.clear()
                    to.close()
                    return
                to.sendall(data)
        except OSError:
            return

    def accept() -> None:
        while True:
            try:
                inside, _ = listener.accept()
            except OSError:
                return
            outside = socket.create_connection(("127.0.0.1", server.port))
            asked: dict[str, bool] = {}
            for source, to, is_asking in ((inside, outside, True), (outside, inside, False)):
                threading.Thread(
                    target=pass_on, args=(source, to, asked), kwargs={"is_asking": is_asking}, daemon=True
                ).start()

    threading.Thread(target=accept, daemon=True).start()
    yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0", cut
    listener.close()
