"""The state folder as it must be: which folders, with which rights."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from host.base.state import StateFolder

#: The folders below the root. `cutover` is mounted into the container, whose user must read it;
#: `lock` is not among them: it exists exactly while somebody holds it.
_FOLDERS = {"": 0o700, "releases": 0o700, "audit": 0o700, "secrets": 0o700, "bin": 0o700, "cutover": 0o755}


def prepare(state: StateFolder, *, check: bool = False) -> bool:
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
