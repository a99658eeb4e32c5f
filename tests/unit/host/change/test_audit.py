from __future__ import annotations

import json
import multiprocessing
import resource
from typing import TYPE_CHECKING

import pytest

from host.base.audit_trail import GENESIS, line_hash
from host.change.audit import Audit

if TYPE_CHECKING:
    from pathlib import Path


def write_many(path: Path, writer: int) -> None:
    for number in range(20):
        Audit(path).note("a writer", str(writer), "test", "ok", number=number)


def test_each_line_names_its_predecessor(audit: Audit) -> None:
    for number in range(3):
        audit.note("somebody", "run-1", "test", "ok", number=number)
    entries = audit.read().entries
    assert [entry["prev"] for entry in entries] == [GENESIS, entries[0]["hash"], entries[1]["hash"]]
    assert all(entry["hash"] == line_hash(entry) for entry in entries)
    assert entries[0]["at"].endswith("Z")


def test_a_log_that_does_not_exist_is_empty_and_intact(tmp_path: Path) -> None:
    trail = Audit(tmp_path / "audit.log").read()
    assert (trail.entries, trail.intact, trail.torn) == ([], True, 0)


def test_a_changed_line_breaks_the_chain(audit: Audit, tmp_path: Path) -> None:
    path = tmp_path / "state/audit/audit.log"
    for result in ("failed", "ok"):
        audit.note("somebody", "run-1", "test", result)
    path.write_text(path.read_text().replace("failed", "passed"))
    assert not audit.read().intact


def test_a_removed_line_breaks_the_chain(audit: Audit, tmp_path: Path) -> None:
    path = tmp_path / "state/audit/audit.log"
    for number in range(3):
        audit.note("somebody", "run-1", "test", "ok", number=number)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text(lines[0] + lines[2])
    assert not audit.read().intact


def test_a_line_that_a_crash_tore_is_kept_and_the_chain_goes_on(audit: Audit, tmp_path: Path) -> None:
    path = tmp_path / "state/audit/audit.log"
    audit.note("somebody", "run-1", "test", "ok")
    with path.open("a") as file:
        file.write('{"at": "2026-11-22T16')
    audit.note("somebody", "run-2", "test", "ok")
    trail = audit.read()
    assert (len(trail.entries), trail.intact, trail.torn) == (2, True, 1)


def test_many_writers_make_one_whole_chain(audit: Audit, tmp_path: Path) -> None:
    path = tmp_path / "state/audit/audit.log"
    with multiprocessing.get_context("fork").Pool(6) as pool:
        pool.starmap(write_many, [(path, writer) for writer in range(6)])
    trail = audit.read()
    assert (len(trail.entries), trail.intact, trail.torn) == (120, True, 0)


def write_without_room(path: Path) -> str:
    """Note a line in a process that may write only a few bytes more; return what was raised."""
    room = path.stat().st_size + 50
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
    try:
        Audit(path).note("somebody", "run-2", "test", "ok")
    except OSError as problem:
        return str(problem)
    return "nothing"


def test_without_room_a_line_is_not_written_at_all(audit: Audit, tmp_path: Path) -> None:
    path = tmp_path / "state/audit/audit.log"
    audit.note("somebody", "run-1", "test", "ok")
    before = path.read_bytes()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert "no room" in pool.apply(write_without_room, (path,))
    assert path.read_bytes() == before


def test_only_the_owner_reads_the_log(audit: Audit, tmp_path: Path) -> None:
    audit.note("somebody", "run-1", "test", "ok")
    assert (tmp_path / "state/audit/audit.log").stat().st_mode & 0o777 == 0o600


def test_a_line_is_one_json_object(audit: Audit, tmp_path: Path) -> None:
    audit.note("somebody\nelse", "run-1", "test", "ok")
    lines = (tmp_path / "state/audit/audit.log").read_text().splitlines()
    assert [json.loads(line)["who"] for line in lines] == ["somebody\nelse"]


@pytest.mark.parametrize("field", ["at", "who", "run_id", "action", "result", "prev", "hash"])
def test_a_line_says_when_who_for_which_run_what_and_how_it_ended(audit: Audit, field: str) -> None:
    audit.note("somebody", "run-1", "test", "ok")
    assert audit.read().entries[0][field]
