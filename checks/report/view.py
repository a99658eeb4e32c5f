"""Everything the report shows, computed from the bundle alone; the templates only lay it out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.checklist import LineOutcome
from checks.evidence import signature
from checks.model import Verdict
from checks.report import accounts, criteria, deployment, exchange, findings, stream, words
from checks.report.groups import groups
from checks.report.pipeline import Bar, Pipeline, bars, pipeline
from checks.report.seen import Seen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from checks.checklist import Line
    from checks.evidence.bundle import Bundle
    from checks.evidence.not_checked import Unchecked
    from checks.judge.accounting import Accounting
    from checks.report.criteria import Criterion
    from checks.report.deployment import ContainerSetting
    from checks.report.findings import Fact, Phase, Shown, Tone
    from checks.report.groups import Group
    from checks.report.stream import Changes, Tree

_SENTENCES = {
    Verdict.PASS: "Everything that must hold was looked at, and holds.",
    Verdict.FAIL: "Something that must hold does not. Nothing is to be built on this run.",
    Verdict.INCONCLUSIVE: "Something that must hold could not be seen. What was not seen is not a pass.",
}
#: Whether the count of decided entries is certain.
ACCOUNTED = "E.2.accounted_once"
_DESCRIBED = "The stack is described; Redis, network, clocks and disks are as a deploy needs them."
_OUTCOMES = {
    LineOutcome.PASSED: findings.PASS,
    LineOutcome.FAILED: findings.FAIL,
    LineOutcome.SKIPPED: findings.FAIL,
    LineOutcome.MISSING: findings.FAIL,
}


@dataclass(frozen=True, slots=True)
class Headline:
    """One number at the top of the report."""

    label: str
    value: str
    note: str


@dataclass(frozen=True, slots=True)
class Checked:
    """One line of the checklist."""

    id: str
    sentence: str
    tone: Tone
    outcome: str
    message: str


@dataclass(frozen=True, slots=True)
class View:
    """The whole report."""

    title: str
    tone: Tone
    sentence: str
    score: str
    headlines: tuple[Headline, ...]
    brief: tuple[tuple[str, str], ...]
    about: tuple[tuple[str, str], ...]
    bound: tuple[tuple[str, str], ...]
    proves: bool
    attention: tuple[Shown, ...]
    next_steps: tuple[str, ...]
    changes: tuple[Changes, ...]
    tree: Tree
    pipeline: Pipeline
    criteria: tuple[Criterion, ...]
    checklist: tuple[Checked, ...]
    checklist_score: str
    performance: tuple[tuple[str, str], ...]
    statuses: tuple[Bar, ...]
    container: tuple[ContainerSetting, ...]
    timings: tuple[Bar, ...]
    total: str
    not_checked: tuple[Unchecked, ...]
    phases: tuple[Phase, ...]
    facts: tuple[Fact, ...]
    verify_commands: tuple[str, ...]


def view(bundle: Bundle) -> View:
    """Compute the report of a bundle. The same bundle gives the same report."""
    seen, desired, subject = Seen.of(bundle.observations), bundle.desired, bundle.subject
    account = accounts.accounted(seen)
    measured = criteria.Measured(seen, desired, account)
    known = findings.facts(bundle.observations)
    pipes = pipeline(seen, account)
    return View(
        title=f"{subject.kind.capitalize()} on {subject.host}",
        tone=findings.tone(bundle.verdict),
        sentence=_sentence(bundle),
        score=_score(bundle),
        headlines=_headlines(bundle, measured, pipes) if subject.kind != "baseline" else _description(seen),
        brief=_brief(bundle),
        about=_about(bundle),
        bound=_bound(bundle),
        proves=subject.kind != "baseline",
        attention=findings.not_passed(bundle.findings, known),
        next_steps=_next_steps(bundle),
        changes=stream.changes(seen, desired, pipes.stages[2].count),
        tree=stream.tree(seen, desired),
        pipeline=pipes,
        criteria=criteria.criteria(measured, bundle.findings),
        checklist=tuple(_checked(line) for line in bundle.checklist),
        checklist_score=_checklist_score(bundle),
        performance=deployment.performance(seen),
        statuses=bars(accounts.statuses(seen)),
        container=deployment.container(seen, desired),
        timings=deployment.timings(bundle.timings, bundle.switch),
        total=deployment.total(bundle.timings),
        not_checked=bundle.not_checked,
        phases=findings.phases(bundle.findings, known),
        facts=tuple(known.values()),
        verify_commands=_verify_commands(bundle),
    )


def _sentence(bundle: Bundle) -> str:
    described = bundle.subject.kind == "baseline" and bundle.verdict is Verdict.PASS
    return _DESCRIBED if described else _SENTENCES[bundle.verdict]


def _score(bundle: Bundle) -> str:
    gating = [finding for finding in bundle.findings if finding.gates]
    passed = sum(finding.verdict is Verdict.PASS for finding in gating)
    notes = sum(finding.verdict is not Verdict.PASS for finding in bundle.findings if not finding.gates)
    return (
        f"{passed} of {len(gating)} gating checks passed; {notes} {'note' if notes == 1 else 'notes'} to read"
    )


def _headlines(bundle: Bundle, measured: criteria.Measured, pipes: Pipeline) -> tuple[Headline, ...]:
    """Give the large figures; one that is not certain is not shown large."""
    account, live = measured.account, pipes.latencies[1]
    orders = exchange.counts(measured.seen, "E")
    is_certain = account is not None and not any(
        finding.check == ACCOUNTED and finding.verdict is Verdict.INCONCLUSIVE for finding in bundle.findings
    )
    once = f"{_once(account):,} / {account.entries:,}" if account and is_certain else words.NOT_SEEN
    which = accounts.counted(measured.seen)
    return (
        Headline("decided exactly once", once, which if is_certain else f"not certain of the {which}"),
        Headline(
            "on the exchange", words.number(orders and sum(orders.values())), "orders, trades and positions"
        ),
        Headline("lag", words.number(accounts.lag(measured.seen)), "of its own group, counted in the stream"),
        Headline("publish to decision, p99", live.p99, f"{live.count} {live.which}"),
    )


def _description(seen: Seen) -> tuple[Headline, ...]:
    """Give the numbers of a baseline, which describes and proves nothing."""
    by_name = groups(seen, "A")
    pending = None if by_name is None else sum(group.pending or 0 for group in by_name.values())
    return (
        Headline("entries", words.number(seen("A:redis.stream", "length")), "in the stream"),
        Headline("consumer groups", words.number(None if by_name is None else len(by_name)), "of the stream"),
        Headline("ghost consumers", words.number(_ghosts(by_name)), "in all groups"),
        Headline("pending", words.number(pending), "in all groups"),
    )


def _ghosts(by_name: Mapping[str, Group] | None) -> int | None:
    return None if by_name is None else sum(group.ghosts for group in by_name.values())


def _once(account: Accounting) -> int:
    return len(account.decided) - len(account.duplicated)


def _brief(bundle: Bundle) -> tuple[tuple[str, str], ...]:
    subject = bundle.subject
    digests = (
        ("image", subject.image_id),
        ("code", subject.code_digest),
        ("settings", subject.config_digest),
    )
    return (
        ("run", subject.run_id),
        ("mode", words.text(subject.mode)),
        *((name, words.short(digest)) for name, digest in digests),
    )


def _about(bundle: Bundle) -> tuple[tuple[str, str], ...]:
    subject = bundle.subject
    return (
        ("host", subject.host),
        ("run", subject.run_id),
        ("mode", words.text(subject.mode)),
        ("venue", words.text(subject.venue)),
        ("stage", words.text(subject.stage)),
        ("container", words.text(subject.container)),
        ("started", subject.started),
        ("finished", subject.finished),
        ("evidence expires", subject.expires),
    )


def _bound(bundle: Bundle) -> tuple[tuple[str, str], ...]:
    subject = bundle.subject
    bound = (
        ("image", subject.image_id), ("code", subject.code_digest), ("settings", subject.config_digest),
        ("commit", subject.commit), ("release", subject.release), ("container id", subject.container_id),
        ("Redis run", subject.redis_run_id), ("tool", subject.tool_digest),
    )  # fmt: skip # a table, or a call that is read as one
    return tuple((name, digest or words.NONE) for name, digest in bound)


def _next_steps(bundle: Bundle) -> tuple[str, ...]:
    """Say what to do: the remedies of what stops the run, or else the way on."""
    stopping = [
        finding.remedy
        for finding in bundle.findings
        if finding.gates and finding.verdict is not Verdict.PASS and finding.remedy
    ]
    if bundle.verdict is not Verdict.PASS:
        return tuple(dict.fromkeys(stopping))
    if bundle.subject.kind == "baseline":
        return ("Deploy: `ansible-playbook deploy.yml -e safe_drain=true`.",)
    return (
        "Read the notes above: they do not stop this run, and somebody should know of them.",
        "Look again later, and for drift: `playbooks/verify.yml` asks everything anew.",
        f"Verify again before {bundle.subject.expires}, when this evidence expires: `playbooks/verify.yml`.",
    )


def _checked(line: Line) -> Checked:
    return Checked(line.id, line.sentence, findings.Tone(_OUTCOMES[line.outcome]), line.outcome, line.message)


def _checklist_score(bundle: Bundle) -> str:
    passed = sum(line.outcome is LineOutcome.PASSED for line in bundle.checklist)
    return f"{passed} of {len(bundle.checklist)} passed"


def _verify_commands(bundle: Bundle) -> tuple[str, ...]:
    evidence = f"reports/{bundle.subject.host}/{bundle.subject.run_id}/evidence.json"
    who = f"-I {signature.PRINCIPAL} -n {signature.NAMESPACE}"
    return (
        f"python -m checks verify --evidence {evidence}",
        f"ssh-keygen -Y verify -f .local/allowed_signers {who} -s {evidence}.sig < {evidence}",
    )
