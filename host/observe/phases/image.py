"""Phase B: the image that will run, from the inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host.observe import image

if TYPE_CHECKING:
    from host.observe.collector import Collector
    from host.observe.subject import Subject


def collectors(_subject: Subject) -> list[Collector]:
    """Return phase B's looks; one container answers all but the first."""
    return [image.inspected, *image.PROBED]
