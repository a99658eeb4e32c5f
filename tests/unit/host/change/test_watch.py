from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from host.change.errors import NotHealthyError
from host.change.watch import Baseline, HealthLimits, Sample, stay_healthy, trouble, wait_healthy

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD = Sample(status="running", health="healthy", restart_count=0, started_at="12:00")
STARTING = replace(GOOD, health="starting")
BASELINE = Baseline("12:00", 0)
LIMITS = HealthLimits(start_timeout_s=0.35, steady_s=0.25)


def played(*samples: Sample) -> Callable[[], Sample]:
    """Return the samples one by one, the last one for ever."""
    rest = list(samples)
    return lambda: rest.pop(0) if len(rest) > 1 else rest[0]


@pytest.mark.parametrize("health", ["healthy", "starting"])
def test_a_container_that_runs_without_a_bad_word_is_no_trouble(health: str) -> None:
    assert trouble(replace(GOOD, health=health), BASELINE) is None


@pytest.mark.parametrize(
    ("sample", "words"),
    [
        (replace(GOOD, status="exited", exit_code=3), "exited (exit code 3)"),
        (replace(GOOD, status="restarting", exit_code=1), "restarting"),
        (replace(GOOD, status="paused"), "paused"),
        (replace(GOOD, status="dead"), "dead"),
        (replace(GOOD, status="exited", oom_killed=True), "memory"),
        (replace(GOOD, restart_count=1), "restarted (count 1"),
        (replace(GOOD, started_at="12:01"), "restarted"),
        (replace(GOOD, health=None), "no health check"),
        (replace(GOOD, health="unhealthy"), "unhealthy"),
    ],
)
def test_everything_else_is_trouble_and_says_which(sample: Sample, words: str) -> None:
    assert words in (trouble(sample, BASELINE) or "")


def test_restarts_before_the_watch_are_not_held_against_it() -> None:
    assert trouble(replace(GOOD, restart_count=4), Baseline("12:00", 4)) is None


def test_waiting_ends_with_the_first_healthy_sample() -> None:
    assert wait_healthy(played(STARTING, STARTING, GOOD), LIMITS) == BASELINE


def test_waiting_ends_at_once_with_trouble() -> None:
    with pytest.raises(NotHealthyError, match="exit code 3"):
        wait_healthy(played(STARTING, replace(GOOD, status="exited", exit_code=3)), HealthLimits(60, 0))


def test_waiting_ends_when_time_is_up() -> None:
    with pytest.raises(NotHealthyError, match=r"after 0\.35 s, but starting"):
        wait_healthy(played(STARTING), LIMITS)


def test_the_engines_word_about_a_pause_is_waited_out() -> None:
    stale = replace(GOOD, health="unhealthy")
    assert wait_healthy(played(stale, stale, GOOD), LIMITS, was_paused=True) == BASELINE


def test_after_a_pause_a_container_that_stays_unhealthy_is_refused() -> None:
    with pytest.raises(NotHealthyError, match="unhealthy"):
        wait_healthy(played(replace(GOOD, health="unhealthy")), LIMITS, was_paused=True)


def test_staying_healthy_takes_samples_for_the_whole_time() -> None:
    assert stay_healthy(played(GOOD), LIMITS, BASELINE) >= 3


@pytest.mark.parametrize(
    "bad",
    [
        STARTING,
        replace(GOOD, restart_count=1),
        replace(GOOD, started_at="12:01"),
        replace(GOOD, status="exited"),
    ],
)
def test_one_bad_sample_ends_the_steady_watch(bad: Sample) -> None:
    with pytest.raises(NotHealthyError):
        stay_healthy(played(GOOD, bad, GOOD), LIMITS, BASELINE)
