"""Run the project's playbooks as a person does, and read what they leave behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.turns import turn

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
SITES = sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("build/host/site-*"))
#: What a set-up makes and a copy of the project may share. What is packed from its own code it packs itself.
SHARED = (".venv", ".local", "build/image", *SITES)
#: Shorter looks at what runs, for runs whose point is another one.
QUICK = ("-e", "evidence_window_s=1", "-e", "switch_steady_s=2")


@dataclass(frozen=True)
class PlaybookRun:
    """What one ansible-playbook run said."""

    exit_code: int
    output: str

    @property
    def changed(self) -> int:
        """Changed tasks of all hosts in the recap."""
        counts = re.findall(r"changed=(\d+)", self.output.rpartition("PLAY RECAP")[2])
        assert counts, f"no recap in:\n{self.output[-3000:]}"
        return sum(map(int, counts))


@dataclass(frozen=True)
class Project:
    """A checkout to run playbooks from."""

    root: Path = ROOT
    inventory: Path | None = None

    def command(self, playbook: str, *arguments: str) -> list[str]:
        inventory = ["-i", str(self.inventory)] if self.inventory else []
        return [str(BIN / "ansible-playbook"), *inventory, playbook, *arguments]

    def environment(self) -> dict[str, str]:
        colourless = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0"}
        return {**os.environ, **colourless, "PATH": f"{BIN}:{os.environ['PATH']}"}

    def run(self, playbook: str, *arguments: str, timeout: int = 300) -> PlaybookRun:
        """Run a playbook to its end. The sandbox's image is built here, by one process at a time."""
        if playbook == "playbooks/sandbox.yml":
            with turn("sandbox_image"):
                return self._run(playbook, *arguments, timeout=timeout)
        return self._run(playbook, *arguments, timeout=timeout)

    def _run(self, playbook: str, *arguments: str, timeout: int) -> PlaybookRun:
        done = subprocess.run(
            self.command(playbook, *arguments),
            cwd=self.root,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return PlaybookRun(done.returncode, done.stdout + done.stderr)

    def evidence(self, host: str = "sandbox") -> dict[str, Any]:
        """The newest evidence of a host."""
        path = self.root / "reports" / host / "latest" / "evidence.json"
        return dict(json.loads(path.read_text()))

    def cutover_id(self, host: str = "sandbox") -> str:
        """Where the consumer's group was put, as the evidence has it recorded."""
        records = (o["value"] for o in self.evidence(host)["observations"] if o["id"] == "cutover.record")
        return str(next(record["cutover_id"] for record in records if record))

    def copy(self, destination: Path) -> Project:
        """Copy the tracked files, so that a test may plant a fault in the code itself."""
        names = subprocess.run(
            ["git", "ls-files"], cwd=self.root, capture_output=True, text=True, check=True
        ).stdout.splitlines()
        for name in names:
            if (source := self.root / name).is_file():
                (destination / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, destination / name)
        for name in SHARED:
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            (destination / name).symlink_to(self.root / name)
        return Project(destination, self.inventory)


def verdicts(evidence: dict[str, Any]) -> dict[str, str]:
    """Map check id to verdict."""
    return {finding["check"]: finding["verdict"] for finding in evidence["findings"]}


def red(evidence: dict[str, Any]) -> set[str]:
    """Return the gating checks that did not pass."""
    return {f["check"] for f in evidence["findings"] if f["gates"] and f["verdict"] != "pass"}
