"""A process of its own, which lives on when the one who started it, its shell or its connection dies."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_STANDARD = 2


def detach(work: Callable[[], None], log: Path, keep: int) -> None:
    """Run `work` in a new session, orphaned, deaf to hang-ups, its output in `log`; return at once.

    It is forked, not executed anew: what it knows, a password included, crosses no command line and no file.
    Of the open files only `keep` goes along. The caller must hold no other open connection.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    _live(work, log, keep)


def _live(work: Callable[[], None], log: Path, keep: int) -> None:
    code = 1
    try:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        _redirect(log, keep)
        work()
        code = 0
    except BaseException:  # noqa: BLE001 - nobody is above this frame to hear of it
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _redirect(log: Path, keep: int) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for source, standard in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, standard)
    for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if descriptor > _STANDARD and descriptor != keep:
            _close(descriptor)
    os.chdir("/")


def _close(descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError:
        return  # the listing's own descriptor is closed already
