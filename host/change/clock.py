"""Times as every record carries them: UTC with Z, milliseconds, always of the same width."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone


def utc_now(ahead_s: float = 0) -> str:
    """Return now, or `ahead_s` seconds later, as `2026-11-22T16:00:00.123Z`. Two of these compare as text."""
    moment = datetime.now(tz=timezone.utc) + timedelta(seconds=ahead_s)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
