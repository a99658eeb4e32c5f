"""The container as a deploy made it, from the record of then, and as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from host.base.portrait import differences, portrait
from host.base.records import read_json
from host.observe.observation import collector

if TYPE_CHECKING:
    from host.observe.subject import Subject


@collector("container.made", "releases/made.json: what the engine said when the deploy had started it")
def made(subject: Subject) -> dict[str, Any]:
    """Return the container's id and the record of its making, {at, release, engine, portrait} or None."""
    container_id = subject.inspect(subject.request.wanted("container"))["Id"]
    return {"container_id": container_id, "record": record_of(subject, container_id)}


@collector("container.portrait", "GET /containers/{container}/json, whole")
def now(subject: Subject) -> dict[str, str]:
    """Return everything that the engine says of the container, but for what may differ."""
    return portrait(subject.inspect(subject.request.wanted("container")))


def unlike_made(subject: Subject, details: dict[str, Any]) -> list[str]:
    """Name in what a container is not as a deploy made it, before anything is changed."""
    record = record_of(subject, details["Id"])
    if record is None:
        return ["no deploy has recorded that it made this container"]
    return list(differences(record["portrait"], portrait(details)))


def record_of(subject: Subject, container_id: str) -> dict[str, Any] | None:
    """Return the record of a container's making, None when there is none."""
    record = (read_json(subject.state.made_record) or {}).get(container_id)
    return dict(record) if record else None
