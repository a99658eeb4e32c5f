"""Whose the time of a run is."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from ansible.playbook.role_include import IncludeRole  # type: ignore[import-untyped]  # ships no types

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from tests.unit.playbooks.conftest import Load


@pytest.fixture(scope="module")
def times(load: Load) -> ModuleType:
    return load("plugins/callback/step_times.py")


def imported(name: str, parent: Any = None) -> IncludeRole:
    role = IncludeRole()
    role.name, role._parent = name, parent
    return role


def test_a_step_is_the_outermost_role_that_a_playbook_imports(times: ModuleType) -> None:
    inner = imported("Observe phase A", SimpleNamespace(_parent=imported("Prechecks")))
    assert times.step_of(SimpleNamespace(_parent=inner)) == "prechecks"
    assert times.step_of(SimpleNamespace(_parent=imported("Phase B"))) == "phase B"


def test_a_task_of_no_role_belongs_to_no_step(times: ModuleType) -> None:
    assert times.step_of(SimpleNamespace(_parent=None)) is None


def test_the_time_between_two_tasks_is_the_first_ones(times: ModuleType) -> None:
    steps = times.Steps()
    assert not steps.begin("image", 10)
    assert not steps.begin("image", 11.5)
    assert steps.begin("switch", 13)
    assert steps.begin(None, 13.25)
    assert not steps.begin("report", 99)
    assert steps.document() == [{"step": "image", "seconds": 3.0}, {"step": "switch", "seconds": 0.25}]


def test_they_are_written_where_the_run_keeps_its_files(times: ModuleType, tmp_path: Path) -> None:
    callback = times.CallbackModule()
    callback.v2_playbook_on_play_start(None)
    facts = {"ansible_facts": {"inputs_run_folder": str(tmp_path / "run")}}
    host = SimpleNamespace(get_name=lambda: "sandbox")
    callback.v2_playbook_on_task_start(SimpleNamespace(_parent=imported("Inputs")), is_conditional=False)
    callback.v2_runner_on_ok(SimpleNamespace(result=facts, host=host))
    callback.v2_playbook_on_task_start(SimpleNamespace(_parent=imported("Image")), is_conditional=False)
    (step,) = json.loads((tmp_path / "run" / "timings.json").read_text())
    assert step["step"] == "inputs"
