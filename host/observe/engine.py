"""The Docker engine and every container it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import docker

from host.observe.observation import collector

if TYPE_CHECKING:
    from host.observe.subject import Subject


@collector("docker.engine", "GET /version, GET /info")
def engine(subject: Subject) -> dict[str, Any]:
    """Describe the engine; `rootless` is what its own security options say."""
    version, info = subject.engine.version(), subject.engine.info()
    options = info.get("SecurityOptions") or []
    return {
        "version": version["Version"],
        "api_version": version["ApiVersion"],
        "rootless": any("rootless" in option for option in options),
        "root_dir": info["DockerRootDir"],
        "storage_driver": info["Driver"],
        "security_options": options,
        "cgroup_version": info.get("CgroupVersion", "1"),
    }


@collector("docker.containers", "GET /containers/json?all=1, then GET /containers/ID/json of each")
def containers(subject: Subject) -> list[dict[str, Any]]:
    """Describe every container, running or not. One that goes away meanwhile is not there any more."""
    listed = (summary["Id"] for summary in subject.engine.containers(all=True))
    inspected = (_inspect(subject, container_id) for container_id in listed)
    return sorted(
        (brief(details) for details in inspected if details), key=lambda container: str(container["name"])
    )


@collector("docker.reference", "GET /containers/{reference_container}/json")
def reference(subject: Subject) -> dict[str, Any]:
    """Describe the container that shows which network and image the stack uses."""
    details = subject.inspect(subject.request.wanted("reference_container"))
    container = brief(details)
    return {key: container[key] for key in ("name", "image", "image_id", "networks", "state")}


def brief(details: dict[str, Any]) -> dict[str, Any]:
    """Return what a list of containers shows of one; `health` is none without a health check."""
    state = details["State"]
    return {
        "name": details["Name"].lstrip("/"),
        "id": details["Id"],
        "image": details["Config"]["Image"],
        "image_id": details["Image"],
        "state": state["Status"],
        "status": state["Status"],
        "health": (state.get("Health") or {}).get("Status", "none"),
        "restart_count": details["RestartCount"],
        "started_at": state["StartedAt"],
        "networks": sorted(details["NetworkSettings"]["Networks"]),
        "published": published(details),
    }


def published(details: dict[str, Any]) -> list[str]:
    """Return the ports that the host lends, as `0.0.0.0:20001->9108/tcp`.

    A container that does not run holds none yet: then those it will ask for.
    """
    bound = details["NetworkSettings"].get("Ports") or {}
    asked = details["HostConfig"].get("PortBindings") or {}
    ports = bound if any(bound.values()) else asked
    texts = [
        f"{place.get('HostIp') or '0.0.0.0'}:{place.get('HostPort') or 'any'}->{port}"  # noqa: S104 - the engine's default
        for port, places in ports.items()
        for place in places or []
    ]
    return sorted(set(texts)) + (["all->exposed"] if details["HostConfig"].get("PublishAllPorts") else [])


def _inspect(subject: Subject, container_id: str) -> dict[str, Any] | None:
    try:
        return dict(subject.engine.inspect_container(container_id))
    except docker.errors.NotFound:
        return None
