from __future__ import annotations

from datetime import UTC, datetime

import pytest

from checks.evidence.run_id import is_run_id, new_run_id


def test_a_run_id_begins_with_its_utc_time() -> None:
    made = new_run_id(datetime(2026, 11, 22, 16, 0, 7, tzinfo=UTC))
    assert made.startswith("20261122T160007Z-")
    assert is_run_id(made)


def test_two_runs_of_one_second_are_told_apart() -> None:
    at = datetime(2026, 11, 22, tzinfo=UTC)
    assert len({new_run_id(at) for _ in range(20)}) > 1


@pytest.mark.parametrize("text", ["", "latest", "../..", "20261122T160007Z-AB12", "20261122T160007Z-ab12/.."])
def test_nothing_else_is_a_run_id(text: str) -> None:
    assert not is_run_id(text)
