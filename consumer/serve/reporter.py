"""What a running consumer says of its own progress: each change once, in the log and for /healthz alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from consumer.base.log import logger
from consumer.stream.causes import answered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from consumer.serve.state import ServiceState
    from consumer.stream.causes import Cause
    from consumer.stream.result_writer import Settled


class Reporter:
    """Writes into a state what goes wrong, and logs whatever is news to it."""

    def __init__(self, state: ServiceState) -> None:
        self._state = state
        self._log = logger()
        self._told: set[str] = set()

    def troubled(self, cause: Cause) -> None:
        """Tell what ended a session with Redis; it is tried again."""
        self._state.counters["reconnects"] += 1
        if self._state.troubled(cause.code, cause.detail):
            self._log.error("trouble", code=cause.code, detail=cause.detail)

    def fault(self, code: str, detail: str, ids: Sequence[str] = ()) -> None:
        """Tell what a person must look at, with the entries that it is about; it stays until one has."""
        if self._state.faults.add(code, detail, ids):
            self._log.error(
                "fault", code=code, detail=detail, **({"first": ids[0], "last": ids[-1]} if ids else {})
            )

    def held_up(self, ids: Sequence[str], held_up: Sequence[tuple[str, str]]) -> None:
        """Tell which entries must wait though others go on: a line for each new cause."""
        before = {problem["code"] for problem in self._state.problems()}
        self._state.held_up(ids, held_up)
        for entry_id, why in held_up:
            code = answered(why).code
            if code not in before:
                before.add(code)
                self._log.error("held_up", code=code, entry=entry_id, detail=why)

    def settled(self, settled: Settled, ids: Sequence[str] = ()) -> None:
        """Count what became of a batch of these entries, and tell what in it is news or a fault."""
        self._state.settled(settled)
        self.held_up(ids, settled.held_up)
        for entry, reason in settled.dead_letters:
            self._log.warning("dead_letter", entry=entry, reason=reason)
        if settled.went_back:
            self.fault("WENT_BACK", settled.went_back, settled.again)
        if settled.taken_off:
            detail = "entries in hand were taken off the group, and decided"
            self.fault("CONSUMER_DELETED", detail, settled.taken_off)

    def once(self, event: str, **more: Any) -> None:
        """Tell a step of the start, which a reconnection repeats in silence."""
        if event not in self._told:
            self._told.add(event)
            self._log.info(event, **more)
