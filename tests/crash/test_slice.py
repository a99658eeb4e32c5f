"""A part of the crash matrix that is quick enough for every test run: each point once, and a few pairs."""

from __future__ import annotations

from tests.crash import points
from tests.crash.matrix import figures, run_all

PAIRS = 10
SEED = 20261122
#: Most of a run is waiting for the predecessor's lease to end, so lanes are more than cores.
WORKERS = 8


def test_no_crash_doubles_loses_or_bares_anything() -> None:
    cases = [*points.sample(PAIRS, SEED), *points.singles()]
    runs = run_all(cases, WORKERS)
    matrix = figures(runs, 0)
    assert matrix["not_clean"] == []
    assert matrix["never_fired"] == []
    assert len(runs) == len(cases)
