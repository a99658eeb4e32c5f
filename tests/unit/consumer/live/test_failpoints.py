from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

PASSED_TWICE = (
    "import sys; from consumer.live import failpoints; failpoints.arm(sys.argv[1]); "
    "failpoints.point('other'); failpoints.point('here'); failpoints.point('here'); print('alive')"
)


def run(folder: Path, points: str, venue: str = "simulator") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PASSED_TWICE, venue],
        env={"CONSUMER_FAILPOINTS": points, "CONSUMER_FAILPOINTS_LOG": str(folder / "fired")},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.mark.parametrize("points", ["here", "here@2", "elsewhere,here@1"])
def test_a_named_point_ends_the_process_and_says_so(tmp_path: Path, points: str) -> None:
    assert run(tmp_path, points).returncode == -9
    assert (tmp_path / "fired").read_text() == "here\n"


@pytest.mark.parametrize(
    ("points", "venue"), [("", "simulator"), ("here@3", "simulator"), ("here", "mainnet"), ("here", "demo")]
)
def test_no_other_point_and_no_other_venue_ends_it(tmp_path: Path, points: str, venue: str) -> None:
    assert run(tmp_path, points, venue).stdout == "alive\n"
    assert not (tmp_path / "fired").exists()
