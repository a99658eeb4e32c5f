"""Times as evidence and records carry them: UTC with Z, milliseconds, always of the same width."""

from __future__ import annotations

import re
import time
from datetime import datetime, timezone

_FRACTION = re.compile(r"\.(\d+)")


def now_ms() -> int:
    """Return the host's clock in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def utc_text(moment_ms: int) -> str:
    """Write milliseconds since the epoch as `2026-11-22T16:00:00.123Z`."""
    moment = datetime.fromtimestamp(moment_ms / 1000, tz=timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def utc_now(ahead_s: float = 0) -> str:
    """Return now, or `ahead_s` seconds later, as `utc_text` writes it. Two of these compare as text."""
    return utc_text(now_ms() + round(ahead_s * 1000))


def seconds_of(engine_time: str) -> float:
    """Read the engine's RFC 3339 time, nanoseconds and Z included, as seconds since the epoch.

    Python before 3.11 reads neither nine digits of a second nor Z.
    """
    six_digits = _FRACTION.sub(lambda match: "." + match[1][:6].ljust(6, "0"), engine_time)
    return datetime.fromisoformat(six_digits.replace("Z", "+00:00")).timestamp()  # noqa: FURB162 - 3.10 needs it
