"""One consumer group as one phase saw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.judge.stack import GHOST_MS
from checks.judge.stream_ids import milliseconds
from checks.judge.times import duration
from checks.report import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from checks.report.seen import Seen

#: A consumer at work asks for entries at least every two seconds.
_ACTIVE_MS = 60_000
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Group:
    """A group with its consumers and what they hold; `quiet_ms` is how long the stream itself was silent."""

    name: str
    position: str
    lag: int | None
    pending: int | None
    consumers: tuple[Mapping[str, Any], ...]
    held: tuple[Mapping[str, Any], ...]
    quiet_ms: int

    @property
    def active(self) -> int:
        """Count the consumers at work. Before Redis 7.2 only an entry ends an idle time: silence counts."""
        return sum(consumer["idle_ms"] <= self._active_ms(consumer) for consumer in self.consumers)

    @property
    def ghosts(self) -> int:
        """Count the consumers that have been idle for longer than any that is at work."""
        return sum(
            consumer["idle_ms"] > max(GHOST_MS, self._active_ms(consumer)) for consumer in self.consumers
        )

    @property
    def lag_text(self) -> str:
        """Say the lag that Redis reports, which it may not know."""
        return "unknown to Redis" if self.lag is None else f"{self.lag:,}"

    def lines(self) -> tuple[tuple[str, str], ...]:
        """Describe the group, line by line."""
        held = (
            ("pending entry", f"{entry['id']} of {entry['consumer']}, idle {duration(entry['idle_ms'])}")
            for entry in self.held[:_NAMED]
        )
        return (
            ("consumers", f"{len(self.consumers)}: {self.active} active, {self.ghosts} ghosts"),
            *([("longest idle", duration(self._longest_idle_ms()))] if self.ghosts else []),
            ("pending", words.number(self.pending)),
            *held,
            ("lag", self.lag_text),
            ("last delivered", self.position),
        )

    def _active_ms(self, consumer: Mapping[str, Any]) -> int:
        return _ACTIVE_MS + (self.quiet_ms if consumer.get("inactive_ms") is None else 0)

    def _longest_idle_ms(self) -> int:
        return max(int(consumer["idle_ms"]) for consumer in self.consumers)


def groups(seen: Seen, phase: str) -> dict[str, Group] | None:
    """Give every group of the stream by name; None if the groups were not seen."""
    listed, consumers = seen(f"{phase}:redis.groups"), seen(f"{phase}:redis.consumers")
    if listed is None or consumers is None:
        return None
    held, quiet_ms = seen(f"{phase}:redis.pending") or {}, _quiet_ms(seen, phase)
    return {group["name"]: _group(group, consumers, held, quiet_ms) for group in listed}


def _group(
    group: Mapping[str, Any], consumers: Mapping[str, Any], held: Mapping[str, Any], quiet_ms: int
) -> Group:
    entries: Iterable[Mapping[str, Any]] = (held.get(group["name"]) or {}).get("entries") or ()
    return Group(
        name=group["name"],
        position=words.text(group.get("last_delivered_id")),
        lag=group.get("lag"),
        pending=group.get("pending"),
        consumers=tuple(consumers.get(group["name"], ())),
        held=tuple(entries),
        quiet_ms=quiet_ms,
    )


def _quiet_ms(seen: Seen, phase: str) -> int:
    now_ms, last = seen(f"{phase}:redis.server", "now_ms"), seen(f"{phase}:redis.stream", "last_generated_id")
    return max(0, now_ms - milliseconds(last)) if now_ms and last else 0
