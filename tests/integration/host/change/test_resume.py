from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from host.base.login import Login
from host.change.audit import Audit
from host.change.carry import carry
from host.change.context import SwitchContext, open_host
from host.change.errors import LockLostError, NothingToSwitchError, SwitchInterruptedError
from host.change.progress import SwitchProgress
from host.change.rollback import BACKWARD
from host.change.switch import SwitchOrder, survey
from tests.integration.host.change.conftest import ROOT, alive, release_id, wait_until

if TYPE_CHECKING:
    from host.base.errors import HostProgramError
    from tests.integration.host.change.conftest import Machine

pytestmark = pytest.mark.docker

OLD, NEW = release_id("old"), release_id("new")


class Killed(BaseException):
    """Stands for SIGKILL between a step's effect and its record."""


class Mortal(SwitchProgress):
    """A record whose process dies just when it would note that a step was taken."""

    def __init__(self, mortal: SwitchProgress, dies_after: str) -> None:
        super().__init__(mortal._path, mortal._document)
        self._dies_after = dies_after

    def leave(self, step: str, began: str, detail: Any) -> None:
        if step == self._dies_after:
            raise Killed
        super().leave(step, began, detail)

    def stumble(self, step: str, began: str, error: HostProgramError) -> None:
        if step == self._dies_after:
            raise Killed
        super().stumble(step, began, error)


def die_after(machine: Machine, step: str) -> None:
    """Carry a switch in this process until `step` has taken effect, and leave it there."""
    order = SwitchOrder(
        run_id="run-1", token=machine.token[0], desired=machine.desired(), main=machine.name,
        new=machine.next, previous=machine.previous, login=Login(),
        force_cutover=False, steady_s=0.1, start_timeout_s=8,
    )  # fmt: skip # a table, or a call that is read as one
    with open_host(machine.state, Audit(machine.state.audit_log), machine.token[0]) as host:
        progress = Mortal(SwitchProgress.begin(machine.state.switch_record, survey(host, order)), step)
        progress.assign("tests", "run-1")
        with pytest.raises(Killed):
            carry(SwitchContext(host, progress, Login()))


def resume(machine: Machine) -> dict[str, Any]:
    """Finish the switch as the next run does, under a lock of its own."""
    assert machine.ask("switch show")["state"] == "interrupted"
    machine.ask("lock break", who="the next run", reason="the last run is dead")
    return machine.ask("switch resume", token=machine.lock("run-2"), run_id="run-2")


@pytest.mark.parametrize("step", ["stop_old", "cutover", "rename", "start_new", "record"])
def test_a_switch_that_died_after_any_step_is_finished(machine: Machine, step: str) -> None:
    machine.create(machine.name, release="old", start=True)
    machine.create(machine.next)
    die_after(machine, step)
    end = resume(machine)
    assert end["state"] == "done", end
    assert end["carried_by"]["run_id"] == "run-2"
    assert machine.statuses() == {"": ("running", NEW), ".previous": ("exited", OLD)}
    assert machine.groups()[machine.group]["lag"] == 0
    assert machine.ask("release show")["current"]["release"] == NEW


@pytest.mark.parametrize("step", [name for name, _ in BACKWARD[:3]])
def test_a_way_back_that_died_after_any_step_is_finished(machine: Machine, step: str) -> None:
    machine.create(machine.name, release="old", start=True)
    machine.verified("old")
    machine.create(machine.next, "crashing")
    die_after(machine, step)
    end = resume(machine)
    assert end["state"] == "rolled_back", end
    assert end["log_tail"][1] == "cannot start"
    assert machine.statuses() == {"": ("running", OLD), ".failed": ("exited", NEW)}


def test_a_switch_that_was_killed_is_finished_by_the_next_run(machine: Machine) -> None:
    machine.create(machine.name, release="old", start=True)
    machine.create(machine.next)
    machine.ask("switch start", **machine.order(steady_s=1.5))
    wait_until("the steady watch", lambda: machine.ask("switch show")["step"] == "steady")
    pid = machine.ask("switch show")["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_until("its death", lambda: not alive(pid))
    assert json.loads(machine.state.switch_record.read_text())["state"] == "running"
    assert resume(machine)["state"] == "done"
    assert machine.statuses() == {"": ("running", NEW), ".previous": ("exited", OLD)}


def test_a_restart_between_health_and_its_confirmation_is_a_failure(machine: Machine) -> None:
    machine.create(machine.name, release="old", start=True)
    machine.verified("old")
    machine.create(machine.next)
    die_after(machine, "steady")
    machine.engine.containers.get(machine.name).restart()
    end = resume(machine)
    assert (end["state"], end["cause"]["code"]) == ("rolled_back", "NOT_HEALTHY"), end
    assert "it restarted" in end["cause"]["message"]


def test_a_switch_outlives_the_session_that_started_it(machine: Machine) -> None:
    machine.create(machine.next)
    request = machine.state.root / "request.json"
    request.write_text(json.dumps(machine.order(steady_s=1)))
    start = f"{sys.executable} -m host --state-dir {machine.state.root} switch start < {request}"
    with subprocess.Popen(
        ["sh", "-c", f"{start}; sleep 60"],
        cwd=ROOT, start_new_session=True, stdout=subprocess.PIPE, text=True,
    ) as session:  # fmt: skip # a table, or a call that is read as one
        assert session.stdout
        switch_id = json.loads(session.stdout.readline())["switch_id"]
        os.killpg(session.pid, signal.SIGHUP)
        os.killpg(session.pid, signal.SIGKILL)
    wait_until("its process", lambda: bool(machine.ask("switch show")["pid"]))
    pid = machine.ask("switch show")["pid"]
    files = [str(Path(f"/proc/{pid}/fd/{number}").readlink()) for number in (0, 1, 2)]
    assert files == ["/dev/null", *[str(machine.state.releases / "switch.log")] * 2]
    assert machine.ask("switch show")["state"] == "running"
    assert machine.ask("switch wait", switch_id=switch_id, timeout_s=20)["state"] == "done"


def test_only_who_holds_the_lock_finishes_a_switch(machine: Machine) -> None:
    machine.create(machine.next)
    die_after(machine, "stop_old")
    with pytest.raises(LockLostError):
        machine.ask("switch resume", token="another's", run_id="run-2")
    assert machine.statuses() == {".next": ("created", NEW)}


def test_a_switch_that_lost_its_lock_is_finished_by_who_has_it_then(machine: Machine) -> None:
    machine.create(machine.next)
    machine.ask("switch start", **machine.order(steady_s=1))
    wait_until("the steady watch", lambda: machine.ask("switch show")["step"] == "steady")
    machine.ask("lock break", who="a person", reason="a test")
    wait_until("its end", lambda: machine.ask("switch show")["state"] == "interrupted")
    assert "nobody holds the lock" in machine.ask("switch show")["message"]
    assert machine.statuses() == {"": ("running", NEW)}
    end = machine.ask("switch resume", token=machine.lock("run-2"), run_id="run-2")
    assert end["state"] == "done", end


def test_another_switch_waits_until_the_interrupted_one_is_finished(machine: Machine) -> None:
    machine.create(machine.next)
    die_after(machine, "stop_old")
    with pytest.raises(SwitchInterruptedError):
        machine.switch()


def test_a_switch_that_ended_is_not_resumed(machine: Machine) -> None:
    machine.create(machine.next)
    machine.switch()
    with pytest.raises(NothingToSwitchError):
        machine.ask("switch resume", token=machine.token[0], run_id="run-2")
