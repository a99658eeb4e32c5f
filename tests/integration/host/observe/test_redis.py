from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from host.base.login import Login
from host.observe import accounting, proof, redis_state

from .conftest import GROUP, STREAM, STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from host.observe.observation import Collector
    from host.observe.subject import Subject
    from tests.support.redis_server import RedisServer

RESULTS, DEAD = STREAMS["result_stream"], STREAMS["dead_letter_stream"]


def value(look: Collector, subject: Subject) -> Any:
    seen = look.run(subject)
    assert seen.ok, seen.error
    return seen.value


def add(subject: Subject, stream: str = STREAM, **fields: str) -> str:
    flat = [part for pair in (fields or {"symbol": "BTCUSDT"}).items() for part in pair]
    return str(subject.redis.ask("XADD", stream, "*", *flat).decode())


def decide(
    subject: Subject, intent_id: str, status: str = "skipped_drain", source: str = "trade_intent_consumer"
) -> None:
    add(subject, RESULTS, intent_id=intent_id, status=status, reason="DRAIN", source=source)


def cut_over(with_redis: Callable[..., Subject]) -> Subject:
    """Write two old entries, put the group after them, and return a subject that begins there."""
    subject = with_redis()
    add(subject)
    last = add(subject)
    subject.redis.ask("XGROUP", "CREATE", STREAM, GROUP, "$")
    return with_redis(from_id=last, entries_added_at_from=2)


def read_and_settle(subject: Subject, count: int) -> None:
    """Do what the consumer does, in the order in which it does it."""
    ((_, delivered),) = subject.redis.ask(
        "XREADGROUP", "GROUP", GROUP, "me", "COUNT", count, "STREAMS", STREAM, ">"
    )
    for entry_id, _ in delivered:
        decide(subject, entry_id.decode())
        subject.redis.ask("XACK", STREAM, GROUP, entry_id)


def test_the_server_tells_its_clock_between_two_looks_at_the_hosts(
    with_redis: Callable[..., Subject],
) -> None:
    seen = value(redis_state.server, with_redis())
    assert seen["host_ms_before"] - 50 <= seen["now_ms"] <= seen["host_ms_after"] + 50
    assert seen["replication_role"] == "master"
    assert seen["aof_enabled"] is False


def test_the_server_tells_what_the_stream_stands_on(with_redis: Callable[..., Subject]) -> None:
    server = value(redis_state.server, with_redis())
    assert server["maxmemory_policy"] == "noeviction"
    assert int(server["used_memory"]) > int(server["maxmemory"]) == 0
    assert (server["aof_last_write"], server["snapshot_last_save"]) == ("ok", "ok")
    assert server["changes_since_snapshot"].isdecimal()


def test_a_stream_counts_what_was_trimmed(with_redis: Callable[..., Subject]) -> None:
    subject = with_redis()
    ids = [add(subject) for _ in range(5)]
    subject.redis.ask("XTRIM", STREAM, "MAXLEN", 2)
    seen = value(redis_state.stream, subject)
    assert (seen["length"], seen["entries_added"], seen["groups"]) == (2, 5, 0)
    assert (seen["first_id"], seen["last_id"], seen["last_generated_id"]) == (ids[3], ids[4], ids[4])


def test_an_absent_stream_is_an_error_and_absent_results_are_none(
    with_redis: Callable[..., Subject],
) -> None:
    subject = with_redis()
    assert not redis_state.stream.run(subject).ok
    assert value(redis_state.results, subject) == {"length": 0, "last_id": None}


def test_a_lag_that_the_server_does_not_know_is_none(with_redis: Callable[..., Subject]) -> None:
    subject = with_redis()
    ids = [add(subject) for _ in range(3)]
    subject.redis.ask("XGROUP", "CREATE", STREAM, GROUP, ids[1])
    (group,) = value(redis_state.groups, subject)
    assert (group["name"], group["last_delivered_id"], group["lag"]) == (GROUP, ids[1], None)


def test_a_pending_entry_is_shown_with_its_owner_and_whether_its_body_is_there(
    with_redis: Callable[..., Subject],
) -> None:
    subject = with_redis()
    ids = [add(subject) for _ in range(2)]
    subject.redis.ask("XGROUP", "CREATE", STREAM, GROUP, "0")
    subject.redis.ask("XREADGROUP", "GROUP", GROUP, "test-consumer", "STREAMS", STREAM, ">")
    subject.redis.ask("XDEL", STREAM, ids[0])
    held = value(redis_state.pending, subject)[GROUP]
    assert held["count"] == 2
    assert [
        (entry["id"], entry["consumer"], entry["deliveries"], entry["body_present"])
        for entry in held["entries"]
    ] == [
        (ids[0], "test-consumer", 1, False),
        (ids[1], "test-consumer", 1, True),
    ]
    (consumer,) = value(redis_state.consumers, subject)[GROUP]
    assert (consumer["name"], consumer["pending"]) == ("test-consumer", 2)


def test_a_halt_is_told_with_its_reason(with_redis: Callable[..., Subject]) -> None:
    subject = with_redis()
    assert value(redis_state.halt, subject) == {"set": False, "value": None}
    subject.redis.ask("SET", redis_state.HALT_KEY, "by hand")
    assert value(redis_state.halt, subject) == {"set": True, "value": "by hand"}


def test_a_user_who_may_not_ask_for_rights_still_says_who_it_is(
    with_redis: Callable[..., Subject], redis_server: RedisServer
) -> None:
    admin = with_redis()
    admin.redis.ask(
        "ACL", "SETUSER", "reader", "on", ">planted-password", "~*", "+@read", "+acl|whoami", "+info"
    )
    reader = with_redis()
    del reader.__dict__["redis"]
    reader.__dict__["redis_address"] = ("127.0.0.1", redis_server.port)
    reader.request.desired["redis"] = {}
    reader.__dict__["redis"] = reader.redis_as(Login("reader", "planted-password"), "redis")
    assert value(redis_state.whoami, reader) == {"user": "reader", "acl": None}
    admin.redis.ask("ACL", "DELUSER", "reader")


def test_a_wrong_password_is_an_error_that_does_not_hold_it(
    with_redis: Callable[..., Subject], redis_server: RedisServer
) -> None:
    subject = with_redis()
    subject.__dict__["redis_address"] = ("127.0.0.1", redis_server.port)
    subject.request.desired["redis"] = {}
    object.__setattr__(subject.request, "redis", Login("nobody", "planted-password"))
    del subject.__dict__["redis"]
    seen = redis_state.stream.run(subject)
    assert not seen.ok
    assert "planted-password" not in str(seen)


def test_errors_that_the_server_gave_are_counted(with_redis: Callable[..., Subject]) -> None:
    subject = with_redis()
    redis_state.stream.run(subject)
    assert value(redis_state.errorstats, subject)["ERR"] >= 1


def test_every_entry_since_the_cutover_is_returned_and_none_from_before(
    with_redis: Callable[..., Subject],
) -> None:
    subject = cut_over(with_redis)
    ids = [add(subject, symbol=f"S{number}USDT") for number in range(3)]
    read_and_settle(subject, 3)
    seen = value(accounting.entries, subject)
    assert [entry["id"] for entry in seen["entries"]] == ids
    assert seen["entries"][1]["fields"] == {"symbol": "S1USDT"}
    assert (seen["intact"], seen["missing"], seen["count"], seen["to_id"]) == (True, 0, 3, ids[2])
    assert seen["group"]["settled"] is True


def test_more_than_a_page_of_entries_is_read_to_its_end(with_redis: Callable[..., Subject]) -> None:
    subject = cut_over(with_redis)
    for number in range(2500):
        add(subject, symbol=f"S{number}USDT")
    read_and_settle(subject, 3000)
    seen = value(accounting.entries, subject)
    assert [entry["fields"]["symbol"] for entry in seen["entries"]] == [
        f"S{number}USDT" for number in range(2500)
    ]
    assert len(value(accounting.decisions, subject)) == 2500


def test_a_stream_trimmed_past_the_cutover_is_not_intact(with_redis: Callable[..., Subject]) -> None:
    subject = cut_over(with_redis)
    for _ in range(3):
        add(subject)
    read_and_settle(subject, 3)
    subject.redis.ask("XTRIM", STREAM, "MAXLEN", 2)
    seen = value(accounting.entries, subject)
    assert (seen["intact"], seen["missing"]) == (False, 1)


def test_an_entry_that_vanished_is_missing_from_an_intact_stretch(
    with_redis: Callable[..., Subject],
) -> None:
    subject = cut_over(with_redis)
    ids = [add(subject) for _ in range(3)]
    read_and_settle(subject, 3)
    subject.redis.ask("XDEL", STREAM, ids[1])
    seen = value(accounting.entries, subject)
    assert (seen["intact"], seen["missing"], seen["max_deleted_id"]) == (True, 1, ids[1])


def test_the_accounting_waits_for_a_consumer_that_is_a_little_behind(
    with_redis: Callable[..., Subject],
) -> None:
    subject = cut_over(with_redis)
    add(subject)
    late = threading.Timer(0.4, read_and_settle, (with_redis(), 1))
    late.start()
    seen = value(accounting.entries, subject)
    late.join()
    assert seen["group"]["settled"] is True
    assert seen["group"]["waited_ms"] >= 200


def test_an_entry_that_stays_pending_is_named(
    with_redis: Callable[..., Subject], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounting, "SETTLE_S", 0.2)
    subject = cut_over(with_redis)
    stuck = add(subject)
    subject.redis.ask("XREADGROUP", "GROUP", GROUP, "me", "STREAMS", STREAM, ">")
    seen = value(accounting.entries, subject)["group"]
    assert (seen["settled"], seen["pending_ids"]) == (False, [stuck])


def test_an_entry_whose_names_are_no_text_is_kept_as_bytes(with_redis: Callable[..., Subject]) -> None:
    subject = cut_over(with_redis)
    subject.redis.ask("XADD", STREAM, "*", b"\xff", "x")  # type: ignore[arg-type]  # bytes on purpose
    read_and_settle(subject, 1)
    (entry,) = value(accounting.entries, subject)["entries"]
    assert set(entry) == {"id", "raw_base64"}


def test_only_the_consumers_own_decisions_after_the_cutover_count(
    with_redis: Callable[..., Subject],
) -> None:
    subject = cut_over(with_redis)
    before, after = subject.request.options["from_id"], add(subject)
    decide(subject, before, "skipped_before_cutover")
    decide(subject, after)
    decide(subject, after, source="service_v2")
    assert {intent: len(made) for intent, made in value(accounting.decisions, subject).items()} == {after: 1}


def test_a_decision_about_an_entry_from_before_the_cutover_is_seen(
    with_redis: Callable[..., Subject], monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = cut_over(with_redis)
    record = {"cutover_id": subject.request.options["from_id"]}
    monkeypatch.setattr(accounting, "needed_cutover", lambda _: record)
    decide(subject, record["cutover_id"], "skipped_before_cutover")
    decide(subject, add(subject))
    assert value(accounting.decisions_before, subject) == {
        "decisions": [
            {"intent_id": record["cutover_id"], "status": "skipped_before_cutover", "reason": "DRAIN"}
        ]
    }


def test_dead_letters_since_the_cutover_name_their_original(with_redis: Callable[..., Subject]) -> None:
    subject = cut_over(with_redis)
    letter = add(subject, DEAD, original_id="9999999999999-0", reason="INVALID_SYMBOL:x")
    (letter_seen,) = value(accounting.dead_letters, subject)
    assert letter_seen == {"id": letter, "original_id": "9999999999999-0", "reason": "INVALID_SYMBOL:x"}


def test_without_a_cutover_there_is_nothing_to_account_from(with_redis: Callable[..., Subject]) -> None:
    seen = accounting.entries.run(with_redis())
    assert seen.error is not None
    assert "cutover.json" in seen.error["message"]


@pytest.fixture
def proving(with_redis: Callable[..., Subject], redis_server: RedisServer) -> Iterator[Subject]:
    """Give a subject whose proof events a plain reader decides, each as skipped_drain."""
    subject, stop = with_redis(), threading.Event()
    reader = with_redis()
    reader.__dict__["redis_address"] = subject.__dict__["redis_address"] = ("127.0.0.1", redis_server.port)
    reader.request.desired["redis"] = subject.request.desired["redis"] = {}
    reader.__dict__["redis"] = reader.redis_as(Login("default", ""), "redis")
    object.__setattr__(subject.request, "redis_deploy", Login("default", ""))

    def run() -> None:
        seen: set[str] = set()
        while not stop.is_set():
            entries = list(reader.redis.entries_after(STREAM, "0-0", "+", 100))
            for entry in entries:
                if entry["id"] not in seen:
                    seen.add(entry["id"])
                    decide(reader, entry["id"])
            time.sleep(0.01)

    thread = threading.Thread(target=run)
    thread.start()
    yield subject
    stop.set()
    thread.join()


def test_proof_events_are_published_and_followed_to_their_decisions(proving: Subject) -> None:
    published = value(proof.published, proving)
    decisions = value(proof.decisions, proving)
    assert [decision["intent_id"] for decision in decisions] == [event["id"] for event in published]
    assert all(0 <= decision["latency_ms"] < 2000 for decision in decisions)
    on_stream = list(proving.redis.entries_after(STREAM, "0-0", "+", 100))
    assert [entry["fields"] for entry in on_stream] == [event["fields"] for event in published]


def test_an_undecided_proof_event_is_waited_for_only_so_long(
    proving: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "DECISION_LIMIT_S", 0.3)
    value(proof.published, proving)
    proving.seen["proof.published"].append({"id": "9999999999999-0"})
    began = time.monotonic()
    assert len(value(proof.decisions, proving)) == len(proof.EVENTS)
    assert time.monotonic() - began < 2


def test_without_published_events_there_is_nothing_to_follow(with_redis: Callable[..., Subject]) -> None:
    assert not proof.decisions.run(with_redis()).ok
