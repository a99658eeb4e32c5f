from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from checks.report.accounts import Latency


def test_no_duration_has_no_percentile() -> None:
    assert Latency.of([]) == Latency(0, None, None, None)


def test_percentiles_are_of_the_nearest_rank() -> None:
    sums = Latency.of(range(1, 101))
    assert (sums.p50, sums.p99, sums.most) == (50, 99, 100)


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_a_percentile_is_a_value_that_was_measured(values: list[float]) -> None:
    sums = Latency.of(values)
    assert {sums.p50, sums.p99, sums.most} <= set(values)
    assert sum(time <= sums.p99 for time in values if sums.p99 is not None) >= 0.99 * len(values)
