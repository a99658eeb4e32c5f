"""Gather one phase by hand: run the target's zipapp here, or on a host over ssh, and take what it prints."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

from checks.errors import ChecksError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Python cannot run a zipapp from standard input, and the request needs standard input too. So both travel on
# it, the zipapp first and preceded by its length, and nothing stays behind on the host.
_BOOTSTRAP = """\
import os, subprocess, sys, tempfile
length = int(sys.stdin.buffer.readline())
with tempfile.TemporaryDirectory() as folder:
    program = os.path.join(folder, "host.pyz")
    with open(program, "wb") as file:
        file.write(sys.stdin.buffer.read(length))
    command = [sys.executable, program, "observe", sys.argv[1]]
    sys.exit(subprocess.run(command, input=sys.stdin.buffer.read()).returncode)
"""


def collect_here(zipapp: Path, phase: str, request: bytes) -> bytes:
    """Observe a phase on this machine; the observations as JSON. Raises ChecksError."""
    return _run([sys.executable, str(zipapp), "observe", phase], request)


def collect_over_ssh(zipapp: Path, phase: str, request: bytes, host: str, *, become: bool) -> bytes:
    """Observe a phase on a host, as root with `become`; the observations as JSON. Raises ChecksError."""
    program = zipapp.read_bytes()
    remote = [*(["sudo", "-n"] if become else []), "python3", "-c", _BOOTSTRAP, phase]
    return _run(["ssh", "--", host, shlex.join(remote)], b"%d\n" % len(program) + program + request)


def _run(command: Sequence[str], text: bytes) -> bytes:
    result = subprocess.run(command, input=text, capture_output=True, check=False)
    if result.returncode != 0 or not result.stdout.strip():
        raise ChecksError(
            f"Observing ended with exit code {result.returncode}: {_said(result)}.",
            "It needs root, Docker's socket, a request and a zipapp that `python -m checks pack` made.",
        )
    return result.stdout


def _said(result: subprocess.CompletedProcess[bytes]) -> str:
    try:
        return str(json.loads(result.stdout)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        lines = result.stderr.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"
