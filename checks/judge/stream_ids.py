"""Stream ids, `<milliseconds>-<sequence>`: their order and their time."""

from __future__ import annotations


def position(stream_id: str) -> tuple[int, int]:
    """Return what ids are ordered by. Raises ValueError for a text that is no stream id."""
    milliseconds, dash, sequence = stream_id.partition("-")
    if not dash:
        raise ValueError(f"{stream_id!r} is not a stream id.")
    return int(milliseconds), int(sequence)


def milliseconds(stream_id: str) -> int:
    """Return the time of an id on Redis's clock, in ms since 1970."""
    return position(stream_id)[0]
