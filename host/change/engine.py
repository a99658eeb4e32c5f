"""What is asked of the Docker engine. Each change first asks whether the lock is still ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from docker.errors import NotFound

from host.base.engine import connect
from host.base.portrait import portrait
from host.change.errors import ContainerMissingError
from host.change.watch import Sample

if TYPE_CHECKING:
    from collections.abc import Callable

MANAGED = "trade_intent.managed"
RELEASE = "trade_intent.release"
_MODE = "TRADE_INTENT_MODE="
_TIMEOUT_S = 60


@dataclass(frozen=True)
class Container:
    """A container as the engine describes it; `mode` is the consumer's, as its environment sets it."""

    id: str
    name: str
    image_id: str
    labels: dict[str, str]
    mode: str
    running: bool
    paused: bool
    sample: Sample

    @property
    def release(self) -> str | None:
        """The release that it was made from."""
        return self.labels.get(RELEASE)


class Engine:
    """The Docker engine. `before_change` runs before every change and may raise to prevent it."""

    def __init__(self, before_change: Callable[[], object]) -> None:
        self._api = connect(_TIMEOUT_S)
        self._before_change = before_change

    def close(self) -> None:
        """Close the connections, so that a forked child cannot share them."""
        self._api.close()

    def find(self, name_or_id: str | None) -> Container | None:
        """Return the container of exactly this name or id, None when there is none."""
        if not name_or_id:
            return None
        try:
            container = describe(self._api.inspect_container(name_or_id))
        except NotFound:
            return None
        return container if name_or_id in (container.name, container.id) else None

    def get(self, name_or_id: str) -> Container:
        """Return the container; raise ContainerMissingError when there is none."""
        container = self.find(name_or_id)
        if container is None:
            raise ContainerMissingError(f"there is no container {name_or_id}")
        return container

    def address(self, name: str, network: str) -> str | None:
        """Return the container's address in `network`, None when it has none there."""
        try:
            networks = self._api.inspect_container(name)["NetworkSettings"]["Networks"]
        except NotFound:
            return None
        return (networks.get(network) or {}).get("IPAddress") or None

    def stop(self, container: Container) -> None:
        """Stop the container, within its own stop timeout."""
        self._before_change()
        self._api.stop(container.id)

    def start(self, container: Container) -> None:
        """Let the container run: unpause it when it is paused, start it when it is not running."""
        self._before_change()
        if container.paused:
            self._api.unpause(container.id)
        else:
            self._api.start(container.id)

    def rename(self, container: Container, name: str) -> None:
        """Give the container another name."""
        if container.name != name:
            self._before_change()
            self._api.rename(container.id, name)

    def remove(self, container: Container) -> None:
        """Remove the container."""
        self._before_change()
        self._api.remove_container(container.id, force=True)

    def log_tail(self, container: Container, lines: int) -> list[str]:
        """Return the container's last log lines, oldest first."""
        raw: bytes = self._api.logs(container.id, tail=lines, timestamps=False)
        return raw.decode(errors="replace").splitlines()[-lines:]

    def making(self, container: Container) -> dict[str, Any]:
        """Return the record of a container's making: release, engine, and all that the engine says."""
        return {
            "release": container.release,
            "engine": self._api.version()["Version"],
            "portrait": portrait(self._api.inspect_container(container.id)),
        }

    def container_ids(self) -> set[str]:
        """Return the ids of all containers, running or not."""
        return {str(container["Id"]) for container in self._api.containers(all=True)}

    def our_images(self, repository: str) -> list[dict[str, Any]]:
        """Return the images of this name, any tag, that carry our label, as the engine lists them."""
        images: list[dict[str, Any]] = self._api.images(repository, filters={"label": f"{MANAGED}=true"})
        return images

    def images_in_use(self) -> set[str]:
        """Return the ids of the images that any container was made from."""
        return {str(container["ImageID"]) for container in self._api.containers(all=True)}

    def remove_image(self, image: dict[str, Any]) -> None:
        """Remove an image under every name it has."""
        self._before_change()
        tags = [tag for tag in image.get("RepoTags") or [] if tag != "<none>:<none>"]
        for name in tags or [image["Id"]]:
            self._api.remove_image(name)


def describe(inspected: dict[str, Any]) -> Container:
    """Read the engine's answer to `GET /containers/<id>/json`."""
    state, config = inspected["State"], inspected["Config"]
    modes = [entry.removeprefix(_MODE) for entry in config.get("Env") or [] if entry.startswith(_MODE)]
    return Container(
        id=inspected["Id"],
        name=inspected["Name"].removeprefix("/"),
        image_id=inspected["Image"],
        labels=dict(config.get("Labels") or {}),
        mode=modes[-1] if modes else "safe_drain",
        running=bool(state["Running"]),
        paused=bool(state["Paused"]),
        sample=_sample(inspected),
    )


def _sample(inspected: dict[str, Any]) -> Sample:
    state = inspected["State"]
    return Sample(
        status=state["Status"],
        health=(state.get("Health") or {}).get("Status"),
        restart_count=inspected["RestartCount"],
        started_at=state["StartedAt"],
        exit_code=state["ExitCode"],
        oom_killed=bool(state["OOMKilled"]),
    )
