"""The records of the state folder: files that hold one JSON object each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from host.base.errors import BrokenRecordError

if TYPE_CHECKING:
    from pathlib import Path


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the JSON object in `path`, None without a file; raise BrokenRecordError on anything else."""
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as problem:
        raise BrokenRecordError(f"{path} is not JSON: {problem}") from problem
    if not isinstance(document, dict):
        raise BrokenRecordError(f"{path} holds no JSON object")
    return document
