"""Run one of this project's own programs, on the target or on the controller, and hear its answer.

Secrets travel in the request, by stdin: they are in no command line, no environment, no file and no task
result. The program's own words are the failure's message.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail  # type: ignore[import-untyped]  # ansible-core ships no types
from ansible.plugins.action import ActionBase  # type: ignore[import-untyped]  # ansible-core ships no types

DOCUMENTATION = r"""
name: program
short_description: Run one of this project's own programs
description:
  - With C(where=target), the zipapp C(_tool.path) is run by C(_tool.python) on the target, with the task's
    privileges. Where C(_tool.carry) names the zipapp on the controller, it travels with the call instead and
    leaves nothing behind.
  - With C(where=controller), C(argv) is given to the playbook's own Python, in the project's folder.
  - An answer on stdout that is JSON is returned as C(answer), anything else as C(text).
options:
  where: {choices: [target, controller], required: true}
  argv: {type: list, elements: str, required: true}
  request: {description: Given to the program as JSON by stdin.}
  files: {description: JSON files on the controller that the program reads; written first., type: dict}
  save: {description: Write the answer to this file on the controller, too.}
  quiet: {description: Do not return the answer; it is large., type: bool, default: false}
  changes: {description: The program changes something; check mode leaves it out., type: bool, default: false}
  accept: {description: Exit codes that are answers and not failures., type: list, default: [0]}
"""

#: Takes the zipapp's size and arguments, reads it from stdin, and leaves the rest of stdin to it.
_CARRIER = """
import os, subprocess, sys, tempfile
with tempfile.NamedTemporaryFile(suffix=".pyz") as file:
    left = int(sys.argv[1])
    while left:
        piece = os.read(0, min(left, 1 << 20))
        if not piece:
            sys.exit("the program did not arrive whole")
        file.write(piece)
        left -= len(piece)
    file.flush()
    sys.exit(subprocess.run([sys.executable, file.name, *sys.argv[2:]]).returncode)
"""


@dataclass(frozen=True)
class Outcome:
    """What a program left behind: exit code and both outputs as text."""

    rc: int
    stdout: str
    stderr: str


def parse(text: str) -> Any:
    """Return the JSON that `text` is, or None where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def complaint(argv: list[str], outcome: Outcome) -> str:
    """Say in the program's own words why it failed: its error document, else what it wrote last."""
    answer = parse(outcome.stdout)
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, dict) and error.get("message"):
        return ": ".join(str(error[part]).strip() for part in ("message", "remedy") if error.get(part))
    words = outcome.stderr.strip() or outcome.stdout.strip()
    return words[-4000:] or f"`{' '.join(argv)}` ended with exit code {outcome.rc} and said nothing."


def result_of(outcome: Outcome, *, quiet: bool) -> dict[str, Any]:
    """Turn what a program left behind into a task's result."""
    result: dict[str, Any] = {"changed": False, "failed": False, "rc": outcome.rc}
    if quiet:
        return result
    answer = parse(outcome.stdout)
    return result | ({"text": outcome.stdout.strip()} if answer is None else {"answer": answer})


def write(path: Path, text: str) -> None:
    """Write a file of this run, which holds no secret, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def on_target(tool: dict[str, str], argv: list[str], request: bytes) -> tuple[str, bytes]:
    """Give the command line that runs the zipapp, and what it gets on stdin."""
    if not tool.get("carry"):
        return shlex.join([tool["python"], tool["path"], *argv]), request
    carried = Path(tool["carry"]).read_bytes()
    return shlex.join([tool["python"], "-c", _CARRIER, str(len(carried)), *argv]), carried + request


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible-core ships no types
    """The task `program`."""

    _supports_check_mode = True
    _VALID_ARGS = frozenset(("where", "argv", "request", "files", "save", "quiet", "changes", "accept"))

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the program; in check mode only if it changes nothing."""
        super().run(tmp, task_vars)
        given, variables = self._task.args, task_vars or {}
        argv = [str(word) for word in given["argv"]]
        if given.get("changes") and self._task.check_mode:
            return {"skipped": True, "changed": False, "msg": f"check mode: `{' '.join(argv)}` was not run."}
        for path, document in given.get("files", {}).items():
            write(Path(path), json.dumps(document))
        request = json.dumps(given.get("request", {})).encode()
        if given["where"] == "target":
            outcome = self._on_target(*on_target(variables["_tool"], argv, request))
        else:
            outcome = self._on_controller(argv, request, variables["_project"])
        if outcome.rc not in given.get("accept", [0]):
            raise AnsibleActionFail(complaint(argv, outcome))
        if given.get("save"):
            write(Path(given["save"]), outcome.stdout)
        return result_of(outcome, quiet=given.get("quiet", False))

    def _on_target(self, command: str, stdin: bytes) -> Outcome:
        answer = self._low_level_execute_command(command, in_data=stdin)
        return Outcome(answer["rc"], answer["stdout"], answer["stderr"])

    def _on_controller(self, argv: list[str], request: bytes, project: str) -> Outcome:
        done = subprocess.run(
            [sys.executable, *argv],
            input=request,
            capture_output=True,
            check=False,
            cwd=project,
            env={**os.environ, "PYTHONPATH": project},
        )
        return Outcome(
            done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        )
