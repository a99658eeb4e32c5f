from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from host.base.state import State
from host.change.audit import Audit
from host.change.lock import Lock
from host.change.state import prepare

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path) -> State:
    folder = State(tmp_path / "state")
    prepare(folder)
    return folder


@pytest.fixture
def audit(state: State) -> Audit:
    return Audit(state.audit_log)


@pytest.fixture
def lock(state: State, audit: Audit) -> Lock:
    return Lock(state, audit)
