"""Numbers as people read them. Whatever was not seen is said to be so, in the same words everywhere."""

from __future__ import annotations

from typing import Any

from checks.judge.times import duration

NOT_SEEN = "not seen"
NONE = "none"
#: A digest longer than this many characters is shown by its first twelve.
_LONG_DIGEST = 16
_BYTES = (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024))


def number(value: Any) -> str:
    """Write a count with thousands separators."""
    return NOT_SEEN if value is None else f"{value:,}"


def milliseconds(value: float | None) -> str:
    """Write a duration given in ms."""
    if value is None:
        return NOT_SEEN
    return duration(value) if value >= 1 or value == 0 else f"{value:.2f} ms"


def seconds(value: float | None) -> str:
    """Write a duration given in seconds: ms below one second, then s, with one decimal."""
    if value is None:
        return NOT_SEEN
    return f"{value * 1_000:.0f} ms" if value < 1 else f"{value:.1f} s"


def size(value: float | None) -> str:
    """Write a number of bytes in the largest binary unit that fits."""
    if value is None:
        return NOT_SEEN
    unit, factor = next(((unit, factor) for unit, factor in _BYTES if value >= factor), ("bytes", 1))
    return f"{value / factor:,.0f} {unit}" if factor == 1 else f"{value / factor:,.1f} {unit}"


def percent(part: float | None, whole: float = 1.0) -> str:
    """Write a part of a whole in percent."""
    return NOT_SEEN if part is None or not whole else f"{100 * part / whole:.1f} %"


def short(digest: str | None) -> str:
    """Shorten a digest so that it can still be told apart; the whole one stands in the evidence."""
    if not digest:
        return NONE
    head, colon, tail = digest.rpartition(":")
    return f"{head}{colon}{tail[:12]}…" if len(tail) > _LONG_DIGEST else digest


def text(value: Any) -> str:
    """Write a value that is short by nature: a name, a mode, a list of names."""
    if value is None:
        return NOT_SEEN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value) or "none"
    return str(value) or "none"
