"""A later run of the same host is known from the reports here and from the host's own log."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from checks.audit import FIRST, line_hash
from checks.errors import InvalidEvidenceError
from checks.evidence import bundle as evidence
from checks.evidence.later_runs import LaterRun, beside, on_host
from tests.support.deploy_run import bundle, junit

if TYPE_CHECKING:
    from pathlib import Path


def log(*runs: tuple[str, str, str]) -> str:
    lines, previous = [], FIRST
    for action, run_id, result in runs:
        entry = {"action": action, "run_id": run_id, "result": result, "prev": previous}
        previous = line_hash(entry)
        lines.append(json.dumps(entry | {"hash": previous}))
    return "\n".join(lines)


def test_the_hosts_log_tells_the_runs_after_one() -> None:
    text = log(("run", "r1", "fail"), ("run", "r2", "pass"), ("switch", "r3", "done"), ("run", "r3", "fail"))
    assert list(on_host(text, "r2")) == [LaterRun("r3", "fail", "the host's audit log")]


def test_a_log_that_was_changed_is_refused() -> None:
    text = log(("run", "r1", "pass"), ("run", "r2", "fail")).replace("fail", "pass")
    with pytest.raises(InvalidEvidenceError, match="line 2 was changed"):
        list(on_host(text, "r1"))


def test_a_log_that_does_not_know_the_run_is_refused() -> None:
    with pytest.raises(InvalidEvidenceError, match="knows nothing of run r9"):
        list(on_host(log(("run", "r1", "pass")), "r9"))


def written(folder: Path, made: evidence.Bundle, **subject: str) -> Path:
    folder.mkdir(parents=True)
    changed = made.model_copy(update={"subject": made.subject.model_copy(update=subject)})
    path = folder / "evidence.json"
    path.write_text(changed.model_dump_json())
    return path


def test_reports_beside_it_tell_later_runs_of_the_same_host(tmp_path: Path) -> None:
    failed = bundle(checklist=junit(lag_is_zero="failure"))
    first = written(tmp_path / "r1", bundle())
    later = {"finished": "2026-01-01T00:00:00.000Z", "expires": "2026-01-02T00:00:00.000Z"}
    written(tmp_path / "r2", failed, run_id="20260101T000000Z-0001", **later)
    written(tmp_path / "r3", failed, run_id="20260101T000000Z-0002", **later, host="another")
    (tmp_path / "latest").symlink_to("r2")
    (tmp_path / "r4").mkdir()
    (tmp_path / "r4" / "evidence.json").write_text("{")
    runs = {run.run_id: run.verdict for run in beside(first, evidence.load(first))}
    assert runs == {"20260101T000000Z-0001": "fail", "r4": "unreadable"}
