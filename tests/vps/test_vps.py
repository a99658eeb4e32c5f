"""The same deploy to a VPS over ssh, from nothing to verified. Each test goes on where the last one ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.playbooks import verdicts
from tests.support.stack import wait_until

if TYPE_CHECKING:
    from tests.support.vps import Vps

pytestmark = pytest.mark.vps
CONSUMER = "quantum_trade_intent_consumer"
HEALTH = "{{.State.Status}} {{.State.Health.Status}}"


def health(vps: Vps) -> str:
    return vps.shell("docker", "inspect", "--format", HEALTH, CONSUMER, check=False).strip()


def test_check_and_diff_work_on_a_fresh_host(vps: Vps) -> None:
    run = vps.project.run("playbooks/sandbox.yml", timeout=600)
    assert run.exit_code == 0, run.output[-4000:]
    run = vps.project.run("deploy.yml", "-e", "safe_drain=true", "--check", "--diff")
    assert run.exit_code == 0, run.output[-4000:]
    assert CONSUMER not in vps.shell("docker", "ps", "-a", "--format", "{{.Names}}")
    assert vps.shell("ls", "/var/lib", check=False).split().count("trade_intent") == 0


def test_a_deploy_over_ssh_goes_from_nothing_to_verified(vps: Vps) -> None:
    run = vps.project.run("deploy.yml", "-e", "safe_drain=true", timeout=300)
    assert run.exit_code == 0, run.output[-4000:]
    evidence = vps.project.evidence("vps1")
    assert evidence["verdict"] == "pass"
    assert evidence["timings"]
    assert health(vps) == "running healthy"


def test_a_second_deploy_over_ssh_changes_nothing(vps: Vps) -> None:
    run = vps.project.run("deploy.yml", "-e", "safe_drain=true")
    assert run.exit_code == 0, run.output[-4000:]
    assert run.changed == 0


def test_a_host_that_is_not_the_known_one_is_refused(vps: Vps) -> None:
    impostor = "ssh-keygen -q -t ed25519 -N '' -f /tmp/other && cat /tmp/other.pub"
    other_key = vps.shell("sh", "-c", impostor).split()[1]
    assert vps.project.inventory is not None
    known_hosts = vps.project.inventory.parent / "known_hosts"
    right = known_hosts.read_text()
    known_hosts.write_text(f"{right.split()[0]} ssh-ed25519 {other_key}\n")
    try:
        run = vps.project.run("deploy.yml", "-e", "safe_drain=true")
    finally:
        known_hosts.write_text(right)
    assert run.exit_code != 0
    assert "host key" in run.output.lower()
    assert health(vps) == "running healthy"


def test_a_user_without_docker_rights_gets_one_clear_error(vps: Vps) -> None:
    vps.shell(
        "sh",
        "-c",
        "useradd -m plain && install -d -o plain -m 700 /home/plain/.ssh"
        " && install -o plain -m 600 /root/.ssh/authorized_keys /home/plain/.ssh/authorized_keys",
    )
    run = vps.project.run(
        "deploy.yml", "-e", "safe_drain=true", "-e", "ansible_user=plain", "-e", "trade_intent_become=false"
    )
    assert run.exit_code != 0
    assert "root" in run.output
    assert "become" in run.output
    assert health(vps) == "running healthy"


def test_a_user_who_may_sudo_deploys_as_root_does(vps: Vps) -> None:
    vps.shell("sh", "-c", "echo 'plain ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/plain")
    run = vps.project.run("deploy.yml", "-e", "safe_drain=true", "-e", "ansible_user=plain")
    assert run.exit_code == 0, run.output[-4000:]
    assert run.changed == 0
    assert vps.project.evidence("vps1")["verdict"] == "pass"


def test_a_full_disk_gets_one_clear_error(vps: Vps) -> None:
    vps.fill_disk()
    try:
        run = vps.project.run("deploy.yml", "-e", "safe_drain=true")
    finally:
        vps.free_disk()
    assert run.exit_code != 0
    assert "disk" in run.output.lower()
    assert health(vps) == "running healthy"


def test_the_consumer_comes_back_healthy_when_the_engine_restarts(vps: Vps) -> None:
    vps.restart_engine()
    wait_until("the consumer's return", lambda: health(vps) == "running healthy", 90)
    run = vps.project.run("playbooks/verify.yml")
    assert run.exit_code == 0, run.output[-4000:]
    assert verdicts(vps.project.evidence("vps1"))["E.5.healthy"] == "pass"
