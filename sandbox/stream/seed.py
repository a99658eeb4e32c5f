"""Build the incident's stream state on an empty Redis, in about a second.

The group and its dead consumers are made on a stream of one entry, so that the dump whose times are
rewritten is small; then come the entries, and the counters of the two hundred thousand that were trimmed.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from itertools import batched
from typing import TYPE_CHECKING, cast

from sandbox.names import EXECUTION_GROUP, SEEDED_MARKER, STREAM
from sandbox.producers.publish import for_xadd
from sandbox.stream import ghosts
from sandbox.stream.dump import with_idle_consumers
from sandbox.stream.history import CURSOR_ID, ENTRIES_ADDED, LAST_ID, backlog

if TYPE_CHECKING:
    import redis

_BATCH = 1_000


class StreamInTheWayError(RuntimeError):
    """Raised when the stream exists but was not made by this program."""


@dataclass(frozen=True)
class Seeded:
    """What was found or made: `changed` is False when the stream was already there."""

    changed: bool
    length: int
    entries_added: int
    consumers: int
    pending: int


def seed(client: redis.Redis) -> Seeded:
    """Put the stream into the incident's state, once; later calls only look.

    Raises StreamInTheWayError rather than touch a stream that something else has written.
    """
    if client.exists(SEEDED_MARKER):
        return _found(client, changed=False)
    if client.exists(STREAM):
        raise StreamInTheWayError(f"{STREAM} exists but was not seeded here: delete it first if it is yours")
    _make_group_with_ghosts(client)
    _add_backlog(client)
    client.set(SEEDED_MARKER, json.dumps({"last_id": LAST_ID, "entries_added": ENTRIES_ADDED}))
    return _found(client, changed=True)


def as_json(seeded: Seeded) -> str:
    """Return the result as one JSON line."""
    return json.dumps(asdict(seeded))


def _make_group_with_ghosts(client: redis.Redis) -> None:
    """Make one delivered entry, owned by a dead consumer, and every consumer last seen days ago."""
    client.xadd(STREAM, {"payload": "{}"}, id=ghosts.PENDING_ID)
    client.xgroup_create(STREAM, EXECUTION_GROUP, id="0")
    for name in ghosts.names():
        client.xgroup_createconsumer(STREAM, EXECUTION_GROUP, name)
    client.xreadgroup(EXECUTION_GROUP, ghosts.PENDING_OWNER, {STREAM: ">"}, count=1)
    # With JUSTID the delivery counter stays at one.
    client.xclaim(
        STREAM,
        EXECUTION_GROUP,
        ghosts.PENDING_OWNER,
        0,
        [ghosts.PENDING_ID],
        idle=ghosts.PENDING_IDLE_MS,
        justid=True,
    )
    dump = cast("bytes", client.dump(STREAM))
    idle = with_idle_consumers(dump, ghosts.seen_ms(time.time_ns() // 1_000_000))
    client.restore(STREAM, 0, idle, replace=True)


def _add_backlog(client: redis.Redis) -> None:
    """Add the entries left, the counters of all that were ever added, and the cursor among them."""
    for batch in batched(backlog(), _BATCH):
        pipeline = client.pipeline(transaction=False)
        for stream_id, fields in batch:
            pipeline.xadd(STREAM, for_xadd(fields), id=stream_id)
        pipeline.execute()
    # The pending entry's body goes, as the trimming took it; the group still owes it.
    client.xtrim(STREAM, minid=f"{int(ghosts.PENDING_ID.split('-')[0]) + 1}", approximate=False)
    client.execute_command(  # type: ignore[no-untyped-call]  # redis-py has no typed method for XSETID
        "XSETID", STREAM, LAST_ID, "ENTRIESADDED", ENTRIES_ADDED, "MAXDELETEDID", "0-0"
    )
    client.xgroup_setid(STREAM, EXECUTION_GROUP, CURSOR_ID)


def _found(client: redis.Redis, *, changed: bool) -> Seeded:
    stream = client.xinfo_stream(STREAM)
    groups = client.xinfo_groups(STREAM)
    group = next((group for group in groups if group["name"] == EXECUTION_GROUP.encode()), {})
    return Seeded(
        changed=changed,
        length=stream["length"],
        entries_added=stream["entries-added"],
        consumers=group.get("consumers", 0),
        pending=group.get("pending", 0),
    )
