from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from host.base.errors import BrokenRecordError
from host.base.records import read_json
from host.change.records import remove, write_bytes, write_json

WRITER = """
import sys
from pathlib import Path
from host.change.records import write_json
number = 0
while True:
    write_json(Path(sys.argv[1]), {"number": number, "padding": "x" * 50_000, "again": number})
    number += 1
"""


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_json(tmp_path / "record.json", {"a": 1})
    assert read_json(tmp_path / "record.json") == {"a": 1}


def test_a_file_that_does_not_exist_reads_as_nothing(tmp_path: Path) -> None:
    assert read_json(tmp_path / "record.json") is None


@pytest.mark.parametrize("content", ["", "{", "[]", "1"])
def test_a_file_that_is_no_object_is_an_error_that_names_it(tmp_path: Path, content: str) -> None:
    (tmp_path / "record.json").write_text(content)
    with pytest.raises(BrokenRecordError, match=r"record\.json"):
        read_json(tmp_path / "record.json")


def test_a_record_is_for_its_owner_only(tmp_path: Path) -> None:
    write_json(tmp_path / "record.json", {})
    assert (tmp_path / "record.json").stat().st_mode & 0o777 == 0o600


def test_a_file_that_could_not_be_written_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    write_bytes(path, b"old")
    with pytest.raises(OverflowError):
        write_bytes(path, b"new", owner=(2**40, 0))
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("secret", b"old")]


def test_a_leftover_of_a_crash_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / ".record.json.tmp").write_text("half")
    write_json(tmp_path / "record.json", {"a": 1})
    assert [file.name for file in tmp_path.iterdir()] == ["record.json"]


def test_removing_twice_is_removing_once(tmp_path: Path) -> None:
    write_json(tmp_path / "record.json", {})
    remove(tmp_path / "record.json")
    remove(tmp_path / "record.json")
    assert list(tmp_path.iterdir()) == []


def test_a_killed_writer_leaves_a_whole_record(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    for _ in range(3):
        path.unlink(missing_ok=True)
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], cwd=Path(__file__).parents[4]
        ) as writer:
            while not path.exists():
                time.sleep(0.01)
            os.kill(writer.pid, signal.SIGKILL)
        record = read_json(path)
        assert record
        assert record["number"] == record["again"]
