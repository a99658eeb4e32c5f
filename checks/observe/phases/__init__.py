"""Which looks each phase takes, in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.observe.phases import a, b, c, d, e

if TYPE_CHECKING:
    from collections.abc import Callable

    from checks.observe.collector import Collector
    from checks.observe.subject import Subject

COLLECTORS: dict[str, Callable[[Subject], list[Collector]]] = {
    "A": a.collectors,
    "B": b.collectors,
    "C": c.collectors,
    "D": d.collectors,
    "E": e.collectors,
}
