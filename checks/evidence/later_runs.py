"""The runs of the same host after a given one: a pass is worth nothing once another look has not passed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks import audit
from checks.errors import InvalidEvidenceError
from checks.evidence import bundle
from checks.evidence.clock import parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from checks.evidence.bundle import Bundle


@dataclass(frozen=True, slots=True)
class LaterRun:
    """A run after the one in question: its name, its verdict, and whose word that is."""

    run_id: str
    verdict: str
    told_by: str


def beside(evidence: Path, judged: Bundle) -> Iterator[LaterRun]:
    """Give the later runs whose reports lie beside this one's, on this controller.

    One that cannot be read counts as inconclusive: nobody knows what it found.
    """
    finished = parse_time(judged.subject.finished)
    for path in sorted(evidence.resolve().parent.parent.glob("*/evidence.json")):
        if path.parent.is_symlink() or path == evidence.resolve():
            continue
        try:
            other = bundle.load(path)
        except InvalidEvidenceError:
            yield LaterRun(path.parent.name, "unreadable", "the reports here")
            continue
        same_host = other.subject.host == judged.subject.host and other.subject.kind != "baseline"
        if same_host and parse_time(other.subject.finished) > finished:
            yield LaterRun(other.subject.run_id, str(other.verdict), "the reports here")


def on_host(log: str, run_id: str) -> Iterator[LaterRun]:
    """Give the runs that the host's audit log has after `run_id`.

    Raises InvalidEvidenceError where the chain of the log is broken, or the log does not know that run.
    """
    broken = audit.follow(log).broken
    if broken:
        raise InvalidEvidenceError(
            f"The host's audit log is not as it was written: {broken}.", "Find out who changed it."
        )
    entries = [json.loads(line) for line in log.splitlines() if line.strip().startswith("{")]
    runs = [entry for entry in entries if entry.get("action") == "run"]
    names = [str(run["run_id"]) for run in runs]
    if run_id not in names:
        raise InvalidEvidenceError(
            f"The host's audit log knows nothing of run {run_id}.", "Give the log of the host that it was on."
        )
    for run in runs[names.index(run_id) + 1 :]:
        yield LaterRun(str(run["run_id"]), str(run["result"]), "the host's audit log")
