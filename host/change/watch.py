"""Whether a started container is well: judgement on samples of its state, and the loop that takes them.

`State.Running` is true in a crash loop, and "no health check" is no health: here both are failures. A
container that exits, restarts or turns unhealthy fails at once, not at the end of the wait.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from host.change.errors import NotHealthyError

if TYPE_CHECKING:
    from collections.abc import Callable

_INTERVAL_S = 0.1


@dataclass(frozen=True)
class Sample:
    """A container's state at one moment; `health` is None when it has no health check."""

    status: str
    health: str | None
    restart_count: int
    started_at: str
    exit_code: int = 0
    oom_killed: bool = False


@dataclass(frozen=True)
class Baseline:
    """What must not change once a container was started: when it started, and how often it was restarted."""

    started_at: str
    restart_count: int


@dataclass(frozen=True)
class HealthLimits:
    """How long a container may take to become healthy, and how long it must then stay so (seconds)."""

    start_timeout_s: float
    steady_s: float


def trouble(sample: Sample, baseline: Baseline) -> str | None:
    """Return what is wrong with a container that was started; None while it is or may become healthy."""
    if sample.status != "running":
        memory = ", killed for want of memory" if sample.oom_killed else ""
        return f"it is {sample.status} (exit code {sample.exit_code}{memory})"
    if sample.restart_count > baseline.restart_count or sample.started_at != baseline.started_at:
        return f"it restarted (count {sample.restart_count}, started {sample.started_at})"
    if sample.health is None:
        return "it has no health check, so nothing says that it is healthy"
    if sample.health == "unhealthy":
        return "its health check says unhealthy"
    return None


def wait_healthy(
    look: Callable[[], Sample], limits: HealthLimits, restarts_before: int = 0, *, was_paused: bool = False
) -> Baseline:
    """Sample until healthy and return what must not change from then on.

    `restarts_before` is the engine's count before the start. The engine calls a paused container unhealthy,
    and goes on to do so until the next check after the pause: with `was_paused` that word is waited out.
    Raise NotHealthyError on trouble or when time is up.
    """
    deadline = time.monotonic() + limits.start_timeout_s
    sample = look()
    baseline = Baseline(sample.started_at, restarts_before)
    while True:
        stale = was_paused and sample.health == "unhealthy"
        _refuse_trouble(replace(sample, health="starting") if stale else sample, baseline)
        if sample.health == "healthy":
            return baseline
        if time.monotonic() >= deadline:
            raise NotHealthyError(
                f"it is not healthy after {limits.start_timeout_s:g} s, but {sample.health}"
            )
        time.sleep(_INTERVAL_S)
        sample = look()


def stay_healthy(look: Callable[[], Sample], limits: HealthLimits, baseline: Baseline) -> int:
    """Sample for `steady_s`, return how many samples were good; raise NotHealthyError at a bad one."""
    deadline = time.monotonic() + limits.steady_s
    seen = 0
    while True:
        sample = look()
        _refuse_trouble(sample, baseline)
        if sample.health != "healthy":
            raise NotHealthyError(f"it did not stay healthy, but became {sample.health}")
        seen += 1
        if time.monotonic() >= deadline:
            return seen
        time.sleep(_INTERVAL_S)


def _refuse_trouble(sample: Sample, baseline: Baseline) -> None:
    problem = trouble(sample, baseline)
    if problem:
        raise NotHealthyError(problem)
