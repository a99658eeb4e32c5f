"""The switch from the running consumer to the new one: started detached under the lock, watched from outside.

Whether a switch runs is said by a file lock that only its process holds: a record that says running while
nobody holds the lock is a switch that was interrupted.
"""

from __future__ import annotations

import os
import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from host.change import cutover
from host.change.carry import carry
from host.change.context import SwitchContext, open_host, open_redis
from host.change.detach import detach
from host.change.errors import (
    NothingToRollBackError,
    NothingToSwitchError,
    SwitchInterruptedError,
    SwitchRunningError,
    TakenBackError,
)
from host.change.exclusive import try_exclusive
from host.change.lock import Lock
from host.change.progress import DONE, INTERRUPTED, RUNNING, SwitchPlan, SwitchProgress
from host.change.releases import require_release
from host.change.status import wait
from host.change.steps import wanted_cutover

if TYPE_CHECKING:
    from collections.abc import Iterator

    from host.base.login import Login
    from host.base.state import StateFolder
    from host.change.audit import Audit
    from host.change.context import HostParts

_POLL_S = 0.2
#: A look at the switch holds its file lock for a moment; this long (seconds) it is not taken for a switch.
_CLAIM_S = 1
#: How long a command that finishes a switch waits for its end (seconds).
_PATIENCE_S = 300


@dataclass(frozen=True)
class SwitchOrder:
    """What the controller asks of `switch start`; times in seconds.

    `new` is the name of the container to switch to, None to let the main one start again.
    """

    run_id: str
    token: str
    desired: dict[str, Any]
    main: str
    new: str | None
    previous: str
    login: Login
    force_cutover: bool
    steady_s: float
    start_timeout_s: float


@dataclass(frozen=True)
class Carrier:
    """Who carries a switch on: the lock's token, the run, and the login to Redis."""

    token: str
    run_id: str
    login: Login


class Switch:
    """The switches of one host."""

    def __init__(self, state: StateFolder, audit: Audit) -> None:
        self._state = state
        self._audit = audit

    def start(self, order: SwitchOrder) -> str:
        """Look at everything first, then start the switch and return its id at once."""
        with self._claimed() as claim:
            if self._interrupted():
                raise SwitchInterruptedError("the last switch died half-way")
            with open_host(self._state, self._audit, order.token) as host:
                plan = survey(host, order)
                preflight(host, plan, order.login)
                progress = SwitchProgress.begin(self._state.switch_record, plan)
            self._carry_on(claim, progress, Carrier(order.token, order.run_id, order.login), "start")
        return plan.switch_id

    def resume(self, carrier: Carrier) -> dict[str, Any]:
        """Finish a switch that died, forward or back, and return its record."""
        with self._claimed() as claim:
            progress = self._interrupted()
            if progress is None:
                raise NothingToSwitchError("no switch was interrupted", "start one with `switch start`")
            self._carry_on(claim, progress, carrier, "resume")
        return wait(self._state, progress.plan.switch_id, _PATIENCE_S)

    def roll_back(self, carrier: Carrier, reason: str) -> dict[str, Any]:
        """Take a finished switch back and return its record; one that was taken back already stays so."""
        with self._claimed() as claim:
            if self._interrupted():
                raise SwitchInterruptedError("the last switch died half-way")
            progress = SwitchProgress.load(self._state.switch_record)
            if progress is None:
                raise NothingToRollBackError("there never was a switch")
            if progress.state != DONE:
                return progress.to_json()
            Lock(self._state, self._audit).verify(carrier.token)
            progress.turn_back(TakenBackError(reason))
            self._carry_on(claim, progress, carrier, "roll_back")
        return wait(self._state, progress.plan.switch_id, _PATIENCE_S)

    @contextmanager
    def _claimed(self) -> Iterator[int]:
        """Hold the switch's file lock for the block, and in whatever process is detached in it."""
        deadline = time.monotonic() + _CLAIM_S
        while (claim := try_exclusive(self._state.switch_guard)) is None:
            if time.monotonic() >= deadline:
                raise SwitchRunningError("a switch is under way on this host")
            time.sleep(_POLL_S)
        try:
            yield claim
        finally:
            os.close(claim)

    def _interrupted(self) -> SwitchProgress | None:
        """Return the last switch when it did not end. Only for the holder of the claim."""
        progress = SwitchProgress.load(self._state.switch_record)
        return progress if progress and progress.state in (RUNNING, INTERRUPTED) else None

    def _carry_on(self, claim: int, progress: SwitchProgress, carrier: Carrier, why: str) -> None:
        owner = Lock(self._state, self._audit).verify(carrier.token).owner
        plan = progress.plan
        detail = {"switch_id": plan.switch_id, "release": plan.desired["release"]}
        self._audit.note(owner, carrier.run_id, f"switch.{why}", "begun", **detail)

        progress.assign(owner, carrier.run_id)

        def work() -> None:
            progress.adopt()
            with open_host(self._state, self._audit, carrier.token) as host:
                carry(SwitchContext(host, progress, carrier.login))

        detach(work, self._state.releases / "switch.log", keep=claim)


def survey(host: HostParts, order: SwitchOrder) -> SwitchPlan:
    """Look at the containers and return what is to be done; raise when there is nothing to switch to."""
    main = host.engine.find(order.main)
    new = host.engine.find(order.new) if order.new else main
    if new is None:
        raise NothingToSwitchError(f"there is no container {order.new or order.main}")
    require_release(new, order.desired)
    return SwitchPlan(
        switch_id=secrets.token_hex(8),
        run_id=order.run_id,
        main=order.main,
        previous=order.previous,
        old_id=main.id if main and main.id != new.id else None,
        new_id=new.id,
        restarts_before=new.sample.restart_count if new.running else 0,
        was_paused=new.paused,
        desired=order.desired,
        force_cutover=order.force_cutover,
        steady_s=order.steady_s,
        start_timeout_s=order.start_timeout_s,
    )


def preflight(host: HostParts, plan: SwitchPlan, login: Login) -> None:
    """See that lock and Redis are as the switch needs them, before the old container is stopped."""
    host.held.verify()
    with open_redis(host, plan.desired, login) as client:
        cutover.preflight(client, host.state, wanted_cutover(plan))
