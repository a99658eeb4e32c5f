"""The evidence bundle: `evidence.json`, which can be judged again anywhere with the same result.

The bundle keeps every observation, so its findings are a claim that anyone can recompute. Its text is
canonical (sorted names, no spaces, ASCII): the same run gives the same bytes, and those are what is signed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from checks.checklist import Line
from checks.checklist import findings as checklist_findings
from checks.errors import ChecksError, InvalidEvidenceError
from checks.evidence.clock import format_time, parse_time
from checks.evidence.gathered import first_problem, read_documents
from checks.evidence.masking import masked
from checks.evidence.not_checked import Unchecked, not_checked
from checks.evidence.switch import findings as switch_findings
from checks.model import Finding, Observation, Verdict, run_verdict

if TYPE_CHECKING:
    from pathlib import Path

    from checks.evidence.gathered import Gathered

Kind = Literal["deploy", "verify", "baseline"]
Judge = Callable[[Sequence[Observation], Mapping[str, Any], Sequence[str]], Iterable[Finding]]

PHASES: Mapping[Kind, tuple[str, ...]] = {
    "deploy": ("A", "B", "C", "D", "E"),
    "verify": ("A", "B", "C", "D", "E"),
    "baseline": ("A",),
}
#: How long evidence may be acted upon, from the moment it was gathered.
LIFETIME = timedelta(hours=24)


class BundleSubject(BaseModel):
    """What the evidence is about and bound to; None where this kind of run has no such thing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str
    mode: str | None
    venue: str | None
    stage: str | None
    image_id: str | None
    code_digest: str | None
    config_digest: str | None
    commit: str | None
    release: str | None
    container: str | None
    container_id: str | None
    redis_run_id: str | None
    tool_digest: str
    run_id: str
    kind: Kind
    started: str
    finished: str
    expires: str


class Timing(BaseModel):
    """One step of the run and how long it took, in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: str
    seconds: float


class Bundle(BaseModel):
    """Everything one run saw and concluded."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: Literal[1] = Field(default=1, alias="schema")
    verdict: Verdict
    subject: BundleSubject
    phases: tuple[str, ...]
    findings: tuple[Finding, ...]
    observations: tuple[Observation, ...]
    desired: dict[str, Any]
    checklist: tuple[Line, ...]
    switch: dict[str, Any] | None
    timings: tuple[Timing, ...]
    not_checked: tuple[Unchecked, ...]

    @model_validator(mode="after")
    def _verdict_follows_from_findings(self) -> Self:
        follows = run_verdict(self.findings)
        if self.verdict is not follows:
            raise ValueError(f"the verdict says {self.verdict} but its findings amount to {follows}")
        return self


class Run(BaseModel):
    """What the controller knows about the run besides the observations."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    kind: Kind
    desired: dict[str, Any]
    checklist: tuple[Line, ...] = ()
    switch: dict[str, Any] | None = None
    timings: tuple[Timing, ...] = ()


def run(**known: Any) -> Run:
    """Take what the controller knows, as it was read from files. Raises ChecksError if it is not of a run."""
    try:
        return Run.model_validate(known)
    except ValidationError as error:
        raise ChecksError(
            f"This is not of a run: {first_problem(error)}.", "Give what the playbooks write."
        ) from error


def build(gathered: Gathered, run: Run, judge: Judge) -> Bundle:
    """Judge a run and bind the result to what was looked at; when and where it is built leaves no trace.

    Raises ChecksError if the observations were made for another run.
    """
    if gathered.run_id not in (None, run.run_id):
        raise ChecksError(
            f"The observations are of run {gathered.run_id}, not of {run.run_id}.",
            "Judge what this run has gathered.",
        )
    run = run.model_copy(update={"desired": masked(run.desired), "switch": masked(run.switch)})
    findings = _findings(judge, gathered.observations, run)
    return Bundle(
        verdict=run_verdict(findings),
        subject=_subject(gathered, run),
        phases=PHASES[run.kind],
        findings=findings,
        observations=gathered.observations,
        desired=run.desired,
        checklist=run.checklist,
        switch=run.switch,
        timings=run.timings,
        not_checked=not_checked(gathered.observations, run.desired, findings, PHASES[run.kind]),
    )


def judge_again(bundle: Bundle, judge: Judge) -> tuple[Finding, ...]:
    """Judge a bundle's observations anew, as if its findings were not there."""
    run = Run(
        run_id=bundle.subject.run_id,
        kind=bundle.subject.kind,
        desired=bundle.desired,
        checklist=bundle.checklist,
        switch=bundle.switch,
    )
    return _findings(judge, bundle.observations, run)


def dump(bundle: Bundle) -> bytes:
    """Write the bundle's one canonical text."""
    document = bundle.model_dump(mode="json", by_alias=True)
    return (json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False) + "\n").encode(
        "ascii"
    )


def load(path: Path) -> Bundle:
    """Read `evidence.json`. Raises InvalidEvidenceError if it is no bundle, or contradicts itself."""
    try:
        return Bundle.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ChecksError(f"{path} cannot be read: {error.strerror}.", "Name an evidence.json.") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise InvalidEvidenceError(
            f"{path} is not valid evidence: {where}: {first['msg']}.",
            "Run `playbooks/verify.yml` for new evidence.",
        ) from error


def read_observations(paths: Iterable[Path]) -> tuple[Observation, ...]:
    """Read the observations of one run from files or folders. Raises ChecksError."""
    return read_documents(paths).observations


def fact(observations: Iterable[Observation], phase: str, id_: str) -> Any:
    """Give the value of one observation, None where it was not made or failed."""
    return next(
        (
            observation.value
            for observation in observations
            if observation.ok and observation.phase == phase and observation.id == id_
        ),
        None,
    )


def _findings(judge: Judge, observations: Sequence[Observation], run: Run) -> tuple[Finding, ...]:
    judged = judge(observations, run.desired, PHASES[run.kind])
    return (*judged, *switch_findings(run.switch), *checklist_findings(run.checklist))


def _subject(gathered: Gathered, run: Run) -> BundleSubject:
    desired, image = run.desired, run.desired.get("image") or {}
    container = fact(gathered.observations, "D", "container.inspect") or {}
    redis = fact(gathered.observations, "A", "redis.server") or {}
    return BundleSubject(
        host=desired.get("host") or gathered.hostname,
        image_id=image.get("id"),
        code_digest=image.get("code_digest"),
        container_id=container.get("id"),
        redis_run_id=redis.get("run_id"),
        tool_digest=gathered.tool_digest,
        run_id=run.run_id,
        kind=run.kind,
        started=format_time(parse_time(gathered.started)),
        finished=format_time(parse_time(gathered.finished)),
        expires=format_time(parse_time(gathered.finished) + LIFETIME),
        **{name: desired.get(name) for name in _FROM_MEANT},
    )


_FROM_MEANT = ("mode", "venue", "stage", "config_digest", "commit", "release", "container")
