"""How a task runs the program on the target, and what it makes of the answer."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import zipapp
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from tests.unit.playbooks.conftest import Load


@pytest.fixture(scope="module")
def host(load: Load) -> ModuleType:
    return load("plugins/action/host.py")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Pack a program that says what it was given."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "__main__.py").write_text(
        "import json, sys\nprint(json.dumps({'argv': sys.argv[1:], 'request': json.load(sys.stdin)}))\n"
    )
    zipapp.create_archive(source, tmp_path / "tool.pyz")
    return tmp_path / "tool.pyz"


def outcome(rc: int, stdout: str, stderr: str) -> dict[str, object]:
    return {"rc": rc, "stdout": stdout, "stderr": stderr}


def test_a_programs_error_document_is_the_failures_message(host: ModuleType) -> None:
    said = json.dumps({"error": {"code": "LOCK_HELD", "message": "held by ada", "remedy": "wait"}})
    assert host.complaint(["lock"], outcome(1, said, "")) == "held by ada: wait"


def test_without_one_the_last_words_are(host: ModuleType) -> None:
    assert host.complaint(["x"], outcome(1, "some output", "trouble\n")) == "trouble"
    assert host.complaint(["x"], outcome(1, "some output\n", "")) == "some output"


def test_a_silent_failure_is_named_by_its_exit_code(host: ModuleType) -> None:
    assert "exit code 137" in host.complaint(["observe", "A"], outcome(137, "", ""))


def test_an_answer_is_the_json_that_was_printed(host: ModuleType) -> None:
    assert host.parse('{"changed": true}') == {"changed": True}
    assert host.parse("no json") is None


def test_an_answer_can_be_kept_in_a_file_of_the_run(host: ModuleType, tmp_path: Path) -> None:
    host.keep(tmp_path / "run" / "A.json", "{}")
    assert (tmp_path / "run" / "A.json").read_text() == "{}"


def test_an_installed_tool_gets_the_request_alone(host: ModuleType) -> None:
    tool = {"python": "python3", "path": "/bin/tool.pyz", "carry": ""}
    assert host.command(tool, ["lock", "show"], b"{}") == ("python3 /bin/tool.pyz lock show", b"{}")


def test_a_carried_tool_runs_and_leaves_nothing_behind(
    host: ModuleType, archive: Path, tmp_path: Path
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    tool = {"python": sys.executable, "path": "/nowhere", "carry": str(archive)}
    command, stdin = host.command(tool, ["observe", "A"], b'{"password": "planted"}')
    done = subprocess.run(
        shlex.split(command), input=stdin, capture_output=True, check=True, env={"TMPDIR": str(scratch)}
    )
    assert json.loads(done.stdout) == {"argv": ["observe", "A"], "request": {"password": "planted"}}
    assert list(scratch.iterdir()) == []


def test_no_secret_of_the_request_is_in_the_command_line(host: ModuleType, archive: Path) -> None:
    for carry in ("", str(archive)):
        tool = {"python": "python3", "path": "/bin/tool.pyz", "carry": carry}
        command, _ = host.command(tool, ["observe", "A"], b'{"password": "planted"}')
        assert "planted" not in command
