"""What the command line takes. Nothing here acts: `command` names what is to be done, the rest how."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from checks.evidence.bundle import PHASES
from checks.evidence.clock import parse_time
from checks.evidence.run_id import is_run_id
from checks.image_context import PACKAGES

DEFAULT_KEY = Path(".local/evidence_ed25519")
_DEFAULT_SIGNERS = Path(".local/allowed_signers")
_DEFAULT_ZIPAPP = Path("build/host/host.pyz")
_DAY_S = 86_400

type _Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 - it has no public name


def parser() -> argparse.ArgumentParser:
    """Describe the whole command line."""
    whole = argparse.ArgumentParser(
        prog="python -m checks",
        description="Gather evidence, judge it, render it, check it, and ask it before anything is promoted.",
        epilog="Exit codes: 0 pass, 1 fail, 2 wrong use, 3 inconclusive.",
    )
    commands = whole.add_subparsers(title="commands", required=True, metavar="COMMAND", dest="command")
    for add in _COMMANDS:
        add(commands)
    return whole


def _command(commands: _Commands, name: str, help_: str) -> argparse.ArgumentParser:
    return commands.add_parser(name, help=help_, description=help_)


def _pack(commands: _Commands) -> None:
    command = _command(commands, "pack", "Make the zipapp that works on the target; print its digest.")
    command.add_argument("--out", type=Path, default=_DEFAULT_ZIPAPP, help="where to (default: %(default)s)")


def _run_id(commands: _Commands) -> None:
    _command(commands, "run-id", "Print a new run id.")


def _image_context(commands: _Commands) -> None:
    command = _command(
        commands, "image-context", "Lay out what an image is built from: code, packages, recipe."
    )
    command.add_argument("--package", required=True, choices=PACKAGES, help="whose image")
    command.add_argument("--python", required=True, metavar="VERSION", help="the image's Python, as 3.13")
    command.add_argument("--platform", required=True, help="the image's machine, as uv names it")
    command.add_argument(
        "--out", required=True, type=Path, help="the folder; one that is there is left alone"
    )


def _plan(commands: _Commands) -> None:
    help_ = "Work out what code and settings amount to: the release document but for the image's id."
    command = _command(commands, "plan", f"{help_} Reads what is wanted from stdin, as JSON.")
    _add_document(command)


def _release(commands: _Commands) -> None:
    help_ = "Complete a plan by the image's id and name it."
    epilog = "plan, image_id, secrets, label_key and created; the document holds no secret."
    command = _command(commands, "release", f"{help_} Reads JSON from stdin: {epilog}")
    _add_document(command)


def _collect(commands: _Commands) -> None:
    command = _command(commands, "collect", "Gather the observations of one phase by hand.")
    command.add_argument("--phase", required=True, choices=list("ABCDE"), help="which phase")
    command.add_argument("--request", required=True, type=Path, help="the request; it holds secrets")
    where = command.add_mutually_exclusive_group(required=True)
    where.add_argument("--ssh", metavar="USER@HOST", help="observe that host over ssh")
    where.add_argument("--local", action="store_true", help="observe this machine")
    command.add_argument("--become", action="store_true", help="become root with sudo on the host")
    command.add_argument("--zipapp", type=Path, default=_DEFAULT_ZIPAPP, help="default: %(default)s")
    command.add_argument("--out", required=True, type=Path, help="where to write the observations")


def _prechecks(commands: _Commands) -> None:
    command = _command(commands, "prechecks", "Name every problem that stands in a deploy's way.")
    command.add_argument("--observations", required=True, type=Path, help="observations of phase A")
    command.add_argument("--wanted", required=True, type=Path, help="what the deploy wants to find")
    command.add_argument("--controller-now-ms", type=int, help="the controller's clock before it gathered")
    command.add_argument("--controller-after-ms", type=int, help="and after it (default: the same)")


def _gate_phase(commands: _Commands) -> None:
    help_ = "Judge one phase by itself, so that a deploy can stop before it changes anything."
    command = _command(commands, "gate-phase", help_)
    command.add_argument("--phase", required=True, choices=list("ABCDE"), help="which phase")
    command.add_argument("--observations", required=True, type=Path, help="a file, or its folder")
    command.add_argument("--desired", required=True, type=Path, help="the release document that was desired")


def _judge(commands: _Commands) -> None:
    command = _command(commands, "judge", "Judge a run; write, sign and render its evidence.")
    add = command.add_argument
    add("--observations", required=True, type=Path, nargs="+", metavar="PATH", help="files, or their folders")
    add("--desired", required=True, type=Path, help="the release document that was desired")
    add("--run-id", required=True, type=_as_run_id, help="the run, YYYYMMDDTHHMMSSZ-xxxx")
    add("--kind", required=True, choices=list(PHASES), help="which proof is claimed")
    add("--out", required=True, type=Path, help="the run's folder: reports/<host>/<run id>/")
    add("--checklist", type=Path, help="pytest's junit file of tests/checklist")
    add("--switch", type=Path, help="the switch's own record, if one was made")
    add("--timings", type=Path, help="the seconds that each step of the run took")
    add("--sign-key", type=Path, default=DEFAULT_KEY, help="ssh key (default: %(default)s, made if absent)")


def _report(commands: _Commands) -> None:
    command = _command(commands, "report", "Render the report of evidence again.")
    _add_evidence(command)
    _add_signers(command)
    command.add_argument("--out", type=Path, help="the folder to write to (default: the evidence's)")


def _verify(commands: _Commands) -> None:
    help_ = "Check the signature and judge again. Exit code: the true verdict's; 1 for what is not true."
    command = _command(commands, "verify", help_)
    _add_evidence(command)
    _add_signers(command)


def _gate(commands: _Commands) -> None:
    command = _command(commands, "gate", "Ask whether evidence is a pass, signed, fresh and about what runs.")
    _add_evidence(command)
    _add_signers(command)
    add = command.add_argument
    add("--now", type=_as_time, default=datetime.now(UTC), help="the time to judge by (default: now)")
    add("--audit-log", type=Path, help="the host's own record of its runs, fetched from there")
    add("--max-age-s", type=float, default=_DAY_S, help="how old it may be (default: %(default)s)")
    add(
        "--expect",
        type=_as_binding,
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        help="what runs",
    )


def _record(commands: _Commands) -> None:
    help_ = "Say, as JSON, what the host is to record of a run; only signed evidence is read."
    command = _command(commands, "record", help_)
    _add_evidence(command)
    _add_signers(command)
    command.add_argument("--release", help="refuse all but a passing deploy of this release")


def _audit(commands: _Commands) -> None:
    command = _command(commands, "audit", "Check that nobody changed a line of the host's audit log.")
    command.add_argument("--log", required=True, type=Path, help="the log, fetched from the host")


_COMMANDS = (
    *(_pack, _run_id, _image_context, _plan, _release, _collect, _prechecks, _gate_phase),
    *(_judge, _report, _verify, _gate, _record, _audit),
)


def _add_document(command: argparse.ArgumentParser) -> None:
    command.add_argument("--out", type=Path, help="write the document to this file, too")


def _add_evidence(command: argparse.ArgumentParser) -> None:
    command.add_argument("--evidence", required=True, type=Path, help="an evidence.json")


def _add_signers(command: argparse.ArgumentParser) -> None:
    help_ = "who may sign (default: %(default)s)"
    command.add_argument("--allowed-signers", type=Path, default=_DEFAULT_SIGNERS, help=help_)


def _as_run_id(text: str) -> str:
    if not is_run_id(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form YYYYMMDDTHHMMSSZ-xxxx")
    return text


def _as_time(text: str) -> datetime:
    try:
        return parse_time(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not an ISO time, as 2026-11-22T16:00:00Z is"
        ) from error


def _as_binding(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (name and separator and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, value
