from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from checks.audit import FIRST, follow
from host.change.audit import Audit

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def lines(tmp_path: Path) -> list[str]:
    """A log as the target itself writes it."""
    path = tmp_path / "audit.log"
    for action in ("lock", "switch", "unlock"):
        Audit(path).note("root", "20261122T160000Z-ab12", action, "ok", host="sandbox")
    return path.read_text().splitlines()


def broken(lines: list[str]) -> str | None:
    return follow("\n".join(lines)).broken


def test_the_log_that_the_target_writes_is_whole(lines: list[str]) -> None:
    assert follow("\n".join(lines)).broken is None
    assert json.loads(lines[0])["prev"] == FIRST


def test_a_changed_line_is_found(lines: list[str]) -> None:
    assert "line 2 was changed" in str(broken([lines[0], lines[1].replace("switch", "status"), lines[2]]))


def test_a_line_taken_out_is_found(lines: list[str]) -> None:
    assert "line 2 does not follow" in str(broken([lines[0], lines[2]]))


def test_the_first_line_taken_out_is_found(lines: list[str]) -> None:
    assert "line 1 does not follow" in str(broken(lines[1:]))


def test_lines_that_changed_places_are_found(lines: list[str]) -> None:
    assert broken([lines[1], lines[0], lines[2]])


def test_a_line_that_a_crash_tore_is_counted_and_is_no_break(lines: list[str]) -> None:
    trail = follow("\n".join([lines[0], '{"at": "20', *lines[1:]]))
    assert (trail.lines, trail.torn, trail.broken) == (3, 1, None)


@pytest.mark.parametrize("text", ["", "\n", "nothing here"])
def test_a_log_without_a_line_is_not_whole(text: str) -> None:
    assert follow(text).broken == "the log has no line"
