from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import redis

from host.change.errors import (
    GroupLostError,
    LockLostError,
    NothingToSwitchError,
    ReleaseMismatchError,
    SwitchRunningError,
)
from tests.integration.host.change.conftest import release_id, wait_until

if TYPE_CHECKING:
    from tests.integration.host.change.conftest import Machine

pytestmark = pytest.mark.docker

OLD, NEW = release_id("old"), release_id("new")


def test_the_first_switch_cuts_over_and_leaves_one_healthy_container(machine: Machine) -> None:
    machine.create(machine.next)
    end = machine.switch()
    assert end["state"] == "done", end
    assert [step["name"] for step in end["steps"]] == [
        "check_lock", "stop_old", "cutover", "rename", "start_new", "wait_healthy", "steady", "record",
    ]  # fmt: skip # a table, or a call that is read as one
    assert machine.statuses() == {"": ("running", NEW)}
    assert machine.groups()[machine.group]["lag"] == 0
    assert machine.ask("release show")["current"]["release"] == NEW
    assert machine.ask("audit show")["entries"][-1]["result"] == "done"
    assert machine.state.switch_record.stat().st_mode & 0o777 == 0o600


def test_a_switch_sets_the_old_container_aside_and_moves_no_group(machine: Machine) -> None:
    machine.create(machine.name, release="old")
    machine.create(machine.next)
    assert machine.switch(next=None, desired=machine.desired("old"))["state"] == "done"
    machine.redis.xadd(machine.stream, {"symbol": "ETHUSDT"})
    before = machine.groups()
    end = machine.switch()
    assert end["state"] == "done", end
    assert machine.statuses() == {"": ("running", NEW), ".previous": ("exited", OLD)}
    assert machine.groups() == before
    assert before[machine.group]["lag"] == 1


def test_the_cutover_id_can_be_read_before_the_new_container_starts(machine: Machine) -> None:
    machine.create(machine.next, "waiting for the id")
    assert machine.switch()["state"] == "done"


def test_a_stopped_main_container_is_started_again(machine: Machine) -> None:
    container = machine.create(machine.name)
    end = machine.switch(next=None)
    assert end["state"] == "done", end
    container.reload()
    assert container.status == "running"


def test_a_paused_main_container_runs_on_without_a_restart(machine: Machine) -> None:
    container = machine.create(machine.name, start=True)
    container.reload()
    started = container.attrs["State"]["StartedAt"]
    container.pause()
    end = machine.switch(next=None)
    assert end["state"] == "done", end
    container.reload()
    assert (container.status, container.attrs["State"]["StartedAt"]) == ("running", started)


def test_a_forced_cutover_stops_a_main_container_that_stays(machine: Machine) -> None:
    container = machine.create(machine.name)
    first = machine.switch(next=None)
    machine.redis.xadd(machine.stream, {"symbol": "ETHUSDT"})
    end = machine.switch(next=None, cutover="force")
    assert end["state"] == "done", end
    assert end["steps"][1]["detail"] == [machine.name]
    assert end["steps"][2]["detail"]["cutover_id"] != first["steps"][2]["detail"]["cutover_id"]
    assert machine.groups()[machine.group]["lag"] == 0
    container.reload()
    assert container.status == "running"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        # A look that comes after the engine's restart sees that restart; one that comes before, the exit.
        ("crashing", "exit code 3|it restarted"),
        ("unhealthy", "unhealthy"),
        ("never healthy", "not healthy after 1 s"),
    ],
)
def test_a_container_that_is_not_well_is_set_aside_and_the_verified_release_runs_again(
    machine: Machine, kind: str, reason: str
) -> None:
    machine.create(machine.name, release="old", start=True)
    machine.verified("old")
    machine.create(machine.next, kind)
    end = machine.switch(start_timeout_s=1)
    assert end["state"] == "rolled_back", end
    assert end["cause"]["code"] == "NOT_HEALTHY"
    assert re.search(reason, end["cause"]["message"])
    assert machine.statuses() == {"": ("running", OLD), ".failed": ("exited", NEW)}
    assert machine.ask("release show")["current"]["release"] == OLD


def test_the_record_keeps_the_failed_containers_log_without_its_secrets(machine: Machine) -> None:
    (machine.state.secrets / "redis_password").write_text("cannot")
    machine.create(machine.next, "crashing")
    end = machine.switch()
    assert end["log_tail"][:2] == ["redis_password=<masked>", "<masked> start"]


def test_without_an_earlier_container_the_new_one_is_left_stopped(machine: Machine) -> None:
    machine.create(machine.next, "crashing")
    end = machine.switch()
    assert end["state"] == "failed"
    assert "there is no earlier container" in end["message"]
    assert machine.statuses() == {".failed": ("exited", NEW)}
    assert machine.ask("release show")["current"] is None


def test_an_earlier_release_that_was_never_verified_does_not_come_back(machine: Machine) -> None:
    machine.create(machine.name, release="old", start=True)
    machine.create(machine.next, "crashing")
    end = machine.switch()
    assert end["state"] == "failed"
    assert "not the last verified one" in end["message"]
    assert machine.statuses() == {".previous": ("exited", OLD), ".failed": ("exited", NEW)}


def test_a_verified_release_that_would_trade_does_not_come_back(machine: Machine) -> None:
    machine.create(machine.name, release="old", mode="live", start=True)
    machine.verified("old", mode="live")
    machine.create(machine.next, "crashing")
    end = machine.switch()
    assert end["state"] == "failed"
    assert "mode live" in end["message"]
    assert machine.statuses()[".previous"] == ("exited", OLD)


def test_the_verified_release_stays_aside_when_an_unverified_one_is_replaced(machine: Machine) -> None:
    machine.create(machine.previous, release="verified")
    machine.create(machine.name, release="old", start=True)
    machine.create(machine.next)
    machine.verified("verified")
    assert machine.switch()["state"] == "done"
    assert machine.statuses()[".previous"][1] == release_id("verified")


def test_an_older_failed_container_makes_room_for_the_next(machine: Machine) -> None:
    older = machine.create(machine.failed)
    machine.create(machine.next, "crashing")
    machine.switch()
    assert machine.engine.containers.get(machine.failed).id != older.id


def test_when_the_cutover_fails_after_the_stop_the_verified_old_container_runs_again(
    machine: Machine,
) -> None:
    machine.create(machine.name, "slow to stop", release="old", start=True)
    machine.verified("old")
    machine.create(machine.next)
    started = machine.ask("switch start", **machine.order())
    wait_until("the stop", lambda: machine.ask("switch show")["step"] == "stop_old")
    machine.redis.set(machine.stream, "no stream any more")
    end = machine.ask("switch wait", switch_id=started["switch_id"], timeout_s=30)
    assert (end["state"], end["cause"]["code"]) == ("rolled_back", "NOT_A_STREAM"), end
    assert machine.statuses() == {"": ("running", OLD), ".failed": ("created", NEW)}


def test_nothing_to_switch_to_is_an_error(machine: Machine) -> None:
    with pytest.raises(NothingToSwitchError):
        machine.switch()


def test_a_container_of_another_release_is_not_switched_to(machine: Machine) -> None:
    machine.create(machine.next, release="other")
    with pytest.raises(ReleaseMismatchError):
        machine.switch()


def test_without_redis_nothing_is_touched(machine: Machine) -> None:
    machine.create(machine.name, release="old", start=True)
    machine.create(machine.next)
    desired = machine.desired()
    desired["redis"]["port"] = 1
    with pytest.raises(redis.ConnectionError):
        machine.switch(desired=desired)
    assert machine.statuses() == {"": ("running", OLD), ".next": ("created", NEW)}


def test_a_lost_group_stops_the_switch_before_anything_is_touched(machine: Machine) -> None:
    machine.create(machine.name, release="old")
    machine.switch(next=None, desired=machine.desired("old"))
    machine.redis.xgroup_destroy(machine.stream, machine.group)
    machine.create(machine.next)
    with pytest.raises(GroupLostError) as lost:
        machine.switch()
    assert "-e cutover=true" in lost.value.remedy
    assert machine.statuses() == {"": ("running", OLD), ".next": ("created", NEW)}


def test_a_switch_needs_the_lock(machine: Machine) -> None:
    machine.create(machine.next)
    with pytest.raises(LockLostError):
        machine.switch(token="another's")
    assert machine.statuses() == {".next": ("created", NEW)}


def test_two_switches_never_run_at_once(machine: Machine) -> None:
    machine.create(machine.next, "never healthy")
    machine.ask("switch start", **machine.order(start_timeout_s=3))
    with pytest.raises(SwitchRunningError):
        machine.ask("switch start", **machine.order())


def test_no_password_is_left_on_the_host(machine: Machine) -> None:
    machine.redis.acl_setuser(
        "deployer", enabled=True, passwords=["+s3cret-word"], commands=["+@all"], keys=["*"]
    )
    machine.create(machine.next, "crashing")
    assert machine.switch(redis={"user": "deployer", "password": "s3cret-word"})["state"] == "failed"
    machine.redis.acl_deluser("deployer")
    files = [file for file in machine.state.root.rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if b"s3cret-word" in file.read_bytes()]
