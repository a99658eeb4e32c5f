"""Run the project's program on the target, with the task's privileges, and hear its answer.

Secrets travel in the request, by stdin: they are in no command line, no environment, no file and no task
result. The program's own words are the failure's message.
"""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail  # type: ignore[import-untyped]  # ansible-core ships no types
from ansible.plugins.action import ActionBase  # type: ignore[import-untyped]  # ansible-core ships no types

DOCUMENTATION = r"""
name: host
short_description: Run the host program on the target
description:
  - The zipapp that C(tool.path) names is run by C(tool.python). Where C(tool.carry) names the zipapp on the
    controller, it travels with the call instead and leaves nothing behind.
  - Its answer, one JSON document, is returned as C(answer).
options:
  tool: {description: "Path, python and carry, as prechecks hands them on.", type: dict, required: true}
  argv: {description: What the program is asked to do., type: list, elements: str, required: true}
  request: {description: Given to the program as JSON by stdin., type: dict}
  save: {description: Keep the answer in this file on the controller instead of returning it., type: path}
  changes: {description: The program changes something; check mode leaves it out., type: bool, default: false}
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


def command(tool: dict[str, str], argv: list[str], request: bytes) -> tuple[str, bytes]:
    """Give the command line that runs the program, and what it gets on stdin."""
    if not tool.get("carry"):
        return shlex.join([tool["python"], tool["path"], *argv]), request
    carried = Path(tool["carry"]).read_bytes()
    return shlex.join([tool["python"], "-c", _CARRIER, str(len(carried)), *argv]), carried + request


def parse(text: str) -> Any:
    """Return the JSON that `text` is, or None where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def complaint(argv: list[str], outcome: dict[str, Any]) -> str:
    """Say in the program's own words why it failed: its error document, else what it wrote last."""
    answer = parse(outcome["stdout"])
    error = answer.get("error") if isinstance(answer, dict) else None
    if isinstance(error, dict) and error.get("message"):
        return ": ".join(str(error[part]).strip() for part in ("message", "remedy") if error.get(part))
    words = str(outcome["stderr"]).strip() or str(outcome["stdout"]).strip()
    return words[-4000:] or f"`{' '.join(argv)}` ended with exit code {outcome['rc']} and said nothing."


def keep(path: Path, answer: str) -> None:
    """Write an answer, which holds no secret, to a file of this run; make the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(answer, encoding="utf-8")


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible-core ships no types
    """The task `host`."""

    _supports_check_mode = True
    _VALID_ARGS = frozenset(("tool", "argv", "request", "save", "changes"))

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the program; in check mode only if it changes nothing."""
        super().run(tmp, task_vars)
        given = self._task.args
        argv = [str(word) for word in given["argv"]]
        if given.get("changes") and self._task.check_mode:
            return {"skipped": True, "changed": False, "msg": f"check mode: `{' '.join(argv)}` was not run."}
        line, stdin = command(given["tool"], argv, json.dumps(given.get("request", {})).encode())
        outcome = self._low_level_execute_command(line, in_data=stdin)
        if outcome["rc"]:
            raise AnsibleActionFail(complaint(argv, outcome))
        if given.get("save"):
            keep(Path(given["save"]), outcome["stdout"])
            return {"changed": False}
        return {"changed": False, "answer": parse(outcome["stdout"])}
