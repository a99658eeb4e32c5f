"""The network that the consumer joins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import docker

from host.observe.errors import NotThereError
from host.observe.observation import collector

if TYPE_CHECKING:
    from host.observe.subject import Subject


@collector("docker.network", "GET /networks/{network}")
def network(subject: Subject) -> dict[str, Any]:
    """Describe the network and who is on it, by name, with their addresses."""
    name = subject.request.wanted("network")
    details = _named(subject, name)
    pools = details["IPAM"].get("Config") or [{}]
    members = (details.get("Containers") or {}).values()
    return {
        "name": details["Name"],
        "id": details["Id"],
        "driver": details["Driver"],
        "internal": details["Internal"],
        "subnet": pools[0].get("Subnet", ""),
        "containers": {member["Name"]: member["IPv4Address"].partition("/")[0] for member in members},
    }


def _named(subject: Subject, name: str) -> dict[str, Any]:
    try:
        return dict(subject.engine.inspect_network(name))
    except docker.errors.NotFound:
        known = sorted(other["Name"] for other in subject.engine.networks())
        raise NotThereError(f"there is no network {name}; the engine has {', '.join(known)}") from None
