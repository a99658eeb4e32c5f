"""Before and after, and the tree of the stream: each group only ever compared with itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.report import exchange, words
from checks.report.findings import NOTE, OPEN, PASS, Tone
from checks.report.groups import Group, groups

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from checks.report.seen import Seen

_NO_GROUP = "no such group"
_WELL = "well"
_OWN = "the consumer's own group"
_OTHER = "another group"
_COMPARED: tuple[tuple[str, Callable[[Group], str]], ...] = (
    ("Active consumers", lambda group: str(group.active)),
    ("Ghost consumers", lambda group: str(group.ghosts)),
    ("Lag, as Redis reports it", lambda group: group.lag_text),
    ("Pending", lambda group: words.number(group.pending)),
)


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


def changes(seen: Seen, desired: Mapping[str, Any], decided: str) -> tuple[Changes, ...]:
    """Compare the stack before the deploy with the stack after it, each thing with its own past."""
    before, after, own = groups(seen, "A"), groups(seen, "E"), desired.get("group")
    names = dict.fromkeys((*([own] if own else []), *(before or ()), *(after or ())))
    return (
        Changes("Containers", "on the host", tuple(_container_changes(seen, desired))),
        *(Changes(name, _kind(name, desired), tuple(_group_changes(name, before, after))) for name in names),
        Changes("Entries and orders", "in the stream, decided, on the exchange", _flow(seen, decided)),
    )


def tree(seen: Seen, desired: Mapping[str, Any]) -> Tree:
    """Draw the stream with every group as it stands at the end of the run."""
    stream, by_name = seen.last("redis.stream") or {}, groups(seen, "E") or groups(seen, "A") or {}
    lines = (
        ("entries", words.number(stream.get("length"))),
        ("ever added", words.number(stream.get("entries_added"))),
        ("last entry", words.text(stream.get("last_id"))),
    )
    own_first = sorted(by_name.values(), key=lambda group: group.name != desired.get("group"))
    return Tree(
        desired.get("stream") or "the stream", lines, tuple(_branch(group, desired) for group in own_first)
    )


def container(inspect: Mapping[str, Any] | None) -> str:
    """Say in a few words how a container is."""
    if inspect is None:
        return words.NOT_SEEN
    health = (inspect.get("health") or {}).get("status") or "no health check"
    restarts = inspect.get("restart_count")
    return f"{inspect.get('state')}, {health}, {restarts} {'restart' if restarts == 1 else 'restarts'}"


def _container_changes(seen: Seen, desired: Mapping[str, Any]) -> Iterable[Change]:
    yield Change("The stack", _stack(seen("A:docker.containers"), desired), "looked at once, in phase A")
    before = seen("A:container.current")
    absent = "none" if "A:container.current" in seen.values else words.NOT_SEEN
    after = seen.last("container.inspect", "ED")
    yield Change("The consumer's own", container(before) if before else absent, container(after))


def _stack(containers: Sequence[Mapping[str, Any]] | None, desired: Mapping[str, Any]) -> str:
    """Count the containers that the stack is expected to have, and name those that are not well."""
    if containers is None:
        return words.NOT_SEEN
    expected = desired.get("expected_containers") or ()
    by_name = {container["name"]: container for container in containers}
    unwell = [
        f"{name} is {_state(by_name.get(name))}" for name in expected if _state(by_name.get(name)) != _WELL
    ]
    return "; ".join([f"{len(expected) - len(unwell)} of {len(expected)} running and not unhealthy", *unwell])


def _state(container: Mapping[str, Any] | None) -> str:
    if container is None:
        return "missing"
    if container.get("state") != "running":
        return str(container.get("state"))
    return "unhealthy" if container.get("health") == "unhealthy" else _WELL


def _flow(seen: Seen, decided: str) -> tuple[Change, ...]:
    lengths = (words.number(seen(f"{phase}:redis.stream", "length")) for phase in "AE")
    records = (exchange.text(exchange.counts(seen, phase)) for phase in "AE")
    return (
        Change("Entries in the stream", *lengths),
        Change("Entries decided since the cutover", _decided_before(seen), decided),
        Change("On the exchange", *records),
    )


def _decided_before(seen: Seen) -> str:
    if "A:release.cutover" not in seen.values:
        return words.NOT_SEEN
    return "not counted" if seen("A:release.cutover") else "none: there was no cutover yet"


def _group_changes(
    name: str, before: Mapping[str, Group] | None, after: Mapping[str, Group] | None
) -> Iterable[Change]:
    for what, read in _COMPARED:
        yield Change(what, _side(name, before, read), _side(name, after, read))


def _side(name: str, known: Mapping[str, Group] | None, read: Callable[[Group], str]) -> str:
    if known is None:
        return words.NOT_SEEN
    return read(known[name]) if name in known else _NO_GROUP


def _kind(name: str, desired: Mapping[str, Any]) -> str:
    return _OWN if name == desired.get("group") else _OTHER


def _branch(group: Group, desired: Mapping[str, Any]) -> Branch:
    kind = _kind(group.name, desired)
    return Branch(group.name, kind, Tone(_branch_tone(group, kind)), group.lines())


def _branch_tone(group: Group, kind: str) -> str:
    if kind == _OWN:
        return PASS if group.lag is not None and group.active else OPEN
    return NOTE if group.ghosts or group.pending else PASS
