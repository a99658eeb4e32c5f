"""The manual has a paragraph for everything that the consumer can say is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from consumer.stream import causes, faults

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/operations.md").read_text()
#: Where the consumer names a fault, in its code.
NAMED = re.compile(r'\.fault\(\s*"([A-Z_]+)"')
FAULTS = {code for file in (ROOT / "consumer").rglob("*.py") for code in NAMED.findall(file.read_text())}
#: Where it names a halt.
HALTS = {
    code
    for file in (ROOT / "consumer/live").rglob("*.py")
    for code in re.findall(r'"(HALT_[A-Z_]+)[":]', file.read_text())
}
CAUSES = {*causes.CODES.values(), causes.AWAY, causes.REFUSED, faults.UNKEPT, "CLOCK", "STARTING"}


@pytest.mark.parametrize("code", sorted(FAULTS | CAUSES))
def test_each_code_has_its_line(code: str) -> None:
    assert f"| `{code}` |" in PAGE


def test_the_manual_names_no_other_code() -> None:
    told = set(re.findall(r"^\| `([A-Z_]+)` \|", PAGE, re.MULTILINE))
    assert {code for code in told if not code.startswith("HALT_")} == FAULTS | CAUSES


def test_the_manual_has_every_halt_and_no_other() -> None:
    lines = re.findall(r"^\| (`HALT_[^|]*) \|", PAGE, re.MULTILINE)
    assert {code for line in lines for code in re.findall(r"`(HALT_[A-Z_]+)`", line)} == HALTS
