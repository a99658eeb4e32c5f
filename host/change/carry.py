"""Carries a switch to its end: forward step by step, or, when a step fails, back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from host.base.times import utc_now
from host.change.errors import LockLostError
from host.change.faults import explain
from host.change.progress import DONE, INTERRUPTED
from host.change.rollback import BACKWARD, conclude
from host.change.steps import FORWARD

if TYPE_CHECKING:
    from collections.abc import Callable

    from host.change.context import SwitchContext

#: What a step may take beside its own waiting: stopping a container, above all (seconds).
_STEP_S = 90


def carry(context: SwitchContext) -> None:
    """Take the steps that are still to be taken and write down the end.

    When the lock is lost nothing more is changed, back neither: whoever holds it then finishes the switch.
    """
    try:
        if not context.progress.backward:
            _forward(context)
        if context.progress.backward:
            _backward(context)
    except LockLostError as lost:
        context.progress.end(INTERRUPTED, f"{lost.message}; nothing more was changed")
    _note_end(context)


def _forward(context: SwitchContext) -> None:
    try:
        _walk(context, FORWARD)
    except LockLostError:
        raise
    except Exception as problem:  # noqa: BLE001 - whatever fails, the way back must be taken
        context.progress.turn_back(explain(problem))
    else:
        context.progress.end(DONE, f"release {context.plan.desired['release']} runs, healthy")


def _backward(context: SwitchContext) -> None:
    trouble = None
    try:
        _walk(context, BACKWARD)
    except LockLostError:
        raise
    except Exception as problem:  # noqa: BLE001 - whatever fails, the record must say how it ended
        trouble = explain(problem)
    context.progress.end(*conclude(context, trouble))


def _walk(context: SwitchContext, steps: tuple[tuple[str, Callable[[SwitchContext], Any]], ...]) -> None:
    for name, step in steps:
        if not context.progress.done(name):
            _take(context, name, step)


def _take(context: SwitchContext, name: str, step: Callable[[SwitchContext], Any]) -> None:
    plan, began = context.plan, utc_now()
    context.host.held.renew(_STEP_S + plan.start_timeout_s + plan.steady_s)
    context.progress.enter(name)
    try:
        detail = step(context)
    except Exception as problem:
        context.progress.stumble(name, began, explain(problem))
        raise
    context.progress.leave(name, began, detail)


def _note_end(context: SwitchContext) -> None:
    end = context.progress.to_json()
    who = end["carried_by"]
    context.host.audit.note(who["owner"], who["run_id"], "switch.end", end["state"], message=end["message"])
