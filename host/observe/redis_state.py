"""Redis as it is: the server, the stream, its groups, their consumers and what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.exceptions import ResponseError

from host.base.times import now_ms
from host.observe.observation import collector
from host.observe.redis_link import named, plain

if TYPE_CHECKING:
    from host.observe.subject import Subject

PENDING_SHOWN = 100
HALT_KEY = "quantum:trade_intent:halt"


@collector("redis.server", "TIME; INFO server, replication, memory, persistence")
def server(subject: Subject) -> dict[str, Any]:
    """Describe the server; its clock is read between two looks at the host's."""
    link = subject.redis
    before = now_ms()
    seconds, microseconds = link.ask("TIME")
    after = now_ms()
    replication, memory, persistence = (link.info(part) for part in ("replication", "memory", "persistence"))
    return {
        "version": link.info("server")["redis_version"],
        "run_id": link.info("server")["run_id"],
        "replication_role": replication["role"],
        "master_replid": replication.get("master_replid", ""),
        "maxmemory_policy": memory.get("maxmemory_policy"),
        "maxmemory": memory.get("maxmemory"),
        "used_memory": memory.get("used_memory"),
        "aof_enabled": persistence.get("aof_enabled") == "1",
        "aof_last_write": persistence.get("aof_last_write_status"),
        "snapshot_last_save": persistence.get("rdb_last_bgsave_status"),
        "changes_since_snapshot": persistence.get("rdb_changes_since_last_save"),
        "now_ms": int(seconds) * 1000 + int(microseconds) // 1000,
        "host_ms_before": before,
        "host_ms_after": after,
        "address": link.address,
    }


@collector("redis.stream", "XINFO STREAM {stream}")
def stream(subject: Subject) -> dict[str, Any]:
    """Describe the intents' stream; `entries_added` counts what trimming has since removed, too."""
    about = subject.redis.table("XINFO", "STREAM", subject.request.wanted("stream"))
    return {
        "length": about["length"],
        "first_id": _id_of(about["first-entry"]),
        "last_id": _id_of(about["last-entry"]),
        "last_generated_id": about["last-generated-id"],
        "entries_added": about.get("entries-added"),
        "max_deleted_id": about.get("max-deleted-entry-id"),
        "groups": about["groups"],
    }


@collector("redis.groups", "XINFO GROUPS {stream}")
def groups(subject: Subject) -> list[dict[str, Any]]:
    """List every group of the stream. `lag` None means that the server does not know."""
    rows = subject.redis.ask("XINFO", "GROUPS", subject.request.wanted("stream"))
    return [
        {
            "name": group["name"],
            "consumers": group["consumers"],
            "pending": group["pending"],
            "last_delivered_id": group["last-delivered-id"],
            "entries_read": group.get("entries-read"),
            "lag": group.get("lag"),
        }
        for group in map(named, rows)
    ]


@collector("redis.consumers", "XINFO CONSUMERS {stream} GROUP, of every group")
def consumers(subject: Subject) -> dict[str, list[dict[str, Any]]]:
    """List every consumer of every group; `inactive_ms` is None where the server is older than 7.2."""
    return {name: _consumers(subject, name) for name in _group_names(subject)}


@collector("redis.pending", "XPENDING {stream} GROUP, then its first 100 entries and their bodies")
def pending(subject: Subject) -> dict[str, dict[str, Any]]:
    """Say of every group what it was given and has not acknowledged."""
    return {name: _pending(subject, name) for name in _group_names(subject)}


@collector("redis.results", "XREVRANGE {result_stream} + - COUNT 1, XLEN")
def results(subject: Subject) -> dict[str, Any]:
    """Say how many results there are; a stream that nobody has written is empty."""
    return _size(subject, "result_stream")


@collector("results.stream", "XINFO STREAM {result_stream}")
def result_stream(subject: Subject) -> dict[str, Any]:
    """Return how many results there are and were, and the highest id that somebody deleted."""
    if not subject.redis.ask("EXISTS", subject.request.wanted("result_stream")):
        return {"length": 0, "entries_added": 0, "max_deleted_id": None}
    about = subject.redis.table("XINFO", "STREAM", subject.request.wanted("result_stream"))
    return {
        "length": about["length"],
        "entries_added": about["entries-added"],
        "max_deleted_id": about.get("max-deleted-entry-id"),
    }


@collector("redis.dead_letters", "XREVRANGE {dead_letter_stream} + - COUNT 1, XLEN")
def dead_letters(subject: Subject) -> dict[str, Any]:
    """Say how many dead letters there are; a stream that nobody has written is empty."""
    return _size(subject, "dead_letter_stream")


@collector("redis.halt", "GET " + HALT_KEY)
def halt(subject: Subject) -> dict[str, Any]:
    """Say whether trading is halted, and why."""
    value = subject.redis.ask("GET", HALT_KEY)
    return {"set": value is not None, "value": plain(value)}


@collector("redis.whoami", "ACL WHOAMI, ACL GETUSER where that is allowed")
def whoami(subject: Subject) -> dict[str, Any]:
    """Say as whom the checks read, and with which rights if the server tells."""
    user = plain(subject.redis.ask("ACL", "WHOAMI"))
    return {"user": user, "acl": _rights(subject, user)}


@collector("redis.rights", "ACL GETUSER of each of our users")
def rights(subject: Subject) -> dict[str, Any]:
    """Return of each user whose rules are desired what the server says that it may do; no password."""
    users = subject.request.desired.get("redis_rules") or {}
    return {user: _told_rights(subject, user) for user in users}


@collector("redis.clients", "CLIENT LIST")
def clients(subject: Subject) -> dict[str, Any]:
    """Return who is connected: how many in all, and of our users each connection's address and name."""
    users = subject.request.desired.get("redis_rules") or {}
    rows = [_client(line) for line in plain(subject.redis.ask("CLIENT", "LIST")).splitlines()]
    told = ("addr", "name", "user", "cmd")
    return {
        "count": len(rows),
        "ours": [{name: row.get(name, "") for name in told} for row in rows if row.get("user") in users],
    }


@collector("redis.errorstats", "INFO errorstats")
def errorstats(subject: Subject) -> dict[str, int]:
    """Count the errors that the server has given, by kind, since it started."""
    statistics = subject.redis.info("errorstats")
    return {name.removeprefix("errorstat_"): int(text.partition("=")[2]) for name, text in statistics.items()}


def _client(line: str) -> dict[str, str]:
    """Read one line of CLIENT LIST, whose values hold no blank."""
    parts = (part.partition("=") for part in line.split(" "))
    return {name: value for name, _, value in parts}


def _id_of(entry: Any) -> str | None:
    return entry[0] if entry else None


def _group_names(subject: Subject) -> list[str]:
    rows = subject.redis.ask("XINFO", "GROUPS", subject.request.wanted("stream"))
    return [named(group)["name"] for group in rows]


def _consumers(subject: Subject, group: str) -> list[dict[str, Any]]:
    rows = subject.redis.ask("XINFO", "CONSUMERS", subject.request.wanted("stream"), group)
    return [
        {
            "name": consumer["name"],
            "pending": consumer["pending"],
            "idle_ms": consumer["idle"],
            "inactive_ms": consumer.get("inactive"),
        }
        for consumer in map(named, rows)
    ]


def _pending(subject: Subject, group: str) -> dict[str, Any]:
    key, link = subject.request.wanted("stream"), subject.redis
    count = link.ask("XPENDING", key, group)[0]
    rows = link.ask("XPENDING", key, group, "-", "+", PENDING_SHOWN) if count else []
    return {"count": count, "entries": [_held(subject, key, row) for row in rows]}


def _held(subject: Subject, key: str, row: list[Any]) -> dict[str, Any]:
    entry_id, consumer, idle_ms, deliveries = map(plain, row)
    return {
        "id": entry_id,
        "consumer": consumer,
        "idle_ms": idle_ms,
        "deliveries": deliveries,
        "body_present": bool(subject.redis.ask("XRANGE", key, entry_id, entry_id)),
    }


def _size(subject: Subject, which: str) -> dict[str, Any]:
    newest = subject.redis.ask("XREVRANGE", subject.request.wanted(which), "+", "-", "COUNT", 1)
    length = subject.redis.ask("XLEN", subject.request.wanted(which))
    return {"length": length, "last_id": plain(newest[0][0]) if newest else None}


def _told_rights(subject: Subject, user: str) -> dict[str, Any] | None:
    reply = subject.redis.ask("ACL", "GETUSER", user)
    if reply is None:
        return None
    said = named(reply)
    selectors = [dict(zip(selector[::2], selector[1::2], strict=True)) for selector in said["selectors"]]
    return {
        "flags": said["flags"],
        **{name: said[name] for name in ("commands", "keys", "channels")},
        "selectors": [{name: selector[name] for name in ("commands", "keys")} for selector in selectors],
    }


def _rights(subject: Subject, user: str) -> list[str] | None:
    try:
        rights = subject.redis.table("ACL", "GETUSER", user)
    except ResponseError:
        return None
    return str(rights["commands"]).split()
