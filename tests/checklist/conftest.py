"""What the checklist looks at: the host through testinfra, and the evidence that this run has gathered."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

READ_URL = "import sys,urllib.request as u;print(u.urlopen(sys.argv[1],timeout=5).read().decode())"


@pytest.fixture(scope="session")
def run_folder() -> Path:
    """Return the folder in which the playbook has put this run's observations and desired.json."""
    return Path(os.environ["TRADE_INTENT_RUN_DIR"])


@pytest.fixture(scope="session")
def desired(run_folder: Path) -> dict[str, Any]:
    return dict(json.loads((run_folder / "desired.json").read_text()))


@pytest.fixture(scope="module")
def container(host: Host, desired: dict[str, Any]) -> dict[str, Any]:
    """Look at the container as it is now, not as the evidence has it."""
    name = shlex.quote(desired["container"])
    return dict(json.loads(host.check_output(f"docker inspect --type container {name}"))[0])


@pytest.fixture(scope="module")
def state(host: Host, desired: dict[str, Any], container: dict[str, Any]) -> dict[str, Any]:
    """Ask the running consumer itself."""
    address = container["NetworkSettings"]["Networks"][desired["network"]]["IPAddress"]
    url = f"http://{address}:{desired['settings']['TRADE_INTENT_HTTP_PORT']}/state"
    return dict(json.loads(host.check_output(f"python3 -c {shlex.quote(READ_URL)} {shlex.quote(url)}")))


@pytest.fixture(scope="session")
def judged(run_folder: Path, desired: dict[str, Any]) -> dict[str, str]:
    """Judge the evidence of this run: check id to verdict."""
    from checks.evidence.bundle import read_observations  # noqa: PLC0415 - the rest needs no evidence
    from checks.judge import judge  # noqa: PLC0415 - the rest needs no evidence

    observations = read_observations([run_folder])
    phases = {observation.phase for observation in observations}
    return {finding.check: str(finding.verdict) for finding in judge(observations, desired, phases)}
