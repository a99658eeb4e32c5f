"""The commands: a JSON request on stdin, one JSON document on stdout, exit code 0, or 1 with {"error": …}."""

from __future__ import annotations

import argparse
import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from host.base.errors import BadRequestError
from host.base.state import DEFAULT_ROOT, StateFolder
from host.change.faults import explain
from host.change.request import CommandRequest

if TYPE_CHECKING:
    from collections.abc import Callable

_FILES, _CONTAINERS = "host.change.file_commands", "host.change.container_commands"

#: Every command, the module that holds it, and its request → reply. Modules are imported when needed:
#: the Docker and Redis libraries cost more time than most commands do.
COMMANDS = {
    "state prepare": (_FILES, '{"check"?} → {"changed"}'),
    "lock acquire": (_FILES, '{"owner","run_id","why","ttl_s","wait_s"?} → {"token","expires","taken_over"}'),
    "lock renew": (_FILES, '{"token","ttl_s"} → {"expires"}'),
    "lock release": (_FILES, '{"token"} → {"released"}'),
    "lock show": (_FILES, '{} → {"held","expired","owner","run_id","why","since","expires"}'),
    "lock break": (_FILES, '{"who","reason"} → {"broken"}'),
    "audit show": (_FILES, '{} → {"entries","intact","torn"}'),
    "file put-secret": (_FILES, '{"path_name","content_base64","uid","gid","check"?} → {"changed"}'),
    "secrets hmac": (_FILES, '{"names","key_base64"} → {"hmac"}'),
    "cutover show": (_FILES, '{} → {"cutover"}'),
    "release show": (_FILES, '{} → {"current","verified","releases"}'),
    "release record": (_CONTAINERS, '{"token","desired","verified","evidence"} → {"changed","removed"}'),
    "run record": (_FILES, '{"who","run"} → {"closed"}'),
    "switch show": (_FILES, '{} → {"state", …}'),
    "switch wait": (_FILES, '{"switch_id","timeout_s"} → {"state", …}'),
    "switch start": (
        _CONTAINERS,
        (
            '{"token","run_id","desired","main","next","previous","redis"?,'
            '"cutover"?,"steady_s"?,"start_timeout_s"?} → {"switch_id"}'
        ),
    ),
    "switch resume": (_CONTAINERS, '{"token","run_id","redis"?} → {"state", …}'),
    "rollback": (_CONTAINERS, '{"token","run_id","reason","redis"?} → {"state", …}'),
}


def main(argv: list[str]) -> int:
    """Run one command and print its reply; return the exit code."""
    os.umask(0o077)
    try:
        reply, code = _run(argv), 0
    except Exception as problem:  # noqa: BLE001 - the controller reads errors as JSON, whatever they are
        reply, code = {"error": explain(problem).to_json()}, 1
    sys.stdout.write(json.dumps(reply) + "\n")
    return code


def _run(argv: list[str]) -> dict[str, Any]:
    arguments = _parser().parse_intermixed_args(argv)
    command = _command(" ".join(arguments.command))
    request = CommandRequest.parse("" if sys.stdin.isatty() else sys.stdin.read())
    return command(StateFolder(arguments.state_dir), request)


def _command(name: str) -> Callable[[StateFolder, CommandRequest], dict[str, Any]]:
    if name not in COMMANDS:
        raise BadRequestError(f"there is no command {name}")
    function = name.replace(" ", "_").replace("-", "_")
    command: Callable[[StateFolder, CommandRequest], dict[str, Any]] = getattr(
        import_module(COMMANDS[name][0]), function
    )
    return command


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="host.pyz",
        description=__doc__,
        epilog="\n".join(f"{name:16} {shape}" for name, (_, shape) in COMMANDS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", nargs="+", help="what to do, for example: lock acquire")
    parser.add_argument("--state-dir", type=Path, default=DEFAULT_ROOT, help="default: %(default)s")
    return parser
