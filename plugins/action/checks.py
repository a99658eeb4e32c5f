"""Run a command of `python -m checks` on the controller, with the playbook's own Python, and take its words.

Secrets travel in the request, by stdin: they are in no command line, no environment, no file and no task
result.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail  # type: ignore[import-untyped]  # ansible-core ships no types
from ansible.plugins.action import ActionBase  # type: ignore[import-untyped]  # ansible-core ships no types

DOCUMENTATION = r"""
name: checks
short_description: Run a command of the checks on the controller
description:
  - What it prints is returned as C(text), its exit code as C(rc). It changes nothing on any host, so that
    check mode runs it, too.
options:
  argv: {description: The command and its arguments., type: list, elements: str, required: true}
  request: {description: Given to the command as JSON by stdin., type: dict}
  accept: {description: Exit codes that are answers and not failures., type: list, default: [0]}
"""

#: Where the package `checks` lies, beside the plugins; relative paths of a command count from here.
PROJECT = Path(__file__).resolve().parents[2]


def result_of(argv: list[str], done: subprocess.CompletedProcess[str], accepted: list[int]) -> dict[str, Any]:
    """Turn what a command left behind into a task's result. Raises AnsibleActionFail with its words."""
    if done.returncode not in accepted:
        said = done.stderr.strip() or done.stdout.strip()
        raise AnsibleActionFail(
            said[-4000:] or f"checks {argv[0]} said nothing; its exit code is {done.returncode}."
        )
    # Without "failed", Ansible takes each exit code but 0 for a failure.
    return {"changed": False, "failed": False, "rc": done.returncode, "text": done.stdout.strip()}


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible-core ships no types
    """The task `checks`."""

    _supports_check_mode = True
    _VALID_ARGS = frozenset(("argv", "request", "accept"))

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the command where the project is."""
        super().run(tmp, task_vars)
        given = self._task.args
        argv = [str(word) for word in given["argv"]]
        done = subprocess.run(
            [sys.executable, "-m", "checks", *argv],
            input=json.dumps(given.get("request", {})),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            cwd=PROJECT,
        )
        return result_of(argv, done, given.get("accept", [0]))
