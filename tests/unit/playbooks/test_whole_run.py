"""A playbook runs whole or not at all, whatever the command line says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.playbooks import Project

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from tests.unit.playbooks.conftest import Load

WHOLE = {"tags": ("all",), "skip_tags": (), "start_at_task": None, "step": None, "check": False}


@pytest.fixture(scope="module")
def whole_run(load: Load) -> ModuleType:
    return load("playbooks/lookup_plugins/whole_run.py")


def test_a_run_without_such_options_is_whole(whole_run: ModuleType) -> None:
    assert list(whole_run.partial_problems(WHOLE, check=False)) == []


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("--tags", {"tags": ("inputs",)}),
        ("--skip-tags", {"skip_tags": ("proof",)}),
        ("--start-at-task", {"start_at_task": "Report"}),
        ("--step", {"step": True}),
    ],
)
def test_what_leaves_a_part_out_is_named(whole_run: ModuleType, option: str, given: dict[str, Any]) -> None:
    (problem,) = whole_run.partial_problems(WHOLE | given, check=True)
    assert problem.startswith(f"{option} leaves a part of the run out")


def test_check_mode_is_named_where_it_would_judge_what_it_does_not_do(whole_run: ModuleType) -> None:
    asked = WHOLE | {"check": True}
    assert list(whole_run.partial_problems(asked, check=True)) == []
    (problem,) = whole_run.partial_problems(asked, check=False)
    assert problem.startswith("--check would judge")


@pytest.mark.parametrize("playbook", ["deploy.yml", "playbooks/verify.yml", "playbooks/baseline.yml"])
@pytest.mark.parametrize(
    "option", [("--tags", "x"), ("--start-at-task", "Report")], ids=lambda option: option[0]
)
def test_half_a_run_is_refused_by_name(playbook: str, option: tuple[str, str]) -> None:
    run = Project().run(playbook, *option)
    assert run.exit_code != 0
    assert f"{option[0]} leaves a part of the run out" in run.output


def test_an_inventory_without_hosts_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("trade_intent: {hosts: {}}\n")
    run = Project().run("playbooks/verify.yml", "-i", str(tmp_path / "hosts.yml"))
    assert run.exit_code != 0
    assert "No host of trade_intent is asked for" in run.output
