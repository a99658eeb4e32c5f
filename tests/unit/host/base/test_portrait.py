"""Two looks at the same container give the same portrait; whatever somebody changed shows in it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from host.base.portrait import differences, portrait


def described() -> dict[str, Any]:
    """What the engine says of a container, as far as these tests change it."""
    network = {"IPAddress": "172.18.0.9", "EndpointID": "e1", "NetworkID": "n1", "Aliases": ["consumer"]}
    return {
        "Id": "c1",
        "Name": "/consumer",
        "Args": ["-m", "consumer"],
        "RestartCount": 0,
        "ExecIDs": None,
        "State": {"Status": "running", "Pid": 7, "Health": {"Log": [1, 2]}},
        "GraphDriver": {"Data": {"UpperDir": "/a"}},
        "HostConfig": {"SecurityOpt": ["no-new-privileges:true"], "Ulimits": None, "Memory": 1, "CapAdd": []},
        "Config": {"Env": ["MODE=safe_drain", "KEY=hidden"], "Cmd": ["python3", "-m", "consumer"]},
        "Mounts": [{"Destination": "/b", "RW": False}, {"Destination": "/a", "RW": False}],
        "NetworkSettings": {"SandboxID": "s1", "Ports": {}, "Networks": {"stack": network}},
    }


def changed(change: str, value: Any) -> list[str]:
    """Change one value and return the paths that differ."""
    details = deepcopy(described())
    *folders, name = change.split("/")
    place = details
    for folder in folders:
        place = place[folder]
    place[name] = value
    return list(differences(portrait(described()), portrait(details)))


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("State/Pid", 9),
        ("RestartCount", 3),
        ("ExecIDs", ["x"]),
        ("GraphDriver/Data", {"UpperDir": "/b"}),
        ("NetworkSettings/SandboxID", "s2"),
        ("NetworkSettings/Networks/stack/IPAddress", "172.18.0.8"),
        ("HostConfig/Ulimits", []),
        ("HostConfig/NewSetting", False),
        ("Mounts", list(reversed(described()["Mounts"]))),
    ],
)
def test_a_restart_and_another_order_change_nothing(change: str, value: Any) -> None:
    assert changed(change, value) == []


@pytest.mark.parametrize(
    ("change", "value", "path"),
    [
        ("HostConfig/SecurityOpt", ["seccomp=unconfined"], "HostConfig.SecurityOpt"),
        ("HostConfig/Ulimits", [{"Name": "nofile"}], "HostConfig.Ulimits"),
        ("HostConfig/Memory", 0, "HostConfig.Memory"),
        ("HostConfig/NewSetting", True, "HostConfig.NewSetting"),
        ("Config/Env", ["MODE=live", "KEY=hidden"], "Config.Env.MODE"),
        ("Config/Cmd", ["sh", "-c", "python3 -m consumer"], "Config.Cmd"),
        ("Args", ["-c", "wrapped"], "Args"),
        ("Mounts", [{"Destination": "/a", "RW": True}, {"Destination": "/b", "RW": False}], "Mounts./a.RW"),
        ("NetworkSettings/Networks/stack/NetworkID", "n2", "NetworkSettings.Networks.stack.NetworkID"),
        ("NetworkSettings/Ports", {"9108/tcp": [1]}, "NetworkSettings.Ports.9108/tcp"),
        ("Name", "/other", "Name"),
    ],
)
def test_whatever_somebody_changed_is_named(change: str, value: Any, path: str) -> None:
    assert changed(change, value) == [path]


def test_no_value_of_the_environment_stands_in_it() -> None:
    assert "hidden" not in str(portrait(described()))
