"""Times and durations of the evidence."""

from __future__ import annotations

from datetime import UTC, datetime

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))


def unix_ms(text: str) -> int:
    """Read an ISO time, nanoseconds too, as ms since 1970; without a zone it is UTC. Raises ValueError."""
    time = datetime.fromisoformat(text)
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time
    return round(time.timestamp() * 1_000)


def duration(ms: float) -> str:
    """Write a duration in the largest unit that fits: `5.2 d`, `12.0 s`, `800 ms`."""
    seconds = ms / 1_000
    for unit, size in _UNITS:
        if abs(seconds) >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s" if abs(seconds) >= 1 else f"{ms:.0f} ms"


def mebibytes(size: float) -> str:
    """Write a size in MiB."""
    return f"{size / 1_048_576:,.0f} MiB"
