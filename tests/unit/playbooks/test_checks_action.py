"""What a task makes of a command of the checks."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from ansible.errors import AnsibleActionFail  # type: ignore[import-untyped]  # ansible-core ships no types

from tests.unit.playbooks.conftest import ROOT

if TYPE_CHECKING:
    from types import ModuleType

    from tests.unit.playbooks.conftest import Load


@pytest.fixture(scope="module")
def checks(load: Load) -> ModuleType:
    return load("plugins/action/checks.py")


def done(rc: int, stdout: str = "", stderr: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess([], rc, stdout, stderr)


def test_the_commands_lie_beside_the_plugins(checks: ModuleType) -> None:
    assert checks.PROJECT == ROOT
    assert (checks.PROJECT / "checks" / "__main__.py").is_file()


def test_what_it_prints_is_returned_as_text(checks: ModuleType) -> None:
    assert checks.result_of(["pack"], done(0, "abc\n"), [0])["text"] == "abc"


def test_an_exit_code_that_is_an_answer_is_no_failure(checks: ModuleType) -> None:
    result = checks.result_of(["judge"], done(3, "INCONCLUSIVE"), [0, 1, 3])
    assert (result["rc"], result["changed"], result["failed"]) == (3, False, False)


def test_any_other_exit_code_fails_with_the_commands_words(checks: ModuleType) -> None:
    with pytest.raises(AnsibleActionFail, match="no such file"):
        checks.result_of(["judge"], done(2, "half an answer", "checks: no such file\n"), [0, 1])


def test_a_silent_failure_is_named_by_its_exit_code(checks: ModuleType) -> None:
    with pytest.raises(AnsibleActionFail, match="exit code is 137"):
        checks.result_of(["judge"], done(137), [0])
