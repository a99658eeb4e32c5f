"""The ways in which producers write one moment (Unix milliseconds)."""

from __future__ import annotations

from datetime import UTC, datetime


def iso_naive(ms: int) -> str:
    """ISO 8601 in UTC that does not say so: `2025-12-24T04:20:28.095000`."""
    return _utc(ms).replace(tzinfo=None).isoformat()


def iso_offset(ms: int) -> str:
    """ISO 8601 with `+00:00`."""
    return _utc(ms).isoformat()


def iso_z(ms: int) -> str:
    """ISO 8601 with `Z`."""
    return iso_naive(ms) + "Z"


def epoch_ms(ms: int) -> int:
    """Milliseconds since 1970, as an integer."""
    return ms


def epoch_s(ms: int) -> float:
    """Seconds since 1970, with three decimals."""
    return ms / 1000


def _utc(ms: int) -> datetime:
    return datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)
