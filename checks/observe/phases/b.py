"""Phase B: the image that will run, from the inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.observe import image

if TYPE_CHECKING:
    from checks.observe.collector import Collector
    from checks.observe.subject import Subject


def collectors(_subject: Subject) -> list[Collector]:
    """Return phase B's looks; one container answers all but the first."""
    return [image.inspected, *image.PROBED]
