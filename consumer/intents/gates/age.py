"""An opinion about the market keeps for minutes. Age counts from the earliest time that an intent shows."""

from __future__ import annotations

from consumer.base.errors import InvalidEntryError

STATUS = "skipped_stale"
#: How far ahead of Redis's clock a time may be, in milliseconds, before it counts as nonsense.
AHEAD_MS = 5000


def age_ms(now_ms: int, origin_ms: int, own_ms: int | None) -> int:
    """Return the age of the earliest time present. Raises InvalidEntryError for a time still to come."""
    if origin_ms > now_ms + AHEAD_MS:
        raise InvalidEntryError("TIME", f"its id is {origin_ms - now_ms} ms ahead")
    if own_ms is None:
        return now_ms - origin_ms
    if own_ms > now_ms + AHEAD_MS:
        raise InvalidEntryError("TIME", f"its own time is {own_ms - now_ms} ms ahead")
    return now_ms - min(origin_ms, own_ms)


def reason(age: int) -> str:
    """Say how old a stale intent is."""
    return f"STALE:age_ms={age}"
