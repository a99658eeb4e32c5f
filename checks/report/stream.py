"""Before and after, and the tree of the stream: each group only ever compared with itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.judge.a import GHOST_MS
from checks.judge.times import duration
from checks.report import words
from checks.report.findings import NOTE, OPEN, PASS, Tone

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from checks.report.seen import Seen

#: A consumer that has asked for entries within this time is at work: it asks at least every two seconds.
_ACTIVE_MS = 60_000
_NO_GROUP = "no such group"
_WELL = "well"
_OWN = "the consumer's own group"
_OTHER = "another group"


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the before/after table."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows about one thing, for example one consumer group: both sides of each row are about the same one."""

    of: str
    kind: str
    rows: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """One consumer group in the tree of the stream."""

    name: str
    kind: str
    tone: Tone
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Tree:
    """The stream, its groups, and what stands in them."""

    stream: str
    lines: tuple[tuple[str, str], ...]
    branches: tuple[Branch, ...]


def changes(seen: Seen, meant: Mapping[str, Any], decided: str) -> tuple[Changes, ...]:
    """Compare the stack before the deploy with the stack after it, each thing with its own past."""
    own = meant.get("group")
    groups = (
        Changes(name, _OWN if name == own else _OTHER, tuple(_group_changes(seen, name)))
        for name in _group_names(seen, meant)
    )
    return (
        Changes("Containers", "on the host", tuple(_container_changes(seen, meant))),
        *groups,
        Changes(
            "Entries and orders", "in the stream, on the result stream, on the exchange", _flow(seen, decided)
        ),
    )


def tree(seen: Seen, meant: Mapping[str, Any]) -> Tree:
    """Draw the stream with every group as it stands at the end of the run."""
    stream = seen.last("redis.stream") or {}
    lines = (
        ("entries", words.number(stream.get("length"))),
        ("ever added", words.number(stream.get("entries_added"))),
        ("last entry", words.text(stream.get("last_id"))),
    )
    return Tree(meant.get("stream") or "the stream", lines, tuple(_branches(seen, meant)))


def orders(record: Mapping[str, Any] | None) -> str:
    """Sum up an exchange's own record."""
    if record is None:
        return words.NOT_SEEN
    kinds = (("orders", "orders"), ("algo orders", "algo_orders"), ("trades", "trades"))
    counts = [f"{len(record.get(field) or ())} {kind}" for kind, field in kinds]
    return ", ".join([*counts, f"{len(open_positions(record))} positions"])


def open_positions(record: Mapping[str, Any]) -> list[Any]:
    """Give the positions that are not zero: an exchange may list every symbol."""
    return [one for one in record.get("positions") or () if float(one.get("positionAmt", 1) or 0) != 0]


def own_group(seen: Seen, meant: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give the consumer's own group at the end of the run; empty if it was not seen."""
    return _named(seen.last("redis.groups", "EC"), meant.get("group")) or {}


def _container_changes(seen: Seen, meant: Mapping[str, Any]) -> Iterable[Change]:
    yield Change("The stack", _stack(seen("A:docker.containers"), meant), "looked at once, in phase A")
    before = seen("A:container.current")
    absent = "none" if "A:container.current" in seen.values else words.NOT_SEEN
    after = seen.last("container.inspect", "ED")
    yield Change("The consumer's own", container(before) if before else absent, container(after))


def _stack(containers: Sequence[Mapping[str, Any]] | None, meant: Mapping[str, Any]) -> str:
    """Count the containers that the stack is expected to have, and name those that are not well."""
    if containers is None:
        return words.NOT_SEEN
    expected = meant.get("expected_containers") or ()
    found = {one["name"]: one for one in containers}
    unwell = [f"{name} is {_state(found.get(name))}" for name in expected if _state(found.get(name)) != _WELL]
    return "; ".join([f"{len(expected) - len(unwell)} of {len(expected)} running and not unhealthy", *unwell])


def _state(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return "missing"
    if one.get("state") != "running":
        return str(one.get("state"))
    return "unhealthy" if one.get("health") == "unhealthy" else _WELL


def container(inspect: Mapping[str, Any] | None) -> str:
    """Say in a few words how a container is."""
    if inspect is None:
        return words.NOT_SEEN
    health = (inspect.get("health") or {}).get("status") or "no health check"
    restarts = inspect.get("restart_count")
    return f"{inspect.get('state')}, {health}, {restarts} {'restart' if restarts == 1 else 'restarts'}"


def _flow(seen: Seen, decided: str) -> tuple[Change, ...]:
    lengths = (_count(seen(f"{phase}:redis.stream", "length")) for phase in "AE")
    records = (orders(seen(f"{phase}:exchange.orders")) for phase in "AE")
    return (
        Change("Entries in the stream", *lengths),
        Change("Entries decided since the cutover", _decided_before(seen), decided),
        Change("On the exchange", *records),
    )


def _group_names(seen: Seen, meant: Mapping[str, Any]) -> Sequence[str]:
    """Name the consumer's own group first, then every other one."""
    own = meant.get("group")
    named = [one["name"] for ref in ("A:redis.groups", "E:redis.groups") for one in seen(ref) or ()]
    return list(dict.fromkeys([*([own] if own else []), *named]))


def _group_changes(seen: Seen, group: str) -> Iterable[Change]:
    before, after = _sides(seen, "A", group), _sides(seen, "E", group)
    for what, read in (
        ("Active consumers", _active),
        ("Ghost consumers", _ghosts),
        ("Lag", _lag),
        ("Pending", _held),
    ):
        yield Change(what, read(before), read(after))


@dataclass(frozen=True, slots=True)
class _Side:
    """One group in one phase: None for what was not seen, an empty group for one that did not exist."""

    seen: bool
    group: Mapping[str, Any] | None
    consumers: Sequence[Mapping[str, Any]]


def _sides(seen: Seen, phase: str, name: str) -> _Side:
    groups, consumers = seen(f"{phase}:redis.groups"), seen(f"{phase}:redis.consumers")
    return _Side(
        groups is not None and consumers is not None, _named(groups, name), (consumers or {}).get(name, ())
    )


def _named(groups: Iterable[Mapping[str, Any]] | None, name: Any) -> Mapping[str, Any] | None:
    return next((one for one in groups or () if one.get("name") == name), None)


def _of(side: _Side, value: str) -> str:
    if not side.seen:
        return words.NOT_SEEN
    return value if side.group is not None else _NO_GROUP


def _active(side: _Side) -> str:
    return _of(side, str(_active_count(side.consumers)))


def _ghosts(side: _Side) -> str:
    return _of(side, str(len(_ghost_list(side.consumers))))


def _lag(side: _Side) -> str:
    return _of(side, _lag_text(side.group or {}))


def _held(side: _Side) -> str:
    return _of(side, _count((side.group or {}).get("pending")))


def _active_count(consumers: Iterable[Mapping[str, Any]]) -> int:
    return sum(one["idle_ms"] <= _ACTIVE_MS for one in consumers)


def _ghost_list(consumers: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [one for one in consumers if one["idle_ms"] > GHOST_MS]


def _lag_text(group: Mapping[str, Any]) -> str:
    return "unknown to Redis" if group.get("lag") is None else f"{group['lag']:,}"


def _count(value: Any) -> str:
    return words.number(value)


def _decided_before(seen: Seen) -> str:
    if "A:release.cutover" not in seen.values:
        return words.NOT_SEEN
    return "not counted" if seen("A:release.cutover") else "none: there was no cutover yet"


def _branches(seen: Seen, meant: Mapping[str, Any]) -> Iterable[Branch]:
    consumers, pending = seen.last("redis.consumers", "EA") or {}, seen.last("redis.pending", "EA") or {}
    groups = seen.last("redis.groups", "ECA") or ()
    for group in sorted(groups, key=lambda one: one["name"] != meant.get("group")):
        name = group["name"]
        own = name == meant.get("group")
        held = (pending.get(name) or {}).get("entries") or ()
        yield _branch(group, consumers.get(name, ()), held, own=own)


def _branch(
    group: Mapping[str, Any],
    consumers: Sequence[Mapping[str, Any]],
    held: Iterable[Mapping[str, Any]],
    *,
    own: bool,
) -> Branch:
    ghosts = _ghost_list(consumers)
    lines = (
        ("consumers", f"{len(consumers)}: {_active_count(consumers)} active, {len(ghosts)} ghosts"),
        *([("longest idle", duration(max(one["idle_ms"] for one in ghosts)))] if ghosts else []),
        ("pending", _count(group.get("pending"))),
        *(
            ("pending entry", f"{one['id']} of {one['consumer']}, idle {duration(one['idle_ms'])}")
            for one in list(held)[:3]
        ),
        ("lag", _lag_text(group)),
        ("last delivered", words.text(group.get("last_delivered_id"))),
    )
    return Branch(group["name"], _OWN if own else _OTHER, Tone(_branch_tone(group, ghosts, own=own)), lines)


def _branch_tone(group: Mapping[str, Any], ghosts: Sequence[Any], *, own: bool) -> str:
    if own:
        return PASS if group.get("lag") == 0 else OPEN
    return NOTE if ghosts or group.get("pending") else PASS
