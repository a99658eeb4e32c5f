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
            "create", "--name", stack.CONSUMER, *like(original), *options, original["Image"], *command
        )
        stack.docker("start", stack.CONSUMER)

    yield replace
    stack.docker("rm", "-f", stack.CONSUMER)
    stack.docker("rename", aside, stack.CONSUMER)
    stack.docker("start", stack.CONSUMER)


def like(original: dict[str, object]) -> list[str]:
    """Give the options of `docker create` that make a container like this one."""
    config, host = original["Config"], original["HostConfig"]
    assert isinstance(config, dict)
    assert isinstance(host, dict)
    options = ["--network", stack.NETWORK, "--user", config["User"], "--read-only", "--cap-drop", "ALL"]
    options += ["--security-opt", "no-new-privileges:true", "--restart", host["RestartPolicy"]["Name"]]
    options += ["--memory", str(host["Memory"]), "--memory-swap", str(host["MemorySwap"])]
    options += ["--pids-limit", str(host["PidsLimit"]), "--log-driver", host["LogConfig"]["Type"]]
    options += [f"--log-opt={key}={value}" for key, value in host["LogConfig"]["Config"].items()]
    options += [f"--env={entry}" for entry in config["Env"]]
    options += [f"--label={key}={value}" for key, value in config["Labels"].items()]
    options += [f"--volume={bind}" for bind in host["Binds"] or []]
    options += [
        f"--mount=type=bind,src={m['Source']},dst={m['Target']},readonly" for m in host.get("Mounts") or []
    ]
    options += [f"--tmpfs={path}:{flags}" for path, flags in (host["Tmpfs"] or {}).items()]
    return options
