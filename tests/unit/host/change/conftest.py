from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from host.base.state import StateFolder
from host.change.audit import Audit
from host.change.lock import Lock
from host.change.state import prepare

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    folder = StateFolder(tmp_path / "state")
    prepare(folder)
    return folder


@pytest.fixture
def audit(state: StateFolder) -> Audit:
    return Audit(state.audit_log)


@pytest.fixture
def lock(state: StateFolder, audit: Audit) -> Lock:
    return Lock(state, audit)
