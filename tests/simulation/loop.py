"""An event loop in which time is a number and chance is a seed: an hour takes a second, and takes it again.

Nothing in it waits: when all tasks do, the clock moves on to the next timer. What is ready runs in an order
that the seed chooses. A process is a context; one that has died is never run again, not even to clean up, and
one that is frozen, as by a paused machine, goes on later as if nothing had been.
"""

from __future__ import annotations

import asyncio
import contextvars
import random
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


class CrashError(BaseException):
    """Raised where a process dies; no `except Exception` may survive it."""


class DeadlockError(AssertionError):
    """Raised when everybody waits for what nobody will do."""


class Process:
    """One run of a program, from its start to its death; `began_ms` is 0 before and after."""

    def __init__(self, name: str, world: Any = None, number: int = 0) -> None:
        self.name = name
        self.world = world
        self.number = number
        self.is_alive = True
        self.began_ms = 0
        self.frozen_until = 0.0
        #: What SIGTERM does.
        self.ask_to_stop: Callable[[], None] = lambda: None

    def __repr__(self) -> str:
        return self.name

    def die(self) -> None:
        """Be gone: nothing of this process runs or is heard of any more."""
        self.is_alive = False

    def crash(self) -> None:
        """Die, from inside."""
        self.die()
        raise CrashError(self.name)

    def require_life(self) -> None:
        """Stop what a dead process still tries, such as cleaning up while its frames are unwound."""
        if not self.is_alive:
            raise CrashError(self.name)


PROCESS: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)


class _Task(asyncio.Task[Any]):
    """A task whose place in a set does not depend on where memory was free."""

    number = 0

    def __hash__(self) -> int:
        return self.number


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs tasks in a seeded order, in virtual time."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = random.Random(seed)  # noqa: S311 - a seed is what it is for
        self._seconds = 0.0
        self._selector = self
        self._tasks_made = 0
        self.graveyard: list[asyncio.Task[Any]] = []
        self._held: list[Any] = []
        self.set_task_factory(self._make)
        self.set_exception_handler(lambda _loop, _context: None)

    def time(self) -> float:
        """Return virtual seconds since the start."""
        return self._seconds

    def select(self, timeout: float | None) -> list[Any]:
        """Stand in for a selector: what would be waited for has passed."""
        if timeout is None:
            raise DeadlockError("every task waits and no timer runs")
        self._seconds += timeout
        return []

    def start(self, process: Process, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run `work` as the main task of a process."""
        context = contextvars.copy_context()
        context.run(PROCESS.set, process)
        return self.create_task(work, context=context)

    def add_signal_handler(self, *_given: Any) -> None:
        """Take no signals: a process here is killed, not asked."""

    def _make(self, loop: Any, work: Any, **options: Any) -> asyncio.Task[Any]:
        task: Any = _Task.__new__(_Task)
        self._tasks_made += 1
        task.number = self._tasks_made
        task.__init__(work, loop=loop, **options)
        self.graveyard.append(task)
        return task  # type: ignore[no-any-return]  # made right above

    def _run_once(self) -> None:
        living = [handle for handle in (*self._held, *self._ready) if _is_alive(handle)]
        self._held = [handle for handle in living if self._is_frozen(handle)]
        ready = [handle for handle in living if not self._is_frozen(handle)] if self._held else living
        self._random.shuffle(ready)
        self._ready: deque[Any] = deque(ready)
        super()._run_once()  # type: ignore[misc]  # the heart of every loop, and private to them

    def _is_frozen(self, handle: Any) -> bool:
        process = handle._context.get(PROCESS)
        return process is not None and self._seconds < process.frozen_until

    def _process_events(self, event_list: Any) -> None:
        """Nothing comes from outside."""

    def _write_to_self(self) -> None:
        """Nobody has to be woken."""


def _is_alive(handle: Any) -> bool:
    process = handle._context.get(PROCESS)
    return process is None or process.is_alive
