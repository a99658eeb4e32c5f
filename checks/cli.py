"""The command line: the only place of the checks that prints or exits.

Exit codes: 0 pass, 1 fail, 2 wrong use, 3 inconclusive.
"""

from __future__ import annotations

import json
import sys
import traceback
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks import audit, checklist, gate, image_context, phase_gate, prechecks, record, release
from checks.arguments import DEFAULT_KEY, parser
from checks.collect import collect_here, collect_over_ssh
from checks.digests import code_digest
from checks.errors import ChecksError, InvalidEvidenceError
from checks.evidence import bundle as evidence
from checks.evidence import later_runs, manifest, signature
from checks.evidence.gathered import read_documents
from checks.evidence.run_id import new_run_id
from checks.judge import judge
from checks.model import Finding, Observation, Verdict, run_verdict
from checks.pack import pack
from checks.release import PROJECT
from checks.report import writer

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from checks.evidence.bundle import Bundle

PASS, FAIL, USAGE, INCONCLUSIVE = 0, 1, 2, 3
_EXIT_CODES = {Verdict.PASS: PASS, Verdict.FAIL: FAIL, Verdict.INCONCLUSIVE: INCONCLUSIVE}


def main(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code; an error is a sentence and what to do, on standard error."""
    options = parser().parse_args(arguments)
    try:
        return _COMMANDS[options.command](options)
    except ChecksError as error:
        sys.stderr.write(f"checks: {error}\n")
        return FAIL if isinstance(error, InvalidEvidenceError) else USAGE
    except Exception as error:  # noqa: BLE001 - the last wall: files that nobody foresaw are no verdict, and no traceback
        sys.stderr.write(f"checks: {_unforeseen(options.command, error)}\n")
        return USAGE


def _unforeseen(command: str, error: Exception) -> str:
    step = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(step.filename).name}:{step.lineno}"
    what = f"{command} cannot work with what it was given: {type(error).__name__}: {error} ({where})."
    return f"{what} Give it files exactly as a run wrote them."


def _pack(options: Namespace) -> int:
    _say(pack(options.out))
    return PASS


def _run_id(_options: Namespace) -> int:
    _say(new_run_id())
    return PASS


def _image_context(options: Namespace) -> int:
    made = image_context.lay_out(options.out, options.package, options.python, options.platform)
    _say(f"{options.out}: {'made' if made else 'was there'}")
    return PASS


def _plan(options: Namespace) -> int:
    return _document(release.plan(_request()), options.out)


def _release(options: Namespace) -> int:
    return _document(release.document(_request()), options.out)


def _document(document: Mapping[str, Any], out: Path | None) -> int:
    text = json.dumps(document)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    _say(text)
    return PASS


def _collect(options: Namespace) -> int:
    request = _bytes(options.request)
    if options.local:
        seen = collect_here(options.zipapp, options.phase, request)
    else:
        seen = collect_over_ssh(options.zipapp, options.phase, request, options.ssh, become=options.become)
    options.out.write_bytes(seen)
    _say(str(options.out))
    return PASS


def _prechecks(options: Namespace) -> int:
    gathered = read_documents([options.observations])
    problems = prechecks.problems(gathered, _json(options.wanted), _controller_clock(options))
    _say(*(_problem(finding) for finding in problems))
    return FAIL if any(finding.gates for finding in problems) else PASS


def _gate_phase(options: Namespace) -> int:
    observations = evidence.read_observations([options.observations])
    problems = phase_gate.problems(options.phase, observations, _json(options.desired))
    _say(*(f"{finding.check}: {finding.claim} {finding.verdict}: {finding.actual}" for finding in problems))
    return FAIL if problems else PASS


def _judge(options: Namespace) -> int:
    run = evidence.run(
        run_id=options.run_id,
        kind=options.kind,
        desired=_json(options.desired),
        checklist=_checklist(options),
        switch=_json(options.switch) if options.switch else None,
        timings=_json(options.timings) if options.timings else (),
    )
    gathered = read_documents(options.observations)
    judged = evidence.build(gathered.along_with(_controller_code(gathered.finished)), run, judge)
    path = _write_evidence(judged, options.out, options.sign_key)
    writer.write(judged, options.out)
    manifest.write(options.out, options.sign_key)
    writer.point_latest_at(options.out)
    _say(*_summary(judged, path))
    return _EXIT_CODES[judged.verdict]


def _report(options: Namespace) -> int:
    signed = signature.verify(options.evidence, options.allowed_signers)
    if not signed.valid:
        raise ChecksError(
            f"Nobody who may sign vouches for {options.evidence}; no report is made: {signed.problem}",
            "Use evidence.json exactly as the run wrote it, with its .sig and the right allowed signers.",
        )
    judged = evidence.load(options.evidence)
    writer.write(judged, options.out or options.evidence.parent)
    _say(*_summary(judged, options.evidence))
    return _EXIT_CODES[judged.verdict]


def _verify(options: Namespace) -> int:
    signed = signature.verify(options.evidence, options.allowed_signers)
    judged = evidence.load(options.evidence)
    again = evidence.judge_again(judged, judge)
    same = again == judged.findings
    altered = list(manifest.problems(options.evidence.parent, options.allowed_signers))
    _say(
        f"signature  {f'valid, by {signed.signer}' if signed.valid else f'NOT VALID: {signed.problem}'}",
        f"folder     {f'NOT AS SIGNED: {"; ".join(altered)}' if altered else 'as signed'}",
        f"verdict    {judged.verdict}; judged again: {run_verdict(again)}",
        f"findings   {'the same' if same else 'NOT THE SAME'}",
        *_differences(judged.findings, again),
    )
    return _EXIT_CODES[judged.verdict] if signed.valid and same and not altered else FAIL


def _gate(options: Namespace) -> int:
    signed = signature.verify(options.evidence, options.allowed_signers)
    judged = evidence.load(options.evidence)
    later = list(later_runs.beside(options.evidence, judged))
    if options.audit_log:
        log = _bytes(options.audit_log).decode("utf-8", errors="replace")
        later += later_runs.on_host(log, judged.subject.run_id)
    question = gate.Question(options.now, timedelta(seconds=options.max_age_s), dict(options.expect), later)
    refused = gate.refusals(judged, signed, evidence.judge_again(judged, judge), question)
    if refused:
        _say(*(f"refused: {refusal.code}: {refusal.message} {refusal.remedy}" for refusal in refused))
        return FAIL
    _say(f"open: run {judged.subject.run_id} passed, is signed by {signed.signer} and is about what runs")
    return PASS


def _record(options: Namespace) -> int:
    run = record.of(options.evidence, options.allowed_signers)
    _say(json.dumps(record.verified(run, options.release) if options.release else run))
    return PASS


def _audit(options: Namespace) -> int:
    trail = audit.follow(_bytes(options.log).decode("utf-8", errors="replace"))
    chain = f"BROKEN: {trail.broken}" if trail.broken else "whole"
    chain = f"{chain}; {trail.lines} lines"
    torn = f"; torn by a crash: {trail.torn}" if trail.torn else ""
    _say(chain + torn)
    return FAIL if trail.broken else PASS


_COMMANDS: Mapping[str, Callable[[Namespace], int]] = {
    "pack": _pack,
    "run-id": _run_id,
    "image-context": _image_context,
    "plan": _plan,
    "release": _release,
    "collect": _collect,
    "prechecks": _prechecks,
    "gate-phase": _gate_phase,
    "judge": _judge,
    "report": _report,
    "verify": _verify,
    "gate": _gate,
    "record": _record,
    "audit": _audit,
}


def _controller_code(at: str) -> Observation:
    """Look at the code that lies here, so that the report does not take it for the one that runs."""
    value = {"code_digest": code_digest(PROJECT / "consumer")}
    return Observation("D", "controller.code", "sha256 of consumer/ here", at, 0.0, ok=True, value=value)


def _controller_clock(options: Namespace) -> dict[str, int] | None:
    if options.controller_now_ms is None:
        return None
    after_ms = options.controller_after_ms or options.controller_now_ms
    return {"now_ms": options.controller_now_ms, "after_ms": after_ms}


def _checklist(options: Namespace) -> tuple[checklist.Line, ...]:
    """Read the checklist's outcome; without a readable file, nothing of it ran."""
    if options.checklist is None:
        return () if options.kind == "baseline" else checklist.nothing_ran()
    try:
        return checklist.read_junit(options.checklist.read_text(encoding="utf-8"))
    except (OSError, checklist.ChecklistUnreadableError):
        return checklist.nothing_ran()


def _write_evidence(judged: Bundle, folder: Path, key: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "evidence.json"
    path.write_bytes(evidence.dump(judged))
    if key == DEFAULT_KEY:
        signature.ensure_key(key)
    signature.sign(path, key)
    return path


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ChecksError(f"{path} cannot be read: {error.strerror}.", "Name a file that exists.") from error


def _request() -> dict[str, Any]:
    """Read what a playbook asks for; it may hold secrets, and comes by standard input for that reason."""
    try:
        return dict(json.load(sys.stdin))
    except (ValueError, TypeError) as error:
        raise ChecksError(
            f"Standard input is not a JSON object: {error}.", "Give what --help names."
        ) from error


def _json(path: Path) -> Any:
    try:
        return json.loads(_bytes(path))
    except ValueError as error:
        raise ChecksError(f"{path} is not JSON: {error}.", "Name a file that the playbooks wrote.") from error


def _say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")


def _problem(finding: Finding) -> str:
    weight = "PROBLEM" if finding.gates else "note"
    comparison = f"wanted {finding.expected}; found {finding.actual.rstrip('.')}."
    return f"{weight} {finding.check}: {finding.claim} Not so: {comparison} {finding.remedy}".rstrip()


def _summary(judged: Bundle, path: Path) -> Iterable[str]:
    about, gating = judged.subject, [finding for finding in judged.findings if finding.gates]
    passed = sum(finding.verdict is Verdict.PASS for finding in gating)
    yield f"{judged.verdict.upper()}  {about.host}: {about.kind}, mode {about.mode}, run {about.run_id}"
    yield f"  {passed} of {len(gating)} gating checks passed"
    for told in sorted(judged.findings, key=lambda finding: not finding.gates):
        if told.verdict is not Verdict.PASS:
            yield f"  {told.verdict if told.gates else 'note'}: {told.check}: {told.actual}"
    yield f"  report: {path.parent / 'report.html'}"


def _differences(was: Iterable[Finding], now: Iterable[Finding]) -> Iterable[str]:
    before, after = ({finding.check: finding for finding in findings} for findings in (was, now))
    for name in before | after:
        if before.get(name) != after.get(name):
            said, says = (
                finding.verdict if finding else "absent" for finding in (before.get(name), after.get(name))
            )
            yield f"  {name}: the evidence says {said}, judged again {says}"
