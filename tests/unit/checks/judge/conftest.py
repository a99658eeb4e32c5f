"""The run that the tests break, fact by fact."""

from __future__ import annotations

import pytest

from tests.support.incident import OLD_GROUP, IncidentRun, incident


@pytest.fixture
def run() -> IncidentRun:
    return incident()


@pytest.fixture
def spotless(run: IncidentRun) -> IncidentRun:
    """The same run on a stack without the incident's remains: every check passes."""
    run["A:docker.containers"][-1]["health"] = "healthy"
    for phase in ("A", "E"):
        run[f"{phase}:redis.groups"][0] |= {"consumers": 0, "pending": 0}
        run[f"{phase}:redis.consumers"][OLD_GROUP] = []
        run[f"{phase}:redis.pending"][OLD_GROUP] = {"count": 0, "entries": []}
    run["C:cutover.record"]["skipped"] = {"count": 0, "from_id": None, "to_id": None}
    return run
