"""A part of the simulation that is quick enough for every test run; all of it by `make simulate`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def run(folder: Path, *arguments: str) -> list[dict[str, Any]]:
    """Live through some seeds in a process of their own, with a hash seed that everybody has."""
    out = folder / "simulation.json"
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.simulation.run", *arguments, "--out", str(out)],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        stdout=subprocess.DEVNULL,
        timeout=300,
        check=False,
    )
    figures: list[dict[str, Any]] = json.loads(out.read_text())
    return figures


def test_nothing_breaks_in_forty_worlds(tmp_path: Path) -> None:
    (figures,) = run(tmp_path, "--seeds", "40")
    assert figures["broken"] == {}, "live through one again: python -m tests.simulation.run --seed N"
    assert figures["seeds"] == 40
    assert figures["entries"] > 40


@pytest.mark.parametrize("variant", ["blind_retry", "random_id"])
def test_a_broken_product_is_caught(tmp_path: Path, variant: str) -> None:
    (figures,) = run(tmp_path, "--seeds", "20", "--variant", variant)
    assert figures["broken_by_invariant"].get("I1", 0) > 0


def test_a_seed_is_lived_through_the_same_way_again(tmp_path: Path) -> None:
    first, again = (run(tmp_path, "--first", "7", "--seeds", "4", "--workers", "1")[0] for _ in range(2))
    del first["seconds"], again["seconds"]
    assert first == again
