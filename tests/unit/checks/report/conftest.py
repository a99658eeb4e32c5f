from __future__ import annotations

import pytest

from tests.support.incident import Run, incident


@pytest.fixture
def run() -> Run:
    return incident()
