"""The trail of who changed what on this host: one JSON line each, chained by hashes, never rewritten."""

from __future__ import annotations

import errno
import json
import os
from typing import TYPE_CHECKING, Any

from host.base.audit_trail import GENESIS, AuditTrail, line_hash, parse, read_trail
from host.base.times import utc_now
from host.change.exclusive import exclusive

if TYPE_CHECKING:
    from pathlib import Path

_TAIL_BYTES = 65_536


class Audit:
    """Appends to the audit log; each line is on the disk before the call returns."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, who: str, run_id: str, action: str, result: str, **detail: Any) -> None:
        """Append one line. `detail` must hold no secret."""
        with exclusive(self._path) as descriptor:
            tail = _tail(descriptor)
            line: dict[str, Any] = {
                "at": utc_now(),
                "who": who,
                "run_id": run_id,
                "action": action,
                "result": result,
            }
            line |= {"detail": detail, "prev": _last_hash(tail)}
            _append(descriptor, json.dumps(line | {"hash": line_hash(line)}), after_tear=not _whole(tail))

    def read(self) -> AuditTrail:
        """Read the whole log and follow its chain; a log that does not exist is empty and intact."""
        return read_trail(self._path)


def _tail(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, _TAIL_BYTES, max(0, size - _TAIL_BYTES))


def _whole(tail: bytes) -> bool:
    return not tail or tail.endswith(b"\n")


def _last_hash(tail: bytes) -> str:
    for line in reversed(tail.splitlines()):
        entry = parse(line)
        if entry is not None:
            return str(entry.get("hash"))
    return GENESIS


def _append(descriptor: int, line: str, *, after_tear: bool) -> None:
    """Write one line whole or not at all; a torn one before it is closed, not repaired."""
    size = os.fstat(descriptor).st_size
    content = (b"\n" if after_tear else b"") + line.encode() + b"\n"
    try:
        _write_whole(descriptor, content)
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def _write_whole(descriptor: int, content: bytes) -> None:
    if os.write(descriptor, content) != len(content):
        raise OSError(errno.ENOSPC, "no room for a whole line of the audit log")
    os.fsync(descriptor)
