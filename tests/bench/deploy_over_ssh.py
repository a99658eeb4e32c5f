"""Measure deploys over ssh to a VPS made for it: the first with the image at hand, then unchanged ones.

Prints seconds for the whole command, as a person waits for it, and the steps of the last run from its report.
Usage: python tests/bench/deploy_over_ssh.py [unchanged runs]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.vps import vps_host

if TYPE_CHECKING:
    from tests.support.vps import Vps

MAIN_JOB = ("deploy.yml", "-e", "safe_drain=true")


def timed(vps: Vps) -> float:
    """Deploy once; seconds."""
    started = time.monotonic()
    run = vps.project.run(*MAIN_JOB)
    seconds = time.monotonic() - started
    if run.exit_code:
        sys.exit(run.output[-4000:])
    return seconds


def main(unchanged_runs: int) -> None:
    """Deploy, deploy again, and print the seconds."""
    with tempfile.TemporaryDirectory() as folder, vps_host(Path(folder)) as vps:
        prepared = vps.project.run("playbooks/sandbox.yml", timeout=600)
        if prepared.exit_code:
            sys.exit(prepared.output[-4000:])
        first = timed(vps)
        print(f"deploy over ssh, image built: {first:.1f} s (bar 90, aim 60)")
        print_steps(vps)
        unchanged = [timed(vps) for _ in range(unchanged_runs)]
        print(
            f"unchanged redeploy: min {min(unchanged):.1f} median {statistics.median(unchanged):.1f} "
            f"max {max(unchanged):.1f} s of {unchanged_runs} (bar 40, aim 25)"
        )
        print_steps(vps)


def print_steps(vps: Vps) -> None:
    """Print the time of each step of the newest run."""
    for step in vps.project.evidence("vps1")["timings"]:
        print(f"    {step['step']:<24}{step['seconds']:6.1f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
