# ruff: noqa: INP001 - a program of its own, not a module of a package
"""Judges one phase of a run by itself, so that a deploy can stop before it changes anything.

Usage: gate.py PHASE OBSERVATIONS MEANT. Exit code 0 if every gating check passed, else 1 and the problems.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from checks.evidence.bundle import read_observations
from checks.judge import judge
from checks.model import Verdict


def problems(phase: str, observations: Path, desired: Path) -> list[str]:
    """Name each gating check of the phase that did not pass, with what it found."""
    findings = judge(
        read_observations([observations]), json.loads(desired.read_text(encoding="utf-8")), (phase,)
    )
    return [
        f"{one.check}: {one.claim} {one.verdict}: {one.actual}"
        for one in findings
        if one.gates and one.verdict is not Verdict.PASS
    ]


if __name__ == "__main__":
    found = problems(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    sys.stdout.write("\n".join(found))
    sys.exit(bool(found))
