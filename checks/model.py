"""What a check is made of: observations in, findings out, and one total order on verdicts."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class Verdict(StrEnum):
    """The three outcomes. Only PASS opens a gate; what could not be seen is INCONCLUSIVE, never PASS."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


_SEVERITY = {Verdict.PASS: 0, Verdict.INCONCLUSIVE: 1, Verdict.FAIL: 2}


@dataclass(frozen=True, slots=True)
class Observation:
    """One raw fact and how it was obtained.

    `value` is JSON as the target printed it and is None when `ok` is false; `error` then says why.
    `at` is UTC with Z; `duration_ms` is how long the look took.
    """

    phase: str
    id: str
    how: str
    at: str
    duration_ms: float
    ok: bool
    value: Any = None
    error: dict[str, str] | None = None

    @property
    def ref(self) -> str:
        """The name findings use for this observation, for example `A:redis.groups`."""
        return f"{self.phase}:{self.id}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check concluded, in words that a person can act on.

    `check` is the check's id, `row` the row of features.md it proves, `gates` whether anything but PASS stops
    the run, `observations` the refs of the facts behind it.
    """

    check: str
    row: str
    phase: str
    verdict: Verdict
    gates: bool
    claim: str
    expected: str
    actual: str
    remedy: str = ""
    observations: tuple[str, ...] = field(default=())


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Fold verdicts: fail > inconclusive > pass. Nothing at all is INCONCLUSIVE: no check ran."""
    return max(verdicts, key=_SEVERITY.__getitem__, default=Verdict.INCONCLUSIVE)


def run_verdict(findings: Iterable[Finding]) -> Verdict:
    """Fold the gating findings into the verdict of the run."""
    return worst(finding.verdict for finding in findings if finding.gates)
