"""Whether one phase by itself lets a deploy go on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from checks.judge import all_checks

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from tests.unit.playbooks.conftest import Load


@pytest.fixture(scope="module")
def gate(load: Load) -> ModuleType:
    return load("roles/report/files/gate.py")


def written(path: Path, document: dict[str, Any]) -> Path:
    path.write_text(json.dumps(document))
    return path


def test_a_phase_that_saw_nothing_stops_the_deploy_at_every_gating_check(
    gate: ModuleType, tmp_path: Path
) -> None:
    time = "2026-11-22T16:00:00.000Z"
    empty = {"schema": 1, "phase": "B", "host": "h", "tool_digest": "t", "started": time, "finished": time}
    observations = written(tmp_path / "B.json", empty | {"observations": []})
    problems = gate.problems("B", observations, written(tmp_path / "desired", {"schema": 1}))
    named = {problem.partition(":")[0] for problem in problems}
    assert named == {check.id for check in all_checks() if check.phase == "B" and check.gates}
