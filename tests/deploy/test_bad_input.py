"""Bad input gets one clear error, changes nothing, and leaves the running consumer alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import stack
from tests.support.playbooks import ROOT, Project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.playbooks import PlaybookRun

pytestmark = pytest.mark.deploy


@pytest.fixture
def untouched(deployed: Project) -> Iterator[Project]:
    """Watch that the consumer that ran before the test is the one that runs after it."""
    before = stack.inspect(stack.CONSUMER)
    yield deployed
    after = stack.inspect(stack.CONSUMER)
    assert (after["Id"], after["State"]["StartedAt"]) == (before["Id"], before["State"]["StartedAt"])
    assert not stack.exists(f"{stack.CONSUMER}.next")
    stack.wait_until("the old consumer's health", stack.healthy, 40)


def refused(run: PlaybookRun, *words: str) -> None:
    """Assert that the run failed with one message that holds these words, and locked nobody out."""
    assert run.exit_code != 0
    assert run.output.count("fatal: ") + run.output.count("[ERROR]: Task failed") <= 2, run.output[-4000:]
    for word in words:
        assert word in run.output, run.output[-4000:]


def test_an_unknown_variable_is_refused_with_the_nearest_known_one(untouched: Project) -> None:
    refused(untouched.run("deploy.yml", "-e", "safe_drian=true"), "safe_drian", "safe_drain")


def test_a_network_that_is_not_there_is_named(untouched: Project) -> None:
    refused(untouched.run("deploy.yml", "-e", "stack_network=no_such_network"), "no_such_network")


def test_redis_away_is_named(untouched: Project) -> None:
    stack.docker("pause", "quantum_redis")
    try:
        refused(untouched.run("deploy.yml", "-e", "safe_drain=true"), "Redis")
    finally:
        stack.docker("unpause", "quantum_redis")


def test_a_missing_vault_password_is_named(untouched: Project) -> None:
    example = Project(inventory=ROOT / "inventory" / "example_vps")
    refused(example.run("deploy.yml", "-e", "safe_drain=true"), "--vault-id")
    assert untouched
