"""Real parts that many tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import stack
from tests.support.playbooks import Project
from tests.support.redis_server import RedisServer, running_redis

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Project]:
    """Bring the stack up; take it down again unless it was already there."""
    project = Project()
    was_up = stack.exists("quantum_redis")
    run = project.run("playbooks/sandbox.yml", timeout=600)
    assert run.exit_code == 0, run.output[-4000:]
    yield project
    if not was_up:
        run = project.run("playbooks/sandbox_down.yml")
        assert run.exit_code == 0, run.output[-4000:]


@pytest.fixture(scope="session")
def deployed(sandbox: Project) -> Project:
    """Deploy the consumer to the sandbox, in safe drain."""
    run = sandbox.run("deploy.yml", "-e", "safe_drain=true", timeout=600)
    assert run.exit_code == 0, run.output[-4000:]
    return sandbox
