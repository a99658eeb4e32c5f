from __future__ import annotations

import pytest

from tests.unit.checks.judge.incident import Run, incident


@pytest.fixture
def run() -> Run:
    return incident()
