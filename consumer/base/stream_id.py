"""Ids of stream entries, which are times: `<milliseconds>-<sequence>`."""

from __future__ import annotations

#: Milliseconds since 1970 and a sequence number within that millisecond; ordered as Redis orders them.
type StreamId = tuple[int, int]

#: Of 2**64 - 1, the highest that Redis takes.
_MOST_DIGITS = 20


def parse(text: str) -> StreamId:
    """Return the id in `text`. Raises ValueError when it is none."""
    ms, _, sequence = text.partition("-")
    fits = len(ms) <= _MOST_DIGITS and len(sequence) <= _MOST_DIGITS
    if fits and text.isascii() and ms.isdigit() and sequence.isdigit():
        return int(ms), int(sequence)
    raise ValueError(f"{text[:60]!r} is not a stream id like 1766602892766-0")
