"""The secrets that lie on this host, as text: only to find them where they must not stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def contents(folder: Path) -> tuple[str, ...]:
    """Return the content of every file in the secrets' folder, none where there is no folder."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return tuple(file.read_text(errors="replace").strip() for file in files if file.is_file())
