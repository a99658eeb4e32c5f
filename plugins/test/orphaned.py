"""Whether the run that a lock's owner names has died: of this user on this controller only, one can know."""

from __future__ import annotations

import getpass
import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def orphaned(owner: str) -> bool:
    """Tell whether `owner`, as the lookup `run_owner` writes it, is a run of ours whose process is gone."""
    where, _, process = owner.partition("/")
    ours = where == f"{getpass.getuser()}@{socket.gethostname()}"
    return ours and process.isdecimal() and not _lives(int(process))


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class TestModule:
    """The test `orphaned`."""

    def tests(self) -> dict[str, Callable[[str], bool]]:
        """Name the tests of this file."""
        return {"orphaned": orphaned}
