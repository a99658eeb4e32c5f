"""The digests that bind evidence to what it is about: code, configuration, release.

The consumer makes the first two by itself, from its own files and settings. These are written apart from
them, so that agreement says something.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

CODE_SUFFIXES = (".py", ".lua", ".json")
#: Given by the deploy, different on each host or replica, or a secret: no part of what the settings mean.
UNCOUNTED_SETTINGS = ("TRADE_INTENT_CUTOVER_ID", "TRADE_INTENT_CUTOVER_FILE", "TRADE_INTENT_REPLICA")
RELEASE_LENGTH = 16


def sha256_file(path: Path) -> str:
    """Return the sha256 of a file's bytes in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def canonical_json(document: Any) -> str:
    """Return JSON in the one form that is digested: sorted keys, no spaces, ASCII."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def code_digest(folder: Path) -> str:
    r"""Return sha256 over the line `folder/path\0sha256\n` of every code file in `folder`, sorted by path.

    Code is what ends in .py, .lua or .json; compiled files do not count.
    """
    files = sorted((path.relative_to(folder.parent).as_posix(), path) for path in _code_files(folder))
    lines = (f"{name}\0{sha256_file(path)}\n" for name, path in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def config_digest(settings: Mapping[str, str]) -> str:
    """Return sha256 over the effective settings {name with prefix: text} as canonical JSON."""
    counted = {name: value for name, value in settings.items() if name not in UNCOUNTED_SETTINGS}
    return hashlib.sha256(canonical_json(counted).encode()).hexdigest()


def release_id(desired: Mapping[str, Any]) -> str:
    """Return the release's name: 16 hexadecimal digits over all that is desired but its name and time."""
    counted = {name: value for name, value in desired.items() if name not in ("release", "created")}
    return hashlib.sha256(canonical_json(counted).encode()).hexdigest()[:RELEASE_LENGTH]


def _code_files(folder: Path) -> Iterator[Path]:
    files = (path for path in folder.rglob("*") if path.suffix in CODE_SUFFIXES and path.is_file())
    return (path for path in files if "__pycache__" not in path.parts)
