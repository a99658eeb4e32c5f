"""Every fault is planted in the real, deployed system, and taken out again."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support import stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.playbooks import Project

type Replant = Callable[..., None]


@pytest.fixture
def intact(deployed: Project) -> Iterator[Project]:
    """Start from a healthy deployment and make sure that the next test does too."""
    stack.wait_until("the consumer's health before the fault", stack.healthy, 40)
    yield deployed
    stack.wait_until("the consumer's health after the fault was taken out", stack.healthy, 60)


@pytest.fixture
def saboteur(intact: Project, tmp_path: Path) -> Iterator[Project]:
    """Give a copy of the project whose code a test may break, and forget its reports."""
    yield intact.copy(tmp_path / "sabotaged")
    shutil.rmtree(tmp_path / "sabotaged")


@pytest.fixture
def impostor(intact: Project) -> Iterator[Replant]:
    """Put a container of the same image, but made otherwise, in the consumer's place."""
    aside = f"{stack.CONSUMER}.aside"
    assert intact

    def replace(*options: str, command: tuple[str, ...] = ()) -> None:
        original = stack.inspect(stack.CONSUMER)
        stack.docker("stop", "-t", "15", stack.CONSUMER)
        stack.docker("rename", stack.CONSUMER, aside)
        stack.docker(
            "create", "--name", stack.CONSUMER, *stack.like(original), *options, original["Image"], *command
        )
        stack.docker("start", stack.CONSUMER)

    yield replace
    stack.docker("rm", "-f", stack.CONSUMER)
    stack.docker("rename", aside, stack.CONSUMER)
    stack.docker("start", stack.CONSUMER)
