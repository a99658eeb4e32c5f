"""The name of one run: sortable by time, and never the same twice."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

_SHAPE = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}")


def new_run_id(now: datetime | None = None) -> str:
    """Make a run id, YYYYMMDDTHHMMSSZ-xxxx, of a UTC time (default: now) and four random hex digits."""
    return f"{now or datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def is_run_id(text: str) -> bool:
    """Tell whether a text has the shape of a run id, and is therefore safe as the name of a folder."""
    return _SHAPE.fullmatch(text) is not None
