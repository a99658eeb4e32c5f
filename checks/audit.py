"""The host's audit log: one JSON object a line, each carrying the hash of the one before it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

#: What the first line names as the hash of the line before it.
FIRST = "0" * 64


@dataclass(frozen=True, slots=True)
class Trail:
    """What a log amounts to: its whole lines, those that a crash tore, and where its chain breaks."""

    lines: int
    torn: int
    broken: str | None


def follow(text: str) -> Trail:
    """Follow the chain from the first line. An empty log is broken: nothing vouches for it."""
    entries = [_entry(line) for line in text.splitlines()]
    whole = [(number, entry) for number, entry in enumerate(entries, start=1) if entry is not None]
    return Trail(len(whole), len(entries) - len(whole), _first_break(whole))


def line_hash(entry: dict[str, Any]) -> str:
    """Give the hash of an entry: sha256 of its canonical JSON without the field `hash`."""
    content = {name: value for name, value in entry.items() if name != "hash"}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _first_break(whole: list[tuple[int, dict[str, Any]]]) -> str | None:
    previous = FIRST
    for number, entry in whole:
        if entry.get("hash") != line_hash(entry):
            return f"line {number} was changed: its hash is not that of its content"
        if entry.get("prev") != previous:
            return f"line {number} does not follow from the line before it: one was removed, added or moved"
        previous = str(entry["hash"])
    return None if whole else "the log has no line"


def _entry(line: str) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
