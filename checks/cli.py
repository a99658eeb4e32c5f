"""The command line: the only place of the checks that prints or exits.

Exit codes: 0 pass, 1 fail, 2 wrong use, 3 inconclusive.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checks import audit, checklist, gate, prechecks
from checks.collect import collect_here, collect_over_ssh
from checks.errors import ChecksError, InvalidEvidenceError
from checks.evidence import bundle as evidence
from checks.evidence import signature
from checks.evidence.clock import parse_time
from checks.evidence.gathered import read_documents
from checks.evidence.run_id import is_run_id, new_run_id
from checks.judge import judge
from checks.model import Finding, Verdict, run_verdict
from checks.pack import pack
from checks.report import writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from checks.evidence.bundle import Bundle

PASS, FAIL, USAGE, INCONCLUSIVE = 0, 1, 2, 3
_EXIT_CODES = {Verdict.PASS: PASS, Verdict.FAIL: FAIL, Verdict.INCONCLUSIVE: INCONCLUSIVE}
_DEFAULT_KEY = Path(".local/evidence_ed25519")
_DEFAULT_SIGNERS = Path(".local/allowed_signers")
_DEFAULT_ZIPAPP = Path("build/target/target.pyz")


def main(arguments: Sequence[str]) -> int:
    """Run one command and give its exit code; an error is one sentence on standard error."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except InvalidEvidenceError as error:
        return _complain(error, FAIL)
    except ChecksError as error:
        return _complain(error, USAGE)


def _complain(error: ChecksError, code: int) -> int:
    print(f"checks: {error}", file=sys.stderr)
    return code


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)


# --- the commands ---------------------------------------------------------------------------------------------------


def _pack(options: argparse.Namespace) -> int:
    print(pack(options.out))
    return PASS


def _run_id(_options: argparse.Namespace) -> int:
    print(new_run_id())
    return PASS


def _collect(options: argparse.Namespace) -> int:
    request = _bytes(options.request)
    if options.local:
        seen = collect_here(options.zipapp, options.phase, request)
    else:
        seen = collect_over_ssh(options.zipapp, options.phase, request, options.ssh, become=options.become)
    options.out.write_bytes(seen)
    print(options.out)
    return PASS


def _prechecks(options: argparse.Namespace) -> int:
    gathered = read_documents([options.observations])
    problems = prechecks.problems(gathered, _json(options.wanted), _controller_clock(options))
    _say(_problem(finding) for finding in problems)
    return FAIL if any(finding.gates for finding in problems) else PASS


def _judge_run(options: argparse.Namespace) -> int:
    run = evidence.Run(
        run_id=options.run_id,
        kind=options.kind,
        meant=_json(options.meant),
        checklist=_checklist(options),
        switch=_json(options.switch) if options.switch else None,
        timings=_json(options.timings) if options.timings else (),
    )
    judged = evidence.build(read_documents(options.observations), run, judge)
    path = _write_evidence(judged, options.out, options.sign_key)
    writer.write(judged, options.out)
    writer.point_latest_at(options.out)
    _say(_summary(judged, path))
    return _EXIT_CODES[judged.verdict]


def _report(options: argparse.Namespace) -> int:
    judged = evidence.load(options.evidence)
    writer.write(judged, options.out or options.evidence.parent)
    _say(_summary(judged, options.evidence))
    return _EXIT_CODES[judged.verdict]


def _verify(options: argparse.Namespace) -> int:
    signed = signature.verify(options.evidence, options.allowed_signers)
    judged = evidence.load(options.evidence)
    again = evidence.judge_again(judged, judge)
    same = again == judged.findings
    print(f"signature  {f'valid, by {signed.signer}' if signed.valid else f'NOT VALID: {signed.problem}'}")
    print(f"verdict    {judged.verdict}; judged again: {run_verdict(again)}")
    print(f"findings   {'the same' if same else 'NOT THE SAME'}")
    _say(_difference(name, was, now) for name, was, now in _differences(judged.findings, again))
    return PASS if signed.valid and same else FAIL


def _gate(options: argparse.Namespace) -> int:
    signed = signature.verify(options.evidence, options.allowed_signers)
    judged = evidence.load(options.evidence)
    question = gate.Question(options.now, timedelta(seconds=options.max_age_s), dict(options.expect))
    refused = gate.refusals(judged, signed, evidence.judge_again(judged, judge), question)
    _say(f"refused: {one.code}: {one.message} {one.remedy}" for one in refused)
    if not refused:
        print(
            f"open: run {judged.subject.run_id} passed, is signed by {signed.signer} and is about what runs"
        )
    return FAIL if refused else PASS


def _audit(options: argparse.Namespace) -> int:
    trail = audit.follow(_bytes(options.log).decode("utf-8", errors="replace"))
    torn = f"; {trail.torn} lines were torn by a crash" if trail.torn else ""
    print(
        f"{f'BROKEN: {trail.broken}' if trail.broken else f'whole: {trail.lines} lines, each follows from the one before it'}{torn}"
    )
    return FAIL if trail.broken else PASS


# --- what they read and write ---------------------------------------------------------------------------------------


def _controller_clock(options: argparse.Namespace) -> dict[str, int] | None:
    if options.controller_now_ms is None:
        return None
    after_ms = options.controller_after_ms or options.controller_now_ms
    return {"now_ms": options.controller_now_ms, "after_ms": after_ms}


def _checklist(options: argparse.Namespace) -> tuple[checklist.Line, ...]:
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
    if key == _DEFAULT_KEY:
        signature.ensure_key(key)
    signature.sign(path, key)
    return path


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ChecksError(f"{path} cannot be read: {error.strerror}.", "Name a file that exists.") from error


def _json(path: Path) -> Any:
    try:
        return json.loads(_bytes(path))
    except ValueError as error:
        raise ChecksError(f"{path} is not JSON: {error}.", "Name a file that the playbooks wrote.") from error


# --- what they say --------------------------------------------------------------------------------------------------


def _problem(finding: Finding) -> str:
    weight = "PROBLEM" if finding.gates else "note"
    return f"{weight} {finding.check}: {finding.claim} Wanted {finding.expected}; found {finding.actual}. {finding.remedy}".rstrip()


def _summary(judged: Bundle, path: Path) -> Iterable[str]:
    subject = judged.subject
    yield f"{judged.verdict.upper()}  {subject.host}  {subject.kind} in {subject.mode or 'no mode'}  run {subject.run_id}"
    gating = [one for one in judged.findings if one.gates]
    passed = sum(one.verdict is Verdict.PASS for one in gating)
    yield f"  {passed} of {len(gating)} gating checks passed"
    for one in sorted(judged.findings, key=lambda finding: not finding.gates):
        if one.verdict is not Verdict.PASS:
            yield f"  {one.verdict if one.gates else 'note'}: {one.check}: {one.actual}"
    yield f"  report: {path.parent / 'report.html'}"


def _differences(
    was: Iterable[Finding], now: Iterable[Finding]
) -> Iterable[tuple[str, Finding | None, Finding | None]]:
    before, after = ({one.check: one for one in findings} for findings in (was, now))
    return [
        (name, before.get(name), after.get(name))
        for name in before | after
        if before.get(name) != after.get(name)
    ]


def _difference(name: str, was: Finding | None, now: Finding | None) -> str:
    said, says = (one.verdict if one else "absent" for one in (was, now))
    return f"  {name}: the evidence says {said}, judged again {says}"


# --- the arguments --------------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m checks",
        description="Gather evidence, judge it, render it, check it, and ask it before anything is promoted.",
        epilog="Exit codes: 0 pass, 1 fail, 2 wrong use, 3 inconclusive.",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for add in (
        _add_pack,
        _add_run_id,
        _add_collect,
        _add_prechecks,
        _add_judge,
        _add_report,
        _add_verify,
        _add_gate,
        _add_audit,
    ):
        add(commands)
    return parser


type _Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - argparse has no public name for it


def _command(
    commands: _Commands, name: str, run: Callable[[argparse.Namespace], int], help_: str
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=help_, description=help_)
    command.set_defaults(run=run)
    return command


def _add_pack(commands: _Commands) -> None:
    command = _command(
        commands, "pack", _pack, "Make the zipapp that observes and changes the target; print its digest."
    )
    command.add_argument("--out", type=Path, default=_DEFAULT_ZIPAPP, help="where to (default: %(default)s)")


def _add_run_id(commands: _Commands) -> None:
    _command(commands, "run-id", _run_id, "Print a new run id.")


def _add_collect(commands: _Commands) -> None:
    command = _command(commands, "collect", _collect, "Gather the observations of one phase by hand.")
    command.add_argument("--phase", required=True, choices=list("ABCDE"), help="which phase")
    command.add_argument(
        "--request", required=True, type=Path, help="the request, as the playbooks send it (has secrets)"
    )
    where = command.add_mutually_exclusive_group(required=True)
    where.add_argument("--ssh", metavar="USER@HOST", help="observe that host over ssh")
    where.add_argument("--local", action="store_true", help="observe this machine")
    command.add_argument("--become", action="store_true", help="become root with sudo on the host")
    command.add_argument(
        "--zipapp", type=Path, default=_DEFAULT_ZIPAPP, help="made by pack (default: %(default)s)"
    )
    command.add_argument("--out", required=True, type=Path, help="where to write the observations")


def _add_prechecks(commands: _Commands) -> None:
    command = _command(commands, "prechecks", _prechecks, "Name every problem that stands in a deploy's way.")
    command.add_argument("--observations", required=True, type=Path, help="observations of phase A")
    command.add_argument("--wanted", required=True, type=Path, help="what the deploy wants to find")
    command.add_argument(
        "--controller-now-ms", type=int, help="the controller's clock before phase A was gathered"
    )
    command.add_argument("--controller-after-ms", type=int, help="and after it (default: the same)")


def _add_judge(commands: _Commands) -> None:
    command = _command(commands, "judge", _judge_run, "Judge a run; write, sign and render its evidence.")
    command.add_argument(
        "--observations",
        required=True,
        type=Path,
        nargs="+",
        metavar="PATH",
        help="files, or folders of them",
    )
    command.add_argument("--meant", required=True, type=Path, help="the release document that was meant")
    command.add_argument("--run-id", required=True, type=_as_run_id, help="the run, YYYYMMDDTHHMMSSZ-xxxx")
    command.add_argument(
        "--kind", required=True, choices=list(evidence.PHASES), help="which proof is claimed"
    )
    command.add_argument("--out", required=True, type=Path, help="the run's folder: reports/<host>/<run id>/")
    command.add_argument("--checklist", type=Path, help="pytest's junit file of tests/checklist")
    command.add_argument("--switch", type=Path, help="the switch's own record, if one was made")
    command.add_argument("--timings", type=Path, help="the seconds that each step of the run took")
    command.add_argument(
        "--sign-key", type=Path, default=_DEFAULT_KEY, help="ssh key (default: %(default)s, made if absent)"
    )


def _add_report(commands: _Commands) -> None:
    command = _command(commands, "report", _report, "Render the report of evidence again.")
    _add_evidence(command)
    command.add_argument("--out", type=Path, help="the folder to write to (default: the evidence's)")


def _add_verify(commands: _Commands) -> None:
    help_ = "Check the signature and judge the observations again; exit code 0 says that the evidence is true, not that it is a pass."
    command = _command(commands, "verify", _verify, help_)
    _add_evidence(command)
    _add_signers(command)


def _add_gate(commands: _Commands) -> None:
    command = _command(
        commands, "gate", _gate, "Ask whether evidence is a pass, signed, fresh and about what runs."
    )
    _add_evidence(command)
    _add_signers(command)
    command.add_argument(
        "--now", type=_as_time, default=datetime.now(UTC), help="the time to judge by (default: now)"
    )
    command.add_argument(
        "--max-age-s", type=float, default=86_400, help="how old it may be, in seconds (default: %(default)s)"
    )
    command.add_argument(
        "--expect",
        type=_as_binding,
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        help="what runs, for example image_id=sha256:…",
    )


def _add_audit(commands: _Commands) -> None:
    command = _command(commands, "audit", _audit, "Check that nobody changed a line of the host's audit log.")
    command.add_argument("--log", required=True, type=Path, help="the log, fetched from the host")


def _add_evidence(command: argparse.ArgumentParser) -> None:
    command.add_argument("--evidence", required=True, type=Path, help="an evidence.json")


def _add_signers(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--allowed-signers", type=Path, default=_DEFAULT_SIGNERS, help="who may sign (default: %(default)s)"
    )


def _as_run_id(text: str) -> str:
    if not is_run_id(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form YYYYMMDDTHHMMSSZ-xxxx")
    return text


def _as_time(text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an ISO time such as 2026-11-22T16:00:00Z"
        ) from error


def _as_binding(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (name and separator and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, value
