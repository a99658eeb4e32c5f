from __future__ import annotations

import pytest

from tests.support.incident import IncidentRun, incident


@pytest.fixture
def run() -> IncidentRun:
    return incident()
