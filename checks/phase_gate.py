"""One phase judged by itself, so that a deploy can stop before it changes anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checks.judge import judge
from checks.model import Finding, Observation, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def problems(
    phase: str, observations: Iterable[Observation], desired: Mapping[str, Any]
) -> tuple[Finding, ...]:
    """Give each gating check of the phase that did not pass; one that saw nothing did not."""
    findings = judge(tuple(observations), desired, (phase,))
    return tuple(finding for finding in findings if finding.gates and finding.verdict is not Verdict.PASS)
