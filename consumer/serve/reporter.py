"""What a running consumer says of its own progress: each change once, in the log and for /healthz alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consumer.base.log import logger

if TYPE_CHECKING:
    from consumer.serve.state import State


class Reporter:
    """Writes into a state what goes wrong, and logs whatever is news to it."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._log = logger()
        self._told: set[str] = set()

    def troubled(self, code: str, errors: BaseExceptionGroup[Exception]) -> None:
        """Tell what ended a session with Redis; it is tried again."""
        self._state.counters["reconnects"] += 1
        error = leaf(errors)
        detail = str(error) or type(error).__name__
        if self._state.troubled(code, detail):
            self._log.error("trouble", code=code, detail=detail)

    def fault(self, code: str, detail: str) -> None:
        """Tell what a person must look at; it stays until a restart."""
        if self._state.fault(code, detail):
            self._log.error("fault", code=code, detail=detail)

    def once(self, event: str, **more: Any) -> None:
        """Tell a step of the start, which a reconnection repeats in silence."""
        if event not in self._told:
            self._told.add(event)
            self._log.info(event, **more)


def leaf(errors: BaseException) -> BaseException:
    """Return the first error in a group of groups."""
    return leaf(errors.exceptions[0]) if isinstance(errors, BaseExceptionGroup) else errors
