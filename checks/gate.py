"""The gate: may what runs be trusted because of this evidence? Anything but a clear yes is a no."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from checks.checklist import CHECKLIST
from checks.evidence.clock import parse_time
from checks.judge import all_checks
from checks.model import Verdict, run_verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from checks.evidence.bundle import Bundle
    from checks.evidence.later_runs import LaterRun
    from checks.evidence.signature import Signature
    from checks.model import Finding

#: Evidence that binds fewer things than these proves nothing about what runs.
MUST_BIND = ("image_id", "config_digest")
#: This finding gates no deploy, but what it speaks of nobody can know any more.
REACHES_BACK = "E.2.accounting_reaches_back"
_CLOCK_TOLERANCE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why the gate stays shut, and what would open it."""

    code: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the evidence: `expect` names fields of its subject, and what they are on what runs.

    `later` are the runs of the same host since then.
    """

    now: datetime
    max_age: timedelta
    expect: Mapping[str, str]
    later: Sequence[LaterRun] = ()


def must_pass() -> frozenset[str]:
    """Name the checks without which a pass is not the whole proof: all that gate, and the checklist."""
    return frozenset(
        (*(check.id for check in all_checks() if check.gates), *(f"L.{id_}" for id_ in CHECKLIST))
    )


def refusals(
    bundle: Bundle,
    signature: Signature,
    judged_again: Sequence[Finding],
    question: Question,
    must: AbstractSet[str] | None = None,
) -> tuple[Refusal, ...]:
    """Give every reason to refuse; none means that the gate is open.

    `judged_again` are the findings recomputed from the bundle's own observations; `must` are the checks that
    have to have passed (default: `must_pass()`).
    """
    return (
        *_not_vouched_for(signature),
        *_not_a_pass(bundle, judged_again),
        *_not_whole(bundle, must_pass() if must is None else must),
        *_reaches_back(bundle),
        *_not_fresh(bundle, question),
        *_not_bound(bundle, question.expect),
        *_revoked(question.later),
    )


def _not_vouched_for(signature: Signature) -> Iterable[Refusal]:
    if not signature.valid:
        yield Refusal(
            "not_signed",
            f"Nobody who may sign vouches for this evidence: {signature.problem}",
            "Use evidence.json exactly as the run wrote it, with its .sig and the right allowed signers.",
        )


def _not_a_pass(bundle: Bundle, judged_again: Sequence[Finding]) -> Iterable[Refusal]:
    if bundle.verdict is not Verdict.PASS:
        yield Refusal(
            "not_a_pass", f"The run's verdict is {bundle.verdict}.", "Repair what its report names; verify."
        )
    if run_verdict(judged_again) is not Verdict.PASS or tuple(judged_again) != bundle.findings:
        yield Refusal(
            "judged_differently",
            "Judging the same observations again does not give the same findings and a pass.",
            "Run `playbooks/verify.yml`: this version of the checks wants evidence of its own.",
        )


def _not_whole(bundle: Bundle, must: AbstractSet[str]) -> Iterable[Refusal]:
    if bundle.subject.kind == "baseline":
        yield Refusal("baseline", "A baseline describes; it proves nothing.", _VERIFY_ANEW)
    passed = {
        finding.check for finding in bundle.findings if finding.gates and finding.verdict is Verdict.PASS
    }
    missing = sorted(must - passed)
    if missing:
        yield Refusal("not_whole", f"Not passed in this run: {', '.join(missing)}.", _VERIFY_ANEW)


def _not_fresh(bundle: Bundle, question: Question) -> Iterable[Refusal]:
    finished, expires = parse_time(bundle.subject.finished), parse_time(bundle.subject.expires)
    if finished > question.now + _CLOCK_TOLERANCE:
        yield Refusal(
            "from_the_future",
            f"The run finished at {bundle.subject.finished}, which is later than now.",
            "Set the clocks right.",
        )
    if question.now - finished > question.max_age:
        yield Refusal(
            "too_old", f"The run finished at {bundle.subject.finished}; older than allowed.", _VERIFY_ANEW
        )
    if question.now >= expires:
        yield Refusal("expired", f"The evidence expired at {bundle.subject.expires}.", _VERIFY_ANEW)


def _not_bound(bundle: Bundle, expect: Mapping[str, str]) -> Iterable[Refusal]:
    subject = bundle.subject.model_dump()
    for name in (name for name in MUST_BIND if not expect.get(name)):
        yield Refusal(
            "not_asked", f"Nothing says which {name} runs.", f"Give --expect {name}=… of what runs."
        )
    for name, runs in expect.items():
        if name not in subject:
            yield Refusal(
                "unknown_binding", f"Evidence has no {name}.", f"Expect one of: {', '.join(subject)}."
            )
        elif subject[name] != runs:
            yield Refusal(
                "other_subject",
                f"The evidence is about {name} {subject[name]}; what runs is {runs}.",
                _VERIFY_ANEW,
            )


def _revoked(later: Iterable[LaterRun]) -> Iterable[Refusal]:
    for run in later:
        if run.verdict != Verdict.PASS:
            message = f"Run {run.run_id} came later and was {run.verdict}, by {run.told_by}."
            yield Refusal("revoked", message, _VERIFY_ANEW)


def _reaches_back(bundle: Bundle) -> Iterable[Refusal]:
    for finding in bundle.findings:
        if finding.check == REACHES_BACK and finding.verdict is not Verdict.PASS:
            yield Refusal("given_up", f"Not all was accounted for: {finding.actual}.", _CUT_OVER)


_CUT_OVER = "Deploy with -e cutover=true, so that all is accounted for from a new beginning."
_VERIFY_ANEW = "Run `playbooks/verify.yml` for evidence of what runs now."
