"""`__main__` of the target's zipapp: unpacks it beside itself, where Python keeps it compiled, and runs it.

From inside the archive every start would compile 300 modules anew (1.2 s); unpacked, a start takes 0.2 s. The
folder is named after the archive's digest and belongs to its user alone; where it cannot be made, the archive
runs as it is.
"""

from __future__ import annotations

import os
import runpy
import shutil
import sys
import tempfile
import time
import zipfile
from pathlib import Path

DIGEST_FILE = "host/tool_digest.txt"
WRITABLE_BY_OTHERS = 0o022
A_DAY_S = 86_400


def unpacked(archive: Path) -> Path | None:
    """Return the folder with the archive's contents, None where there can be none."""
    try:
        with zipfile.ZipFile(archive) as content:
            digest = content.read(DIGEST_FILE).decode().strip()
            folder = archive.with_name(f".{archive.stem}-{digest[:16]}")
            if not folder.exists():
                _unpack(content, folder)
                _clear_away(archive, folder)
        return folder if _is_ours(folder) else None
    except (OSError, zipfile.BadZipFile):
        return None


def _unpack(content: zipfile.ZipFile, folder: Path) -> None:
    """Unpack beside the final place and move it there whole; whoever is first wins."""
    half_done = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    try:
        content.extractall(half_done)
        half_done.rename(folder)
    except OSError:
        shutil.rmtree(half_done, ignore_errors=True)  # what stays is cleared away a day later
        if not folder.exists():
            raise


def _clear_away(archive: Path, folder: Path) -> None:
    """Remove what older archives unpacked; a day is longer than anything that still runs from there."""
    for old in archive.parent.glob(f".{archive.stem}-*"):
        if old != folder and time.time() - old.stat().st_mtime > A_DAY_S:
            shutil.rmtree(old, ignore_errors=True)  # somebody else may clear away the same


def _is_ours(folder: Path) -> bool:
    status = folder.lstat()
    return (
        status.st_uid == os.geteuid() and not status.st_mode & WRITABLE_BY_OTHERS and not folder.is_symlink()
    )


if __name__ == "__main__":
    _archive = Path(sys.path[0]).resolve()
    _folder = unpacked(_archive)
    if _folder:
        sys.path[0] = str(_folder)
        sys.dont_write_bytecode = False
    runpy.run_module("host", run_name="__main__", alter_sys=True)
