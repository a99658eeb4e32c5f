"""The incident's deploy as files and as a bundle: what the playbooks hand to the command line."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from checks.checklist import CHECKLIST, read_junit
from checks.evidence import bundle as evidence
from checks.evidence.gathered import Gathered, ObservationDocument, join
from checks.judge import judge
from tests.support.incident import IncidentRun, incident

if TYPE_CHECKING:
    from pathlib import Path

    from checks.evidence.bundle import Bundle

RUN_ID = "20251224T164300Z-0a1b"
FINISHED = "2025-12-24T16:44:40.000Z"
TOOL_DIGEST = "7" * 64
TIMINGS = [{"step": "prechecks", "seconds": 3.2}, {"step": "switch", "seconds": 11.6}]


def documents(run: IncidentRun | None = None, *, phases: str = "ABCDE") -> dict[str, dict[str, Any]]:
    """Give what the target printed, one document per phase."""
    observations = (run or incident()).observations()
    of = {
        phase: [observation for observation in observations if observation.phase == phase] for phase in phases
    }
    return {phase: _document(phase, seen) for phase, seen in of.items()}


def gathered(run: IncidentRun | None = None, *, phases: str = "ABCDE") -> Gathered:
    return join(
        [ObservationDocument.model_validate(document) for document in documents(run, phases=phases).values()]
    )


def bundle(
    run: IncidentRun | None = None, *, kind: str = "deploy", checklist: str | None = None, **known: Any
) -> Bundle:
    """Judge a run as `python -m checks judge` does."""
    run = run or incident()
    lines = read_junit(junit() if checklist is None else checklist)
    told = {"run_id": RUN_ID, "kind": kind, "desired": run.desired, "timings": TIMINGS, "switch": switch()}
    return evidence.build(gathered(run), evidence.run(checklist=lines, **told | known), judge)


def baseline() -> Bundle:
    run = incident()
    known = evidence.run(run_id=RUN_ID, kind="baseline", desired=run.desired)
    return evidence.build(gathered(run, phases="A"), known, judge)


def junit(**outcomes: str) -> str:
    """Give pytest's junit file: each line passed, but for those given as `name="failure"`."""
    cases = "".join(_case(id_, outcomes.get(id_)) for id_ in CHECKLIST)
    return f'<?xml version="1.0"?><testsuites><testsuite name="pytest">{cases}</testsuite></testsuites>'


def switch(state: str = "done", message: str | None = None) -> dict[str, Any]:
    at, finished = "2025-12-24T16:43:19.100Z", "2025-12-24T16:43:20.000Z"
    steps = [
        {"name": "start_new", "at": at, "finished": finished, "result": "ok", "detail": {"started": True}}
    ]
    cause = message and {"code": "UNHEALTHY", "message": message, "remedy": "Read the container's log."}
    return {"switch_id": RUN_ID, "state": state, "message": message, "steps": steps, "cause": cause}


def write_files(folder: Path, run: IncidentRun | None = None) -> list[str]:
    """Write a run's files as the playbooks do; give the arguments of `judge` that name them."""
    run = run or incident()
    for phase, document in documents(run).items():
        (folder / f"{phase}.json").write_text(json.dumps(document))
    for name, content in (("desired", run.desired), ("switch", switch()), ("timings", TIMINGS)):
        (folder / f"{name}.json").write_text(json.dumps(content))
    (folder / "checklist.xml").write_text(junit())
    named = ("desired", "switch", "timings")
    files = [argument for name in named for argument in (f"--{name}", str(folder / f"{name}.json"))]
    return [
        "--observations",
        str(folder),
        *files,
        "--checklist",
        str(folder / "checklist.xml"),
        "--run-id",
        RUN_ID,
    ]


def _document(phase: str, observations: list[Any]) -> dict[str, Any]:
    facts = [
        {name: value for name, value in asdict(observation).items() if name != "phase"}
        for observation in observations
    ]
    return {
        "schema": 1,
        "run_id": RUN_ID,
        "phase": phase,
        "host": "vps",
        "tool_digest": TOOL_DIGEST,
        "started": "2025-12-24T16:43:00.123Z",
        "finished": FINISHED,
        "observations": facts,
    }


def _case(id_: str, outcome: str | None) -> str:
    inside = f'<{outcome} message="planted"/>' if outcome else ""
    return f'<testcase name="test_{id_}[ansible://sandbox]" time="0.120">{inside}</testcase>'
