"""The deployment's own files on the host: releases, the cutover, the last switch, the lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from host.base.audit_trail import read_trail
from host.base.records import read_json
from host.observe.errors import NotThereError
from host.observe.observation import collector

if TYPE_CHECKING:
    from host.observe.subject import Subject

#: So many of the newest runs are told.
RUNS_SHOWN = 20


@collector("release.current", "releases/current.json")
def current(subject: Subject) -> Any:
    """Return the release that runs or should; None when nothing was deployed."""
    return record_of(subject, "current.json")


@collector("release.verified", "releases/verified.json")
def verified(subject: Subject) -> Any:
    """Return the last release that passed; None when none has."""
    return record_of(subject, "verified.json")


@collector("host.audit", "audit/audit.log")
def audit(subject: Subject) -> dict[str, Any]:
    """Say how many deeds are on record, whether their chain is whole, and how the runs ended lately."""
    trail = read_trail(subject.state.audit_log)
    runs = [entry for entry in trail.entries if entry.get("action") == "run"]
    return {
        "entries": len(trail.entries),
        "intact": trail.intact,
        "torn": trail.torn,
        "runs": [{name: run.get(name) for name in ("at", "run_id", "result")} for run in runs[-RUNS_SHOWN:]],
    }


@collector("cutover.file", "cutover/cutover_id, which is mounted into the container")
def cutover_file(subject: Subject) -> str:
    """Return the cutover id that the consumer is told."""
    return subject.state.cutover_id.read_text().strip()


@collector("release.known", "releases/*.json")
def known(subject: Subject) -> list[dict[str, Any]]:
    """Return of every release that was deployed here what its decisions say, by its name."""
    names = ("release", "mode", "venue", "stage", "config_digest", "recorded_at", "decision_key")
    documents = (read_json(path) or {} for path in sorted(subject.state.releases.glob("*.json")))
    return [
        {name: document.get(name) for name in names} for document in documents if "config_digest" in document
    ]


@collector("release.cutover", "releases/cutover.json")
def cutover(subject: Subject) -> Any:
    """Return the record of the cutover; None when there was none."""
    return record_of(subject, "cutover.json")


@collector("cutover.record", "releases/cutover.json")
def cutover_record(subject: Subject) -> Any:
    """Return the record of the cutover; None when there was none."""
    return record_of(subject, "cutover.json")


@collector("switch.last", "releases/switch.json")
def switch(subject: Subject) -> Any:
    """Return how the last switch ended; None when there was none."""
    return record_of(subject, "switch.json")


@collector("lock.state", "lock/*.json")
def lock(subject: Subject) -> Any:
    """Say who holds the deploy lock; None when nobody does."""
    folder = subject.state.lock
    if not folder.is_dir():
        return None
    details: dict[str, Any] = {}
    for path in sorted(folder.glob("*.json")):
        details |= read_json(path) or {}
    return {"held": True, **{key: details.get(key) for key in ("owner", "run_id", "since", "expires", "why")}}


def needed_cutover(subject: Subject) -> dict[str, Any]:
    """Return the record of the cutover; raise NotThereError when there was none."""
    record = record_of(subject, "cutover.json")
    if not record:
        raise NotThereError("there is no record of a cutover: releases/cutover.json is absent")
    return record


def record_of(subject: Subject, name: str) -> dict[str, Any] | None:
    """Return one of the releases' files; None when it is absent."""
    return read_json(subject.state.releases / name)
