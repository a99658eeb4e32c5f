"""Named points at which a crash test can end this process, as a power cut would.

Nothing here does anything unless `arm` was called, which only a start against the simulator does, and unless
the variable CONSUMER_FAILPOINTS names the point: `name`, or `name@n` for the n-th time that it is passed;
commas between several. The file that CONSUMER_FAILPOINTS_LOG names says afterwards which point it was.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLE = "CONSUMER_FAILPOINTS"
LOG_VARIABLE = "CONSUMER_FAILPOINTS_LOG"

_fatal: set[tuple[str, int]] = set()
_passed: Counter[str] = Counter()
_log = ""


def arm(venue: str, environment: Mapping[str, str] = os.environ) -> None:
    """Take the points from the environment; at any venue but the simulator there are none."""
    global _log  # noqa: PLW0603 - a process dies once
    _fatal.clear()
    _passed.clear()
    if venue != "simulator":
        return
    _log = environment.get(LOG_VARIABLE, "")
    for named in filter(None, environment.get(VARIABLE, "").split(",")):
        name, _, time = named.partition("@")
        _fatal.add((name, int(time or 1)))


def point(name: str) -> None:
    """Die here, if a test asked for it."""
    if not _fatal:
        return
    _passed[name] += 1
    if (name, _passed[name]) in _fatal:
        _die(name)


def _die(name: str) -> None:
    if _log:
        file = os.open(_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(file, f"{name}\n".encode())
        os.fsync(file)
    os.kill(os.getpid(), signal.SIGKILL)
