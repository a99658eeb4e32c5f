from __future__ import annotations

import json
import secrets
import threading
from typing import TYPE_CHECKING, Any

import pytest
import redis

from host.base.login import Login
from host.base.redis_link import Address
from host.change.cutover import CutoverOutcome, Wanted, ensure, preflight
from host.change.errors import GroupLostError, StreamTypeError
from host.change.redis_link import connect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from host.base.state import StateFolder

GROUP, OTHER = "ours", "somebody else's"


class Desk:
    """A stream of a test's own, and the cutover of its group."""

    def __init__(self, address: tuple[str, int], state: StateFolder) -> None:
        self.address, self.state = Address(*address), state
        self.redis = redis.Redis(*address, decode_responses=True)
        self.stream = f"stream:{secrets.token_hex(4)}"

    def fill(self, count: int, **options: Any) -> list[str]:
        return [str(self.redis.xadd(self.stream, {"symbol": "BTCUSDT"}, **options)) for _ in range(count)]

    def cut_over(self, run_id: str = "run-1", *, force: bool = False) -> CutoverOutcome:
        with connect(self.address) as client:
            return ensure(client, self.state, Wanted(self.stream, GROUP, run_id, force))

    def group(self, name: str = GROUP) -> dict[str, Any]:
        return next(group for group in self.redis.xinfo_groups(self.stream) if group["name"] == name)


@pytest.fixture
def desk(any_redis: tuple[str, int], state: StateFolder) -> Iterator[Desk]:
    desk = Desk(any_redis, state)
    yield desk
    desk.redis.delete(desk.stream)
    desk.redis.close()


def test_a_new_group_stands_at_the_end_and_its_lag_is_a_number_ever_after(desk: Desk) -> None:
    last = desk.fill(20)[-1]
    record = desk.cut_over().record
    assert (record["cutover_id"], record["created"], record["length"]) == (last, True, 20)
    assert (desk.group()["lag"], desk.group()["entries-read"]) == (0, 20)
    desk.fill(3)
    assert desk.group()["lag"] == 3
    given = desk.redis.xreadgroup(GROUP, "a consumer", {desk.stream: ">"})
    assert len(given[0][1] if isinstance(given, list) else given[desk.stream][0]) == 3
    assert desk.group()["lag"] == 0


def test_lag_is_a_number_on_a_stream_that_was_trimmed(desk: Desk) -> None:
    desk.fill(300, maxlen=100, approximate=False)
    record = desk.cut_over().record
    assert (record["entries_added"], record["length"]) == (300, 100)
    assert record["skipped"]["count"] == 100
    desk.fill(1)
    assert desk.group()["lag"] == 1


def test_a_stream_that_does_not_exist_is_made_with_the_group_at_its_beginning(desk: Desk) -> None:
    record = desk.cut_over().record
    assert (record["cutover_id"], record["before"], record["skipped"]["count"]) == ("0-0", [], 0)
    assert desk.redis.xlen(desk.stream) == 0
    desk.fill(2)
    assert desk.group()["lag"] == 2


def test_a_stream_that_lost_all_its_entries_is_cut_at_its_last_id(desk: Desk) -> None:
    last = desk.fill(5)[-1]
    desk.redis.xtrim(desk.stream, maxlen=0, approximate=False)
    record = desk.cut_over().record
    assert (record["cutover_id"], record["length"], record["entries_added"]) == (last, 0, 5)
    assert record["skipped"] == {"count": 0, "from_id": None, "to_id": None}
    assert desk.group()["lag"] == 0


def test_an_existing_group_is_moved_and_its_old_position_is_kept_on_record(desk: Desk) -> None:
    first, *_, last = desk.fill(10)
    desk.redis.xgroup_create(desk.stream, GROUP, 0)
    desk.redis.xreadgroup(GROUP, "dead consumer", {desk.stream: ">"}, count=4)
    record = desk.cut_over().record
    assert record["created"] is False
    assert record["old_position"]["lag"] == 6
    assert record["pending_before"]["count"] == 4
    assert record["pending_before"]["entries"][0]["id"] == first
    assert record["pending_before"]["entries"][0]["consumer"] == "dead consumer"
    assert (record["skipped"]["count"], record["skipped"]["to_id"]) == (6, last)
    assert (desk.group()["last-delivered-id"], desk.group()["lag"], desk.group()["pending"]) == (last, 0, 4)


def test_at_most_a_thousand_pending_entries_are_listed_and_all_are_counted(desk: Desk) -> None:
    desk.fill(1_100)
    desk.redis.xgroup_create(desk.stream, GROUP, 0)
    desk.redis.xreadgroup(GROUP, "dead consumer", {desk.stream: ">"})
    pending = desk.cut_over().record["pending_before"]
    assert (pending["count"], len(pending["entries"])) == (1_100, 1_000)


def test_all_entries_are_skipped_by_a_group_that_stood_before_what_is_left(desk: Desk) -> None:
    desk.redis.xgroup_create(desk.stream, GROUP, 0, mkstream=True)
    ids = desk.fill(50, maxlen=20, approximate=False)
    assert desk.cut_over().record["skipped"] == {"count": 20, "from_id": ids[-20], "to_id": ids[-1]}


def test_more_skipped_entries_than_a_page_are_counted_one_by_one(desk: Desk) -> None:
    ids = desk.fill(2_345)
    desk.redis.xgroup_create(desk.stream, GROUP, ids[0])
    assert desk.cut_over().record["skipped"] == {"count": 2_344, "from_id": ids[1], "to_id": ids[-1]}


def test_other_groups_are_not_touched(desk: Desk) -> None:
    desk.fill(10)
    desk.redis.xgroup_create(desk.stream, OTHER, 0)
    desk.redis.xreadgroup(OTHER, "test-consumer", {desk.stream: ">"}, count=1)
    before = desk.group(OTHER)
    record = desk.cut_over().record
    assert desk.group(OTHER) == before
    assert [group["name"] for group in record["before"]] == [OTHER]
    assert record["before"][0] in record["after"]


def test_entries_that_are_not_text_do_not_stop_it(desk: Desk) -> None:
    desk.redis.xadd(desk.stream, {b"\xff\xfe": b"\x80"})
    assert desk.cut_over().record["length"] == 1


def test_the_second_time_nothing_moves(desk: Desk) -> None:
    desk.fill(5)
    first = desk.cut_over()
    desk.fill(2)
    second = desk.cut_over("run-2")
    assert (first.moved, second.moved) == (True, False)
    assert second.record == first.record
    assert desk.group()["lag"] == 2


def test_a_forced_cutover_moves_again_and_keeps_the_record_before(desk: Desk, state: StateFolder) -> None:
    desk.fill(5)
    old = desk.cut_over().record
    last = desk.fill(2)[-1]
    new = desk.cut_over("run-2", force=True).record
    assert (new["cutover_id"], new["run_id"], new["skipped"]["count"]) == (last, "run-2", 2)
    assert json.loads((state.releases / f"cutover-{old['at']}.json").read_text()) == old


def test_a_cutover_of_another_group_does_not_count_for_ours(desk: Desk, state: StateFolder) -> None:
    desk.fill(1)
    with connect(desk.address) as client:
        ensure(client, state, Wanted(desk.stream, OTHER, "run-1"))
    assert desk.cut_over().moved


def test_a_group_that_is_gone_after_its_cutover_is_an_error_that_names_the_way_out(desk: Desk) -> None:
    desk.fill(1)
    desk.cut_over()
    desk.redis.xgroup_destroy(desk.stream, GROUP)
    with pytest.raises(GroupLostError) as lost:
        desk.cut_over()
    assert "-e cutover=true" in lost.value.remedy
    assert desk.redis.xinfo_groups(desk.stream) == []


def test_a_stream_that_is_gone_after_the_cutover_is_a_lost_group(desk: Desk) -> None:
    desk.fill(1)
    desk.cut_over()
    desk.redis.delete(desk.stream)
    with pytest.raises(GroupLostError):
        desk.cut_over()
    assert desk.cut_over(force=True).record["cutover_id"] == "0-0"


def test_a_key_that_is_no_stream_is_refused_before_and_during(desk: Desk, state: StateFolder) -> None:
    desk.redis.set(desk.stream, "text")
    with connect(desk.address) as client, pytest.raises(StreamTypeError):
        preflight(client, state, Wanted(desk.stream, GROUP, "run-1"))
    with pytest.raises(StreamTypeError):
        desk.cut_over()
    assert not state.cutover_record.exists()


def test_the_consumer_can_read_the_id_and_nobody_can_write_it(desk: Desk, state: StateFolder) -> None:
    last = desk.fill(1)[-1]
    desk.cut_over()
    assert state.cutover_id.read_text() == f"{last}\n"
    assert state.cutover_id.stat().st_mode & 0o777 == 0o444


def test_an_id_file_that_was_lost_is_written_again_from_the_record(desk: Desk, state: StateFolder) -> None:
    last = desk.fill(1)[-1]
    desk.cut_over()
    state.cutover_id.unlink()
    desk.cut_over()
    assert state.cutover_id.read_text() == f"{last}\n"


def test_the_end_is_met_exactly_while_entries_pour_in(desk: Desk) -> None:
    desk.fill(1)
    stop = threading.Event()

    def pour() -> None:
        with redis.Redis(desk.address.host, desk.address.port) as producer:
            while not stop.is_set():
                producer.xadd(desk.stream, {"symbol": "BTCUSDT"}, maxlen=10_000)

    producer = threading.Thread(target=pour)
    producer.start()
    try:
        record = desk.cut_over().record
    finally:
        stop.set()
        producer.join()
    after = desk.redis.xrange(desk.stream, f"({record['cutover_id']}")
    assert after
    assert desk.group()["lag"] == len(after)


def test_the_deploy_user_needs_only_what_the_documentation_lists(desk: Desk, state: StateFolder) -> None:
    desk.fill(3)
    desk.redis.xgroup_create(desk.stream, GROUP, 0)
    desk.redis.execute_command(
        "ACL", "SETUSER", "deployer", "on", ">a password", f"~{desk.stream}",
        "+watch", "+unwatch", "+multi", "+exec", "+xinfo|stream", "+xinfo|groups", "+xgroup|create",
        "+xgroup|setid", "+xpending", "+xrange",
    )  # fmt: skip # a table, or a call that is read as one
    address = Address(desk.address.host, desk.address.port, 0, Login("deployer", "a password"))
    with connect(address) as client:
        outcome = ensure(client, state, Wanted(desk.stream, GROUP, "run-1"))
    desk.redis.acl_deluser("deployer")
    assert outcome.moved
