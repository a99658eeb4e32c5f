from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from host.change.errors import LockLostError, NothingToRollBackError
from tests.integration.host.change.conftest import release_id

if TYPE_CHECKING:
    from tests.integration.host.change.conftest import Machine

pytestmark = pytest.mark.docker

OLD, NEW = release_id("old"), release_id("new")


def test_a_finished_switch_is_taken_back_to_the_verified_release(machine: Machine) -> None:
    machine.create(machine.name, release="old", start=True)
    machine.verified("old")
    machine.create(machine.next)
    machine.switch()
    end = machine.run("rollback", token=machine.token[0], run_id="run-1", reason="check E.3 failed")
    assert end["state"] == "rolled_back", end
    assert end["cause"] == {
        "code": "TAKEN_BACK",
        "message": "check E.3 failed",
        "remedy": end["cause"]["remedy"],
    }
    assert machine.statuses() == {"": ("running", OLD), ".failed": ("exited", NEW)}
    assert machine.ask("release show")["current"]["release"] == OLD
    assert machine.ask("audit show")["entries"][-1]["action"] == "switch.end"


def test_without_a_verified_release_the_new_one_is_left_stopped_once(machine: Machine) -> None:
    machine.create(machine.name, release="old", start=True)
    machine.create(machine.next)
    machine.switch()
    request = {"token": machine.token[0], "run_id": "run-1", "reason": "a check failed"}
    end = machine.ask("rollback", **request)
    assert end["state"] == "failed"
    assert machine.ask("rollback", **request) == end
    assert machine.statuses() == {".previous": ("exited", OLD), ".failed": ("exited", NEW)}


def test_a_way_back_needs_the_lock(machine: Machine) -> None:
    machine.create(machine.next)
    machine.switch()
    with pytest.raises(LockLostError):
        machine.ask("rollback", token="another's", run_id="run-1", reason="a check failed")
    assert machine.statuses() == {"": ("running", NEW)}


def test_there_is_nothing_to_take_back_where_nothing_was_switched(machine: Machine) -> None:
    with pytest.raises(NothingToRollBackError):
        machine.ask("rollback", token=machine.token[0], run_id="run-1", reason="a check failed")
