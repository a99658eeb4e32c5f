"""The role on a host of its own, reached over ssh, whose engine has no base image. In this order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stack import wait_until
from tests.support.vps import Vps, vps_host

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.vps
GROUPS = ("docker", "exec", "quantum_redis", "redis-cli", "XINFO", "GROUPS", "quantum:stream:trade.intent")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vps]:
    with vps_host(tmp_path_factory.mktemp("host")) as vps:
        vps.shell("docker", "network", "create", "somebody_elses_network")
        vps.shell("docker", "volume", "create", "somebody_elses_volume")
        yield vps


def play(host: Vps, playbook: str, *arguments: str) -> int:
    """Run it, want success, and return how many tasks changed something."""
    run = host.project.run(f"playbooks/{playbook}", *arguments, timeout=400)
    assert run.exit_code == 0, run.output[-4000:]
    return run.changed


def statuses(host: Vps) -> dict[str, str]:
    lines = host.shell("docker", "ps", "--all", "--format", "{{.Names}} {{.Status}}").splitlines()
    return {
        name: status.split("(")[-1].rstrip(")") for name, status in (line.split(" ", 1) for line in lines)
    }


def test_a_check_on_an_empty_host_changes_nothing(host: Vps) -> None:
    assert play(host, "sandbox.yml", "--check", "--diff") > 0
    assert statuses(host) == {}
    assert "trade_intent_sandbox" not in host.shell("ls", "/var/lib")


def test_it_comes_up_as_the_incident_was(host: Vps) -> None:
    play(host, "sandbox.yml")
    states = statuses(host)
    assert states.pop("quantum_nginx") == "unhealthy"
    assert set(states.values()) == {"healthy"}
    assert len(states) == 7


def test_a_second_run_changes_nothing(host: Vps) -> None:
    assert play(host, "sandbox.yml") == 0


def test_a_restart_of_the_engine_loses_nothing(host: Vps) -> None:
    before = host.shell(*GROUPS)
    host.restart_engine()
    wait_until("Redis's return", lambda: host.shell(*GROUPS, check=False) == before, 30)


def test_down_removes_all_of_it_and_nothing_else(host: Vps) -> None:
    play(host, "sandbox_down.yml")
    assert statuses(host) == {}
    assert host.shell("docker", "images", "--quiet") == ""
    networks = host.shell("docker", "network", "ls", "--format", "{{.Name}}").split()
    assert sorted(networks) == ["bridge", "host", "none", "somebody_elses_network"]
    assert host.shell("docker", "volume", "ls", "--quiet") == "somebody_elses_volume"
    assert "trade_intent" not in host.shell("ls", "/var/lib")
    assert play(host, "sandbox_down.yml") == 0
