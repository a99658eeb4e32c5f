"""Digests of the code that runs and of its settings, for a check to compare with what was desired."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGE = Path(__file__).parents[1]
_CODE = {".py", ".lua", ".json"}


def code_digest(folder: Path = PACKAGE) -> str:
    """Return the sha256 over every code file of the package at `folder`: path, and sha256 of its bytes."""
    files = {
        path.relative_to(folder.parent).as_posix(): path
        for path in folder.rglob("*")
        if path.suffix in _CODE and "__pycache__" not in path.parts
    }
    lines = (f"{name}\0{hashlib.sha256(files[name].read_bytes()).hexdigest()}\n" for name in sorted(files))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def config_digest(settings: Mapping[str, str]) -> str:
    """Return the sha256 of the effective settings as canonical JSON."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
