"""The ledger's file: a line of JSON for each write, on disk before the request is answered."""

from __future__ import annotations

import json
import os
from typing import IO, TYPE_CHECKING

from sandbox.exchange.core.records import Record, from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


class FileStore:
    """Records in a file; what is written together is one line, so that a crash keeps all of it or none."""

    def __init__(self, path: Path) -> None:
        self._file = _open_whole_lines(path)

    def load(self) -> Iterator[Record]:
        """Return all records, oldest first."""
        self._file.seek(0)
        for line in self._file:
            content = json.loads(line)
            yield from map(from_json, content if isinstance(content, list) else [content])

    def append(self, records: Sequence[Record]) -> None:
        """Write the records and wait for the disk."""
        self._file.write(json.dumps([to_json(record) for record in records]).encode() + b"\n")
        self._sync()

    def clear(self) -> None:
        """Empty the file."""
        self._file.seek(0)
        self._file.truncate()
        self._sync()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())


def _open_whole_lines(path: Path) -> IO[bytes]:
    """Open for reading and appending; a last line that a crash cut off was never answered, and goes."""
    content = path.read_bytes() if path.exists() else b""
    file = path.open("a+b")
    file.truncate(content.rfind(b"\n") + 1)
    return file
