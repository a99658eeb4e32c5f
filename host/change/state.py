"""Where the host keeps what must outlive a run, and with which rights."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

DEFAULT_ROOT = Path("/var/lib/trade_intent")

#: The folders below the root. `cutover` is mounted into the container, whose user must read it;
#: `lock` is not among them: it exists exactly while somebody holds it.
_FOLDERS = {"": 0o700, "releases": 0o700, "audit": 0o700, "secrets": 0o700, "bin": 0o700, "cutover": 0o755}


@dataclass(frozen=True)
class State:
    """The paths of one state folder."""

    root: Path = DEFAULT_ROOT

    @property
    def lock(self) -> Path:
        """The folder that exists while the host is locked."""
        return self.root / "lock"

    @property
    def releases(self) -> Path:
        """The folder of release documents, of the cutover's and of the switch's record."""
        return self.root / "releases"

    @property
    def secrets(self) -> Path:
        """The folder of secret files."""
        return self.root / "secrets"

    @property
    def audit_log(self) -> Path:
        """The append-only trail of who changed what."""
        return self.root / "audit" / "audit.log"

    @property
    def cutover_record(self) -> Path:
        """The record of where the group was put."""
        return self.releases / "cutover.json"

    @property
    def cutover_id(self) -> Path:
        """The cutover's stream id as text, which the consumer reads."""
        return self.root / "cutover" / "cutover_id"

    @property
    def switch_record(self) -> Path:
        """The record of the last switch."""
        return self.releases / "switch.json"

    @property
    def switch_guard(self) -> Path:
        """The file whose lock the running switch holds."""
        return self.releases / "switch.lock"


def prepare(state: State, *, check: bool = False) -> bool:
    """Create what is missing and mend rights; return whether anything had to change. `check` only looks."""
    changed = False
    for name, mode in _FOLDERS.items():
        folder = state.root / name
        if _fits(folder, mode):
            continue
        changed = True
        if not check:
            folder.mkdir(parents=True, exist_ok=True)
            os.chown(folder, os.geteuid(), os.getegid())
            folder.chmod(mode)
    return changed


def _fits(folder: Path, mode: int) -> bool:
    if not folder.is_dir():
        return False
    status = folder.stat()
    return stat.S_IMODE(status.st_mode) == mode and status.st_uid == os.geteuid()
