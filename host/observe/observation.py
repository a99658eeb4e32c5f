"""One raw fact and how it was obtained; a look is named where it stands, and becomes a fact in any case."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from host.base.times import now_ms, utc_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from host.observe.subject import Subject


@dataclass(frozen=True)
class RawFact:
    """One raw fact: `value` is JSON when `ok`, otherwise None, and `error` is {type, message}.

    `at` is the host's clock, UTC with Z; `duration_ms` is how long the look took.
    """

    id: str
    how: str
    at: str
    duration_ms: float
    ok: bool
    value: Any = None
    error: dict[str, str] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the fact as the envelope carries it."""
        return asdict(self)


def observe(name: str, how: str, look: Callable[[], Any]) -> RawFact:
    """Look once. An exception becomes a fact that is not ok: it stops no other look and proves nothing."""
    at = utc_text(now_ms())
    began = time.perf_counter()
    value: Any = None
    error = None
    try:
        value = look()
    except Exception as problem:  # noqa: BLE001 - every failure to look is itself the observation
        error = {"type": type(problem).__name__, "message": str(problem) or repr(problem)}
    duration_ms = round((time.perf_counter() - began) * 1000, 3)
    return RawFact(name, how, at, duration_ms, ok=error is None, value=value, error=error)


@dataclass(frozen=True)
class Collector:
    """A look with a name. `how` may name parts of what is desired: `XINFO GROUPS {stream}`."""

    id: str
    how: str
    look: Callable[[Subject], Any]

    def run(self, subject: Subject) -> RawFact:
        """Look at the subject, and let later looks of the same run see what was found."""
        how = self.how.format_map(_Names(subject.request.desired))
        observation = observe(self.id, how, lambda: self.look(subject))
        if observation.ok:
            subject.seen[self.id] = observation.value
        return observation


class _Names(dict[str, Any]):
    """What is desired, for a sentence: a name that is not given stays as it stands."""

    def __missing__(self, name: str) -> str:
        return "{" + name + "}"


def collector(name: str, how: str) -> Callable[[Callable[[Subject], Any]], Collector]:
    """Register the function below as the look called `name`."""

    def register(look: Callable[[Subject], Any]) -> Collector:
        return Collector(name, how, look)

    return register
