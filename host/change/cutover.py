"""The cutover: the consumer's own group is put at the end of the stream, once, before it first starts.

Where the end is and that the group stands there is one transaction, which fails when an entry comes in
between (WATCH), so that entries-read is exactly the stream's entries-added and lag is a number from the first
moment on: `XGROUP SETID $` alone leaves lag unknown after the next entry. Other groups are read, never
written.

The Redis user needs, on the stream: +watch +unwatch +multi +exec +xinfo|stream +xinfo|groups +xgroup|create
+xgroup|setid +xpending +xrange.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError, WatchError

from host.base.records import read_json
from host.base.times import utc_now
from host.change.errors import CutoverUnprovedError, GroupLostError, StreamBusyError, StreamTypeError
from host.change.records import write_bytes, write_json
from host.change.redis_link import ask, named

if TYPE_CHECKING:
    import redis
    from redis.client import Pipeline

    from host.base.state import StateFolder

#: A stream that gets 5,000 entries a second lets about one attempt in five through.
_ATTEMPTS = 500
_PENDING_LIMIT = 1000
_PAGE = 1000
#: Beyond this many skipped entries the record says that they were not counted.
_COUNT_LIMIT = 200_000
_EMPTY_STREAM: dict[str, Any] = {
    "length": 0, "last-generated-id": "0-0", "entries-added": 0, "first-entry": None, "last-entry": None,
}  # fmt: skip # a table, or a call that is read as one


@dataclass(frozen=True)
class Wanted:
    """Which group goes to the end of which stream, for which run; `force` moves it once more."""

    stream: str
    group: str
    run_id: str
    force: bool = False


@dataclass(frozen=True)
class CutoverOutcome:
    """The cutover that holds, and whether it was made just now."""

    record: dict[str, Any]
    moved: bool


def ensure(client: redis.Redis, state: StateFolder, wanted: Wanted) -> CutoverOutcome:
    """Make the cutover unless it was made; record and id file are durable when this returns.

    Raise GroupLostError when the group was moved once and is gone, StreamTypeError, StreamBusyError or
    CutoverUnprovedError when it cannot be moved.
    """
    recorded = standing(state, wanted)
    if recorded is None:
        recorded = _record(state, wanted, _move(client, wanted))
        moved = True
    else:
        require_group(client, wanted, recorded)
        moved = False
    _publish(state, recorded["cutover_id"])
    return CutoverOutcome(recorded, moved)


def preflight(client: redis.Redis, state: StateFolder, wanted: Wanted) -> None:
    """Raise what `ensure` would raise, as far as that can be seen without changing anything."""
    recorded = standing(state, wanted)
    if recorded:
        require_group(client, wanted, recorded)
    else:
        _look(client, wanted.stream)


def standing(state: StateFolder, wanted: Wanted) -> dict[str, Any] | None:
    """Return the record of the cutover that holds for this group, None when one has to be made."""
    record = read_json(state.cutover_record)
    if record is None or wanted.force:
        return None
    same = (record["stream"], record["group"]) == (wanted.stream, wanted.group)
    return record if same else None


def delivered(client: redis.Redis, wanted: Wanted) -> dict[str, Any]:
    """Return up to where the group has been given entries, and how many that were, None where unknown."""
    look = _look(client, wanted.stream)
    group = _named_group(look.groups, wanted.group) if look else None
    if group is None:
        return {"delivered_id": None, "entries_read": None}
    return {"delivered_id": group["last_delivered_id"], "entries_read": group["entries_read"]}


def require_group(client: redis.Redis, wanted: Wanted, record: dict[str, Any]) -> None:
    """Raise GroupLostError when the group that `record` speaks of is gone."""
    look = _look(client, wanted.stream)
    if look is None or not _named_group(look.groups, wanted.group):
        raise GroupLostError(
            f"the group {wanted.group} on {wanted.stream} was put at {record['cutover_id']} "
            f"at {record['at']} and does not exist any more"
        )


@dataclass(frozen=True)
class _Look:
    """What XINFO says of the stream and of its groups at one moment."""

    stream: dict[str, Any]
    groups: list[dict[str, Any]]


@dataclass(frozen=True)
class _Moved:
    """A transaction that was carried out: both sides of it, what was pending, and what was skipped."""

    before: _Look
    after: _Look
    created: bool
    pending: dict[str, Any]
    skipped: dict[str, Any]


def _look(client: redis.Redis | Pipeline, stream: str) -> _Look | None:
    """Read stream and groups, None when the key does not exist."""
    try:
        info = ask(client, "XINFO", "STREAM", stream)
        groups = ask(client, "XINFO", "GROUPS", stream)
    except ResponseError as problem:
        if "no such key" in str(problem):
            return None
        if "WRONGTYPE" in str(problem):
            raise StreamTypeError(f"the key {stream} is no stream") from problem
        raise
    return _Look(named(info), [_group(named(group)) for group in groups])


def _move(client: redis.Redis, wanted: Wanted) -> _Moved:
    for _ in range(_ATTEMPTS):
        with client.pipeline(transaction=True) as pipe:
            ask(pipe, "WATCH", wanted.stream)
            seen = _look(pipe, wanted.stream)
            try:
                moved = _transact(pipe, wanted, seen)
            except WatchError:
                continue
        _prove(wanted, moved)
        return _with_skipped(client, wanted, moved)
    raise StreamBusyError(
        f"{wanted.stream} got an entry during each of {_ATTEMPTS} attempts to stand at its end"
    )


def _transact(pipe: Pipeline, wanted: Wanted, seen: _Look | None) -> _Moved:
    """Put the group at the end that was seen; raise WatchError when that is not the end any more."""
    before = seen or _Look(_EMPTY_STREAM, [])
    exists = _named_group(before.groups, wanted.group) is not None
    end = (before.stream["last-generated-id"], "ENTRIESREAD", before.stream["entries-added"])
    name = (wanted.stream, wanted.group)
    pipe.multi()
    if exists:
        ask(pipe, "XPENDING", *name)
        ask(pipe, "XPENDING", *name, "-", "+", _PENDING_LIMIT)
        ask(pipe, "XGROUP", "SETID", *name, *end)
    else:
        make_stream = () if seen else ("MKSTREAM",)
        ask(pipe, "XGROUP", "CREATE", *name, end[0], *make_stream, *end[1:])
    ask(pipe, "XINFO", "STREAM", wanted.stream)
    ask(pipe, "XINFO", "GROUPS", wanted.stream)
    replies = pipe.execute()
    after = _Look(named(replies[-2]), [_group(named(group)) for group in replies[-1]])
    pending = _pending(replies[0], replies[1]) if exists else {"count": 0, "entries": []}
    return _Moved(before, after, created=not exists, pending=pending, skipped={})


def _prove(wanted: Wanted, moved: _Moved) -> None:
    """Raise CutoverUnprovedError unless our group stands at the end with lag 0 and no other group changed."""
    ours = _named_group(moved.after.groups, wanted.group)
    end = moved.after.stream["last-generated-id"]
    if ours is None or ours["last_delivered_id"] != end or ours["lag"] != 0:
        raise CutoverUnprovedError(f"the group must stand at {end} with lag 0; Redis says {ours}")
    if _others(moved.before.groups, wanted.group) != _others(moved.after.groups, wanted.group):
        raise CutoverUnprovedError("another group changed during the cutover")


def _with_skipped(client: redis.Redis, wanted: Wanted, moved: _Moved) -> _Moved:
    ours = _named_group(moved.before.groups, wanted.group)
    after_id = ours["last_delivered_id"] if ours else "0-0"
    skipped = _skipped(client, wanted.stream, after_id, moved.before.stream)
    return _Moved(moved.before, moved.after, moved.created, moved.pending, skipped)


def _skipped(client: redis.Redis, stream: str, after_id: str, info: dict[str, Any]) -> dict[str, Any]:
    """Return how many entries the group will never read because of the move, the first and the last."""
    first, last = _entry_id(info["first-entry"]), _entry_id(info["last-entry"])
    if first is None or last is None or _order(last) <= _order(after_id):
        return {"count": 0, "from_id": None, "to_id": None}
    if _order(first) > _order(after_id):
        return {"count": info["length"], "from_id": first, "to_id": last}
    count, first = _count(client, stream, after_id, last)
    return {"count": count, "from_id": first, "to_id": last}


def _count(client: redis.Redis, stream: str, after_id: str, last_id: str) -> tuple[int | None, str | None]:
    """Count the entries after `after_id` up to `last_id`; None when they are too many to count."""
    count, first, position = 0, None, after_id
    while count < _COUNT_LIMIT:
        page = ask(client, "XRANGE", stream, f"({position}", last_id, "COUNT", _PAGE)
        count += len(page)
        first = first or _entry_id(page[0] if page else None)
        if len(page) < _PAGE:
            return count, first
        position = page[-1][0]
    return None, first


def _record(state: StateFolder, wanted: Wanted, moved: _Moved) -> dict[str, Any]:
    """Write down what was done; the record that it replaces is kept under its own time."""
    old = read_json(state.cutover_record)
    if old:
        write_json(state.releases / f"cutover-{old['at']}.json", old)
    record = {
        "group": wanted.group,
        "stream": wanted.stream,
        "created": moved.created,
        "cutover_id": moved.after.stream["last-generated-id"],
        "at": utc_now(),
        "run_id": wanted.run_id,
        "entries_added": moved.after.stream["entries-added"],
        "length": moved.after.stream["length"],
        "before": moved.before.groups,
        "after": moved.after.groups,
        "pending_before": moved.pending,
        "old_position": _position(_named_group(moved.before.groups, wanted.group)),
        "skipped": moved.skipped,
    }
    write_json(state.cutover_record, record)
    return record


def _publish(state: StateFolder, cutover_id: str) -> None:
    """Let the consumer read the id from the folder that is mounted into its container."""
    content = f"{cutover_id}\n".encode()
    if not state.cutover_id.exists() or state.cutover_id.read_bytes() != content:
        write_bytes(state.cutover_id, content, mode=0o444)


def _group(raw: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": raw["name"],
        "consumers": raw["consumers"],
        "pending": raw["pending"],
        "last_delivered_id": raw["last-delivered-id"],
        "entries_read": raw.get("entries-read"),
        "lag": raw.get("lag"),
    }


def _position(group: dict[str, Any] | None) -> dict[str, Any] | None:
    return {name: value for name, value in group.items() if name != "name"} if group else None


def _pending(summary: list[Any], entries: list[list[Any]]) -> dict[str, Any]:
    names = ("id", "consumer", "idle_ms", "deliveries")
    return {"count": summary[0], "entries": [dict(zip(names, entry, strict=True)) for entry in entries]}


def _named_group(groups: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    return next((group for group in groups if group["name"] == name), None)


def _others(groups: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [group for group in groups if group["name"] != name]


def _entry_id(entry: list[Any] | None) -> str | None:
    return str(entry[0]) if entry else None


def _order(entry_id: str) -> tuple[int, int]:
    """Return a stream id as numbers, which order as the stream does."""
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence)
