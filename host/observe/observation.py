"""One raw fact and how it was obtained, and the wrapper that turns a look into one, whatever happens."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from host.base.times import now_ms, utc_text

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Observation:
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


def observe(name: str, how: str, look: Callable[[], Any]) -> Observation:
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
    return Observation(name, how, at, duration_ms, ok=error is None, value=value, error=error)
