"""A host of the tests' own: a state folder, real containers under names of their own, a real Redis."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import pytest
import redis

from host.base.state import StateFolder
from host.change.cli import COMMANDS, _command
from host.change.request import CommandRequest
from host.change.state import prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from docker.models.containers import Container

    from tests.support.redis_server import RedisServer

ROOT = Path(__file__).parents[4]
IMAGE = "trade-intent/base:trixie"
LABEL = "ti_target_test"
MS = 1_000_000

WAITS = "trap 'exit 0' TERM; sleep 1000 & wait"
#: What a container of the tests does, and how its health check answers.
KINDS: dict[str, tuple[str, str]] = {
    "healthy": (f"echo up; {WAITS}", "exit 0"),
    "slow to stop": ("trap 'sleep 0.7; exit 0' TERM; sleep 1000 & wait", "exit 0"),
    "crashing": ("echo redis_password=hunter2222; echo cannot start; exit 3", "exit 0"),
    "unhealthy": (WAITS, "exit 1"),
    "never healthy": (WAITS, "sleep 30"),
    "waiting for the id": (f"test -e /run/trade_intent/cutover_id && {WAITS}", "exit 0"),
}


def release_id(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Machine:
    """One host as the commands see it, and shorthand for what tests ask of it."""

    state: StateFolder
    engine: docker.DockerClient
    redis: redis.Redis
    port: int
    name: str
    stream: str
    group: str = "the consumer's group"
    token: list[str] = field(default_factory=list)

    @property
    def next(self) -> str:
        return f"{self.name}.next"

    @property
    def previous(self) -> str:
        return f"{self.name}.previous"

    @property
    def failed(self) -> str:
        return f"{self.name}.failed"

    def ask(self, command: str, **request: Any) -> dict[str, Any]:
        """Run a command in this process."""
        assert command in COMMANDS
        return _command(command)(self.state, CommandRequest(request))

    def run(self, command: str, **request: Any) -> dict[str, Any]:
        """Run a command as the controller does: a process of its own, JSON in, JSON out."""
        done = subprocess.run(
            [sys.executable, "-m", "host", "--state-dir", str(self.state.root), *command.split()],
            cwd=ROOT, input=json.dumps(request), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip # a table, or a call that is read as one
        assert not done.stderr, done.stderr
        reply: dict[str, Any] = json.loads(done.stdout)
        assert (done.returncode == 0) == ("error" not in reply)
        return reply

    def lock(self, run_id: str = "run-1") -> str:
        taken = self.ask("lock acquire", owner="tests", run_id=run_id, why="a test", ttl_s=60)
        self.token[:] = [taken["token"]]
        return str(taken["token"])

    def desired(self, release: str = "new", **changes: Any) -> dict[str, Any]:
        return {
            "schema": 1, "release": release_id(release), "mode": "safe_drain", "container": self.name,
            "network": "bridge", "stream": self.stream, "group": self.group,
            "image": {"id": "sha256:none", "tag": f"{self.name}:0"},
            "redis": {"container": None, "host": "127.0.0.1", "port": self.port, "db": 0}, **changes,
        }  # fmt: skip # a table, or a call that is read as one

    def create(
        self,
        name: str,
        kind: str = "healthy",
        release: str = "new",
        *,
        mode: str = "safe_drain",
        start: bool = False,
        image: str = IMAGE,
    ) -> Container:
        command, check = KINDS[kind]
        health = {"test": ["CMD-SHELL", check], "interval": 200 * MS, "timeout": 40_000 * MS, "retries": 2}
        container = self.engine.containers.create(
            image, ["sh", "-c", command], name=name, init=False, network="bridge",
            healthcheck=health,
            environment={"TRADE_INTENT_MODE": mode},
            labels={LABEL: self.name, "trade_intent.release": release_id(release)},
            volumes={str(self.state.root / "cutover"): {"bind": "/run/trade_intent", "mode": "ro"}},
            restart_policy={"Name": "unless-stopped"},
        )  # fmt: skip # a table, or a call that is read as one
        if start:
            container.start()
        return container

    def verified(self, release: str, **changes: Any) -> None:
        """Put a verified release on record, as an earlier deploy left it."""
        document = self.desired(release, **changes)
        (self.state.releases / "verified.json").write_text(json.dumps(document))
        (self.state.releases / "current.json").write_text(json.dumps(document))

    def order(self, **changes: Any) -> dict[str, Any]:
        return {
            "run_id": "run-1", "token": self.token[0], "desired": self.desired(), "main": self.name,
            "next": self.next, "previous": self.previous, "steady_s": 0.1, "start_timeout_s": 8, **changes,
        }  # fmt: skip # a table, or a call that is read as one

    def switch(self, **changes: Any) -> dict[str, Any]:
        """Switch and return the record of how it ended."""
        started = self.ask("switch start", **self.order(**changes))
        return self.ask("switch wait", switch_id=started["switch_id"], timeout_s=30)

    def statuses(self) -> dict[str, tuple[str, str]]:
        """Return, by the name's ending, each container's status and its release."""
        made = self.engine.containers.list(all=True, filters={"label": f"{LABEL}={self.name}"})
        return {
            container.name.removeprefix(self.name): (
                container.status,
                container.labels["trade_intent.release"],
            )
            for container in made
        }

    def groups(self) -> dict[str, dict[str, Any]]:
        return {group["name"]: group for group in self.redis.xinfo_groups(self.stream)}


def wait_until(what: str, holds: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists() and "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()


@pytest.fixture
def state(tmp_path: Path) -> StateFolder:
    folder = StateFolder(tmp_path / "state")
    prepare(folder)
    return folder


@pytest.fixture
def machine(state: StateFolder, redis_server: RedisServer) -> Iterator[Machine]:
    name = f"ti_target_{os.getpid()}_{secrets.token_hex(3)}"
    engine = docker.from_env()
    client = redis_server.client()
    machine = Machine(state, engine, client, redis_server.port, name, f"stream:{name}")
    client.xadd(machine.stream, {"symbol": "BTCUSDT"})
    machine.lock()
    yield machine
    shown = machine.ask("switch show")
    if shown["state"] == "running" and shown["pid"]:
        os.kill(shown["pid"], signal.SIGKILL)
    for container in engine.containers.list(all=True, filters={"label": f"{LABEL}={name}"}):
        container.remove(force=True)
    engine.close()


def sandbox_images() -> list[str]:
    """Return one image that holds another version of redis-server, where the sandbox has built it."""
    try:
        engine = docker.from_env()
        images = engine.images.list("trade-intent/sandbox")
    except docker.errors.DockerException:
        return []
    return [image.tags[0] for image in images if image.tags][:1]


@pytest.fixture(scope="session", params=["redis-server of this host", *sandbox_images()])
def any_redis(request: pytest.FixtureRequest, redis_server: RedisServer) -> Iterator[tuple[str, int]]:
    """Give the address of each version of Redis that is at hand."""
    if request.param == "redis-server of this host":
        yield "127.0.0.1", redis_server.port
        return
    engine = docker.from_env()
    container = engine.containers.run(
        request.param, ["redis-server", "--protected-mode", "no", "--bind", "0.0.0.0", "--save", ""],  # noqa: S104 - in a container whose port is not published
        name=f"ti_target_{os.getpid()}_redis", labels={LABEL: "redis"}, entrypoint="", network="bridge",
        detach=True,
    )  # fmt: skip # a table, or a call that is read as one
    try:
        container.reload()
        address = container.attrs["NetworkSettings"]["IPAddress"]
        wait_until("Redis in a container", lambda: _answers(address))
        yield address, 6379
    finally:
        container.remove(force=True)
        engine.close()


def _answers(address: str) -> bool:
    try:
        return bool(redis.Redis(address).ping())
    except redis.RedisError:
        return False
