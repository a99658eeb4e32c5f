"""Which release runs, which one was last verified, and what of older ones may go.

A release document is what the controller desired, stored as it came plus `recorded_at`. `current.json` is the
release that runs and is absent when none does; `verified.json` is the last one whose evidence said pass, with
that evidence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from host.base.records import read_json
from host.base.times import utc_now
from host.change.errors import NotVerifiedError, ReleaseMismatchError
from host.change.records import remove, write_json

if TYPE_CHECKING:
    from pathlib import Path

    from host.change.engine import Container, Engine

KEPT = 3
_RELEASE = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Recorded:
    """What recording a release did: whether anything but evidence changed, and what was removed."""

    changed: bool
    containers: list[str]
    images: list[str]

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as the command line prints it."""
        return {"changed": self.changed, "removed": {"containers": self.containers, "images": self.images}}


class Releases:
    """The release documents in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def current(self) -> dict[str, Any] | None:
        """Return the release that runs."""
        return read_json(self._folder / "current.json")

    def verified(self) -> dict[str, Any] | None:
        """Return the last verified release, with its evidence."""
        return read_json(self._folder / "verified.json")

    def get(self, release: str) -> dict[str, Any] | None:
        """Return the document of a release."""
        return read_json(self._folder / f"{release}.json")

    def newest(self) -> list[dict[str, Any]]:
        """Return every release document, the one that was made current last at the front."""
        documents = [read_json(path) for path in self._folder.glob("*.json") if _is_release(path)]
        return sorted(
            filter(None, documents), key=lambda document: str(document.get("recorded_at", "")), reverse=True
        )

    def make_current(self, desired: dict[str, Any]) -> bool:
        """Note that this release runs; return whether that is new."""
        if (self.current() or {}).get("release") == desired["release"]:
            return False
        document = desired | {"recorded_at": utc_now()}
        write_json(self._folder / f"{desired['release']}.json", document)
        write_json(self._folder / "current.json", document)
        return True

    def make_verified(self, desired: dict[str, Any], evidence: dict[str, Any]) -> bool:
        """Note that this release's evidence said pass; return whether another was the last verified one."""
        if evidence.get("verdict") != "pass":
            raise NotVerifiedError(
                f"the evidence of release {desired['release']} says {evidence.get('verdict')}"
            )
        old = self.verified() or {}
        same = old.get("release") == desired["release"]
        if not same or old.get("evidence") != evidence:
            document = (old if same else desired) | {"evidence": evidence, "verified_at": utc_now()}
            write_json(self._folder / "verified.json", document)
        return not same

    def keep_making(self, container_id: str, making: dict[str, Any], existing: set[str]) -> None:
        """Note how a container was when a deploy had made it; what was noted before stays."""
        path = self._folder / "made.json"
        kept = {id_: record for id_, record in (read_json(path) or {}).items() if id_ in existing}
        write_json(path, {container_id: {"at": utc_now(), **making}} | kept)

    def none_runs(self) -> None:
        """Note that no release runs."""
        remove(self._folder / "current.json")


def require_release(container: Container | None, desired: dict[str, Any]) -> None:
    """Raise ReleaseMismatchError unless the container was made from the release that is spoken of."""
    release = container.release if container else "no container"
    if release != desired["release"]:
        raise ReleaseMismatchError(
            f"the container at hand is of release {release}, not of {desired['release']}"
        )


def clean_up(engine: Engine, releases: Releases, desired: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Remove the container that was kept to fall back to, and our images beyond the newest releases.

    Return the names of the containers and the ids of the images that were removed. Images that a container
    uses, of another name than the release's, or without our label, stay.
    """
    kept = engine.find(f"{desired['container']}.previous")
    if kept:
        engine.remove(kept)
    repository = str(desired["image"]["tag"]).rpartition(":")[0]
    return [kept.name] if kept else [], _prune_images(engine, releases, repository)


def _prune_images(engine: Engine, releases: Releases, repository: str) -> list[str]:
    wanted = [*releases.newest()[:KEPT], releases.current() or {}, releases.verified() or {}]
    keep = {document.get("image", {}).get("id") for document in wanted} | engine.images_in_use()
    doomed = [image for image in engine.our_images(repository) if image["Id"] not in keep]
    for image in doomed:
        engine.remove_image(image)
    return [image["Id"] for image in doomed]


def _is_release(path: Path) -> bool:
    return _RELEASE.fullmatch(path.stem) is not None
