"""What the host is told of a release that passed: read from the signed bundle, not from what a play says."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from checks.errors import ChecksError
from checks.evidence import bundle, manifest, signature
from checks.model import Verdict

if TYPE_CHECKING:
    from pathlib import Path


def of(evidence: Path, allowed_signers: Path, release: str) -> dict[str, Any]:
    """Give verdict, run, SHA-256 and the entry up to which the books are closed.

    Raises ChecksError where the evidence is not signed, no pass, not of a deploy, or about another release.
    """
    signed = signature.verify(evidence, allowed_signers)
    altered = [] if signed.valid else [str(signed.problem)]
    altered += manifest.problems(evidence.parent, allowed_signers)
    judged = bundle.load(evidence)
    problems = [f"it is not as it was signed: {'; '.join(altered)}"] if altered else []
    if judged.verdict is not Verdict.PASS:
        problems.append(f"its verdict is {judged.verdict}")
    if judged.subject.kind != "deploy":
        problems.append(f"it is of a {judged.subject.kind}, not of a deploy")
    if judged.subject.release != release:
        problems.append(f"it is about release {judged.subject.release}, not {release}")
    if problems:
        raise ChecksError(
            f"{evidence} does not verify release {release}: {'; '.join(problems)}.", "Deploy again."
        )
    return {
        "verdict": str(judged.verdict),
        "run_id": judged.subject.run_id,
        "sha256": hashlib.sha256(evidence.read_bytes()).hexdigest(),
        "accounted_to": _closed_up_to(judged),
    }


def _closed_up_to(judged: bundle.Bundle) -> dict[str, Any]:
    stretch = bundle.fact(judged.observations, "E", "stream.entries_since_cutover") or {}
    return {"id": stretch.get("to_id"), "entries_added": stretch.get("entries_added")}
