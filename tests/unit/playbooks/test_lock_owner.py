"""Whether a lock was left behind by a run of ours that died."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

    from tests.unit.playbooks.conftest import Load

HERE = f"{getpass.getuser()}@{socket.gethostname()}"


@pytest.fixture(scope="module")
def owners(load: Load) -> ModuleType:
    return load("plugins/test/orphaned.py")


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_run_names_the_process_that_its_tasks_are_children_of(load: Load) -> None:
    (owner,) = load("plugins/lookup/run_owner.py").LookupModule().run([])
    assert owner == f"{HERE}/{os.getppid()}"


def test_a_dead_run_of_ours_is_orphaned(owners: ModuleType) -> None:
    assert owners.orphaned(f"{HERE}/{dead_process()}")


def test_a_living_run_of_ours_is_not(owners: ModuleType) -> None:
    assert not owners.orphaned(f"{HERE}/{os.getpid()}")


@pytest.mark.parametrize("owner", ["somebody@elsewhere/4194304", f"{HERE}", f"{HERE}/", "unknown"])
def test_of_any_other_owner_nothing_is_known(owners: ModuleType, owner: str) -> None:
    assert not owners.orphaned(owner)
