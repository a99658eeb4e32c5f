"""A VPS made for the test: a container with its own sshd and its own Docker engine."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.playbooks import ROOT, Project
from tests.support.redis_server import free_port
from tests.support.stack import docker, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IMAGE = "trade-intent/test-vps"
BASE = os.environ.get("BASE_IMAGE", "trade-intent/base:trixie")


@dataclass(frozen=True)
class Vps:
    """One such host and how to reach it."""

    name: str
    port: int
    project: Project

    def shell(self, *command: str, check: bool = True) -> str:
        return docker("exec", self.name, *command, check=check)

    def engine_answers(self) -> bool:
        return bool(self.shell("docker", "info", "--format", "{{.ServerVersion}}", check=False).strip())

    def fill_disk(self) -> None:
        """Leave 20 MB where the engine keeps its images."""
        free = int(self.shell("df", "--output=avail", "-B1M", "/var/lib/docker").split()[-1])
        self.shell("fallocate", "-l", f"{free - 20}M", "/var/lib/docker/filler")

    def free_disk(self) -> None:
        self.shell("rm", "-f", "/var/lib/docker/filler")

    def restart_engine(self) -> None:
        """End the engine as a host's own restart would; the host's init starts it again."""
        before = self.shell("pidof", "dockerd").strip()
        self.shell("sh", "-c", "kill $(pidof dockerd)")
        wait_until("the engine's restart", lambda: self._new_engine(before), 60)

    def _new_engine(self, before: str) -> bool:
        now = self.shell("pidof", "dockerd", check=False).strip()
        return now not in {"", before} and self.engine_answers()


def write_inventory(folder: Path, port: int) -> Path:
    """Write the sandbox's own settings, reached over ssh with host key checking on."""
    inventory = folder / "inventory"
    inventory.mkdir()
    (inventory / "group_vars").symlink_to(ROOT / "inventory" / "sandbox" / "group_vars")
    (inventory / "hosts.yml").write_text(f"""
trade_intent:
  hosts:
    vps1:
      ansible_host: 127.0.0.1
      ansible_port: {port}
      ansible_user: root
      ansible_connection: ssh
      ansible_python_interpreter: /usr/bin/python3
      ansible_ssh_private_key_file: {folder}/key
      ansible_ssh_common_args: -o UserKnownHostsFile={folder}/known_hosts -o StrictHostKeyChecking=yes
""")
    return inventory


@contextmanager
def vps_host(folder: Path) -> Iterator[Vps]:
    """Make a VPS, give it, and remove all of it; keys and inventory are written to `folder`."""
    name, port = f"ti_vps_{os.getpid()}", free_port()
    environment = {**os.environ, "DOCKER_BUILDKIT": "0"}
    subprocess.run(
        ["docker", "build", "-q", "-t", IMAGE, "--build-arg", f"BASE={BASE}", str(ROOT / "tests/vps")],
        check=True,
        env=environment,
        capture_output=True,
    )
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key")], check=True)
    # In memory, and small enough to be filled by a test.
    docker(
        "volume",
        "create",
        f"{name}_docker",
        "--opt",
        "type=tmpfs",
        "--opt",
        "device=tmpfs",
        "--opt",
        "o=size=3g",
    )
    docker(
        "run", "-d", "--name", name, "--hostname", "vps1",
        # SYS_RESOURCE is missing on some machines that run the tests, and --privileged asks for it.
        "--cap-add", "ALL", "--cap-drop", "SYS_RESOURCE",
        "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined",
        "--security-opt", "systempaths=unconfined",
        "-v", "/sys/fs/cgroup:/sys/fs/cgroup:rw", "--cgroupns=host", "-v", f"{name}_docker:/var/lib/docker",
        "--tmpfs", "/run:exec", "-p", f"127.0.0.1:{port}:22", IMAGE,
    )  # fmt: skip # a table, or a call that is read as one
    try:
        public = (folder / "key.pub").read_text()
        docker(
            "exec",
            "-i",
            name,
            "sh",
            "-c",
            "umask 077; mkdir -p /root/.ssh; cat > /root/.ssh/authorized_keys",
            stdin=public,
        )
        host_key = ""

        def keys_are_there() -> bool:
            nonlocal host_key
            host_key = docker("exec", name, "cat", "/etc/ssh/ssh_host_ed25519_key.pub", check=False).strip()
            return bool(host_key)

        wait_until("the VPS's host key", keys_are_there, 20)
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}\n")
        host = Vps(name, port, Project(inventory=write_inventory(folder, port)))
        wait_until("the VPS's engine", host.engine_answers, 40)
        yield host
    finally:
        docker("rm", "-f", "-v", name, check=False)
        docker("volume", "rm", f"{name}_docker", check=False)
