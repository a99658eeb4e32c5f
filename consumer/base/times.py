"""The time as lines and documents carry it."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> str:
    """Return the local time in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
