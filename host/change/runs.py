"""What the host keeps of every run that judged it: a line in the audit log, and how far books are closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from host.base.errors import BadRequestError
from host.base.records import read_json
from host.base.times import utc_now
from host.change.exclusive import exclusive
from host.change.records import write_json

if TYPE_CHECKING:
    from host.base.state import StateFolder
    from host.change.audit import Audit

#: By this action the gate finds the runs in the audit log.
ACTION = "run"
_TOLD = ("run_id", "kind", "verdict", "release", "sha256")


def record(state: StateFolder, audit: Audit, who: str, run: dict[str, Any]) -> bool:
    """Note how a run ended, pass or not; return whether a pass closed the books further than before.

    `run` is what `python -m checks record` read in the signed bundle. Raises BadRequestError where a part
    is missing.
    """
    missing = [name for name in _TOLD if not run.get(name)]
    if missing:
        raise BadRequestError(f"the run's record has no {', '.join(missing)}")
    audit.note(
        who, str(run["run_id"]), ACTION, str(run["verdict"]), **{name: run[name] for name in _TOLD[1:]}
    )
    return run["verdict"] == "pass" and _close(state, run)


def _close(state: StateFolder, run: dict[str, Any]) -> bool:
    """Move the end of what is accounted for: never back, and never from before another cutover."""
    end = run.get("accounted_to") or {}
    with exclusive(state.releases / "books.lock"):
        closed, cutover = read_json(state.books) or {}, read_json(state.cutover_record) or {}
        before = max(_order(closed.get("id")), _order(cutover.get("cutover_id")))
        if _order(end.get("id")) <= before:
            return False
        end = {"id": end["id"], "entries_added": end.get("entries_added")}
        write_json(state.books, {**end, "run_id": run["run_id"], "at": utc_now()})
    return True


def _order(entry_id: str | None) -> tuple[int, int]:
    """Return a stream id as numbers, which order as the stream does; none is before all."""
    milliseconds, _, sequence = (entry_id or "0-0").partition("-")
    return int(milliseconds), int(sequence or 0)
