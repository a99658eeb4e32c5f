"""Nothing from before the cutover gets a plan, so that a group created at 0 cannot replay the stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from consumer.base.stream_id import StreamId

STATUS = "skipped_before_cutover"
REASON = "BEFORE_CUTOVER"


def is_before(entry: StreamId, cutover: StreamId) -> bool:
    """Tell whether an entry stood in the stream when the group was positioned behind it."""
    return entry <= cutover
