"""What the host is told of a run: read from the signed bundle, not from what a play says."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from checks.errors import ChecksError
from checks.evidence import bundle, manifest, signature

if TYPE_CHECKING:
    from pathlib import Path


def of(evidence: Path, allowed_signers: Path) -> dict[str, Any]:
    """Give run, kind, verdict, release, SHA-256 and the entry up to which the books are closed.

    Raises ChecksError where the evidence is not as it was signed.
    """
    signed = signature.verify(evidence, allowed_signers)
    altered = [] if signed.valid else [str(signed.problem)]
    altered += manifest.problems(evidence.parent, allowed_signers)
    if altered:
        raise ChecksError(f"{evidence} is not as it was signed: {'; '.join(altered)}.", "Run again.")
    judged = bundle.load(evidence)
    stretch = bundle.fact(judged.observations, "E", "stream.entries_since_cutover") or {}
    return {
        "run_id": judged.subject.run_id,
        "kind": judged.subject.kind,
        "verdict": str(judged.verdict),
        "release": judged.subject.release,
        "sha256": hashlib.sha256(evidence.read_bytes()).hexdigest(),
        "accounted_to": {"id": stretch.get("to_id"), "entries_added": stretch.get("entries_added")},
    }


def verified(run: dict[str, Any], release: str) -> dict[str, Any]:
    """Give the same of a deploy of `release` that passed. Raises ChecksError for anything else."""
    problems = {
        f"its verdict is {run['verdict']}": run["verdict"] != "pass",
        f"it is of a {run['kind']}, not of a deploy": run["kind"] != "deploy",
        f"it is about release {run['release']}, not {release}": run["release"] != release,
    }
    wrong = [problem for problem, applies in problems.items() if applies]
    if wrong:
        said = f"Run {run['run_id']} does not verify release {release}: {'; '.join(wrong)}."
        raise ChecksError(said, "Deploy again.")
    return run
