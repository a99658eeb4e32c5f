"""Which looks each phase takes, in which order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host.observe.phases import container, cutover, image, operation, stack

if TYPE_CHECKING:
    from collections.abc import Callable

    from host.observe.collector import Collector
    from host.observe.subject import Subject

COLLECTORS: dict[str, Callable[[Subject], list[Collector]]] = {
    "A": stack.collectors,
    "B": image.collectors,
    "C": cutover.collectors,
    "D": container.collectors,
    "E": operation.collectors,
}
