"""The last switch as others may see it, while it runs and after.

Whether a switch runs is said by a file lock that only its process holds: a record that says running while
nobody holds the lock is a switch that was interrupted.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from host.base.records import read_json
from host.change.errors import UnknownSwitchError
from host.change.exclusive import try_exclusive
from host.change.progress import INTERRUPTED, RUNNING

if TYPE_CHECKING:
    from host.base.state import StateFolder

_POLL_S = 0.1


def show(state: StateFolder) -> dict[str, Any]:
    """Return the last switch's record; its state is `interrupted` when it died, `none` without one."""
    if not state.switch_record.exists():
        return {"state": "none"}
    claim = try_exclusive(state.switch_guard)
    if claim is not None:
        os.close(claim)
    # Only now: a switch that ended since then has written its end before it let go.
    record = read_json(state.switch_record) or {}
    dead = claim is not None and record["state"] == RUNNING
    return record | ({"state": INTERRUPTED} if dead else {})


def wait(state: StateFolder, switch_id: str, timeout_s: float) -> dict[str, Any]:
    """Return the switch's record once it ended or `timeout_s` have passed; its state says which."""
    deadline = time.monotonic() + timeout_s
    while True:
        shown = show(state)
        if shown.get("switch_id") != switch_id:
            raise UnknownSwitchError(f"the last switch is {shown.get('switch_id')}, not {switch_id}")
        if shown["state"] != RUNNING or time.monotonic() >= deadline:
            return shown
        time.sleep(_POLL_S)
