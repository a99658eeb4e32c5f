"""Ids of stream entries, which are times: `<milliseconds>-<sequence>`."""

from __future__ import annotations

import re

#: Milliseconds since 1970 and a sequence number within that millisecond; ordered as Redis orders them.
type StreamId = tuple[int, int]

_ID = re.compile(r"([0-9]{1,19})-([0-9]{1,19})", re.ASCII)


def parse(text: str) -> StreamId:
    """Return the id in `text`. Raises ValueError when it is none."""
    found = _ID.fullmatch(text)
    if not found:
        raise ValueError(f"{text[:60]!r} is not a stream id like 1766602892766-0")
    return int(found[1]), int(found[2])
