"""Taking turns among the processes that run the tests."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

BUILD = Path(__file__).resolve().parents[2] / "build"


@contextmanager
def turn(name: str) -> Iterator[None]:
    """Wait until nobody else has this turn, and have it."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / f"{name}.turn").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
