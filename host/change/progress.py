"""The record of the last switch: what it is for, which steps were taken when, and how it ended.

It is rewritten whole before and after each step, so that a switch that died can be finished by another
process from the step that it had reached. Nothing secret stands in it.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from host.base.records import read_json
from host.base.times import utc_now
from host.change.records import write_json
from host.change.watch import HealthLimits

if TYPE_CHECKING:
    from pathlib import Path

    from host.base.errors import HostProgramError

RUNNING, DONE, ROLLED_BACK, FAILED, INTERRUPTED = "running", "done", "rolled_back", "failed", "interrupted"
FORWARD, BACKWARD = "forward", "rollback"


@dataclass(frozen=True)
class SwitchPlan:
    """What a switch is to do.

    Containers are known by their ids, which no rename changes: `old_id` is the one that is replaced (None
    when there is none, or when the main one only starts again), `new_id` the one that is to run,
    `restarts_before` the engine's count of its restarts (0 unless it runs already), `was_paused` whether it
    only needs waking. `force_cutover` moves the group though it was moved before.
    """

    switch_id: str
    run_id: str
    main: str
    previous: str
    old_id: str | None
    new_id: str
    restarts_before: int
    was_paused: bool
    desired: dict[str, Any]
    force_cutover: bool
    steady_s: float
    start_timeout_s: float

    @property
    def failed(self) -> str:
        """The name under which a container that failed is kept, stopped."""
        return f"{self.main}.failed"

    @property
    def limits(self) -> HealthLimits:
        """The patience of the health watch."""
        return HealthLimits(self.start_timeout_s, self.steady_s)


class SwitchProgress:
    """The record of one switch on the disk."""

    def __init__(self, path: Path, document: dict[str, Any]) -> None:
        self._path = path
        self._document = document

    @classmethod
    def load(cls, path: Path) -> SwitchProgress | None:
        """Read the last switch's record, None when there never was one."""
        document = read_json(path)
        return cls(path, document) if document else None

    @classmethod
    def begin(cls, path: Path, plan: SwitchPlan) -> SwitchProgress:
        """Start the record of a new switch, in the place of the last one's."""
        blank: dict[str, Any] = {
            "phase": FORWARD,
            "step": None,
            "steps": [],
            "cause": None,
            "message": None,
            "log_tail": [],
        }
        document = {"schema": 1, "state": RUNNING, **asdict(plan), "release": plan.desired["release"]}
        progress = cls(
            path, document | blank | {"pid": None, "carried_by": None, "started": utc_now(), "finished": None}
        )
        progress._save()
        return progress

    @property
    def plan(self) -> SwitchPlan:
        """What the switch is to do."""
        return SwitchPlan(**{name: self._document[name] for name in SwitchPlan.__dataclass_fields__})

    @property
    def state(self) -> str:
        """The state as it was written; a dead switch still says running."""
        return str(self._document["state"])

    @property
    def backward(self) -> bool:
        """Whether the switch is being taken back."""
        return bool(self._document["phase"] == BACKWARD)

    def to_json(self) -> dict[str, Any]:
        """Return the whole record."""
        return dict(self._document)

    def assign(self, owner: str, run_id: str) -> None:
        """Note who carries the switch on, and that it runs from here on."""
        who = {"owner": owner, "run_id": run_id}
        self._document |= {"carried_by": who, "pid": None, "state": RUNNING, "finished": None}
        self._save()

    def adopt(self) -> None:
        """Note that this process carries the switch on."""
        self._document["pid"] = os.getpid()
        self._save()

    def done(self, step: str) -> bool:
        """Whether the step was taken, with success, before."""
        return any(entry["name"] == step and entry["result"] == "ok" for entry in self._document["steps"])

    def detail_of(self, step: str) -> Any:
        """Return what a step that was taken told, None when it was not taken."""
        return next((entry["detail"] for entry in self._document["steps"] if entry["name"] == step), None)

    def enter(self, step: str) -> None:
        """Note that a step begins."""
        self._document["step"] = step
        self._save()

    def leave(self, step: str, began: str, detail: Any) -> None:
        """Note that a step was taken; `detail` is what a reader may want to know of it."""
        self._note(step, began, "ok", detail)

    def stumble(self, step: str, began: str, error: HostProgramError) -> None:
        """Note why a step failed."""
        self._note(step, began, "failed", error.message)

    def turn_back(self, error: HostProgramError) -> None:
        """Note that the switch is taken back from here on, and why."""
        self._document |= {"phase": BACKWARD, "cause": error.to_json()}
        self._save()

    def keep_log(self, lines: list[str]) -> None:
        """Keep the last lines of the container that failed."""
        self._document["log_tail"] = lines

    def end(self, state: str, message: str) -> None:
        """Note how the switch ended, in a sentence."""
        self._document |= {"state": state, "message": message, "finished": utc_now(), "step": None}
        self._save()

    def _note(self, step: str, began: str, result: str, detail: Any) -> None:
        entry = {"name": step, "at": began, "finished": utc_now(), "result": result, "detail": detail}
        self._document["steps"] = [*self._document["steps"], entry]
        self._save()

    def _save(self) -> None:
        write_json(self._path, self._document)
