"""Prechecks: asked before anything is changed, every problem named at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checks.judge import judge_prechecks
from checks.model import Finding, Observation, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.evidence.gathered import Gathered


def problems(
    gathered: Gathered, wanted: Mapping[str, Any], clock: Mapping[str, int] | None
) -> tuple[Finding, ...]:
    """Judge phase A against what is wanted; give what is not a pass, gating problems first.

    `clock` is the controller's, in ms since 1970: `now_ms` before phase A was gathered, `after_ms` after it.
    Without it nobody knows whether the clocks agree, which is a problem.
    """
    known = () if clock is None else (_controller_clock(clock),)
    findings = judge_prechecks((*gathered.observations, *known), wanted)
    return tuple(
        sorted(
            (finding for finding in findings if finding.verdict is not Verdict.PASS),
            key=lambda finding: not finding.gates,
        )
    )


def _controller_clock(clock: Mapping[str, int]) -> Observation:
    return Observation("A", "controller.clock", "the controller's clock", "", 0.0, ok=True, value=dict(clock))
