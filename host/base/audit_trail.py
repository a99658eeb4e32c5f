"""The host's audit log as it is read: one JSON line for each deed, chained by hashes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

#: What the first line names as its predecessor.
GENESIS = "0" * 64


@dataclass(frozen=True)
class AuditTrail:
    """What the audit log says: its entries, whether their chain is whole, and how many lines a crash tore."""

    entries: list[dict[str, Any]]
    intact: bool
    torn: int

    def to_json(self) -> dict[str, Any]:
        """Return the trail as the command line prints it."""
        return {"entries": self.entries, "intact": self.intact, "torn": self.torn}


def read_trail(path: Path) -> AuditTrail:
    """Read a whole log and follow its chain; one that does not exist is empty and intact."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    parsed = [parse(line) for line in lines]
    entries = [entry for entry in parsed if entry is not None]
    return AuditTrail(entries, _chained(entries), parsed.count(None))


def line_hash(line: dict[str, Any]) -> str:
    """Return the SHA-256 of a line without its own hash, as canonical JSON."""
    bare = {name: value for name, value in line.items() if name != "hash"}
    return hashlib.sha256(json.dumps(bare, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _chained(entries: list[dict[str, Any]]) -> bool:
    previous = GENESIS
    for entry in entries:
        if entry.get("prev") != previous or entry.get("hash") != line_hash(entry):
            return False
        previous = entry["hash"]
    return True


def parse(line: bytes) -> dict[str, Any] | None:
    """Return a line's object, None for one that a crash tore."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
