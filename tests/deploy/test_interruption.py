"""What happens to a switch when the one who started it dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import stack
from tests.support.playbooks import QUICK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.playbooks import Project

pytestmark = pytest.mark.deploy
SWITCH = Path("/var/lib/trade_intent/releases/switch.json")


def switch() -> dict[str, Any]:
    return dict(json.loads(SWITCH.read_text()))


def started_after(before: str) -> bool:
    now = switch()
    return bool(now["switch_id"] != before and now["state"] == "running")


@pytest.fixture
def restored(deployed: Project) -> Iterator[Project]:
    """Leave the settings as they were before the test."""
    yield deployed
    run = deployed.run("deploy.yml", *QUICK)
    assert run.exit_code == 0, run.output[-4000:]


def test_a_switch_finishes_when_the_controller_is_killed_and_the_next_run_reads_its_result(
    restored: Project,
) -> None:
    deployed = restored
    before, old_container = switch()["switch_id"], stack.inspect(stack.CONSUMER)["Id"]
    command = deployed.command("deploy.yml", "-e", "safe_drain=true", "-e", "consumer_max_age_minutes=11")
    controller = subprocess.Popen(
        command,
        cwd=deployed.root,
        env=deployed.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        stack.wait_until(
            "the switch's start",
            lambda: switch()["switch_id"] != before and switch()["state"] == "running",
            120,
        )
    finally:
        os.killpg(controller.pid, signal.SIGKILL)
        controller.wait()
    stack.wait_until("the switch's end", lambda: switch()["state"] != "running", 60)
    assert switch()["state"] == "done"
    assert stack.inspect(stack.CONSUMER)["Id"] != old_container
    assert stack.healthy()

    run = deployed.run("deploy.yml", "-e", "safe_drain=true", "-e", "consumer_max_age_minutes=11")
    assert run.exit_code == 0, run.output[-4000:]
    assert switch()["switch_id"] in run.output
    assert deployed.evidence()["verdict"] == "pass"
