"""How a task runs one of the project's programs, and what it makes of the answer."""

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
def program(load: Load) -> ModuleType:
    return load("plugins/action/program.py")


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


def test_a_programs_error_document_is_the_failures_message(program: ModuleType) -> None:
    said = json.dumps({"error": {"code": "LOCK_HELD", "message": "held by ada", "remedy": "wait"}})
    assert program.complaint(["lock"], program.Outcome(1, said, "")) == "held by ada: wait"


def test_without_one_the_last_words_are(program: ModuleType) -> None:
    assert program.complaint(["x"], program.Outcome(1, "some output", "trouble\n")) == "trouble"
    assert program.complaint(["x"], program.Outcome(1, "some output\n", "")) == "some output"


def test_a_silent_failure_is_named_by_its_exit_code(program: ModuleType) -> None:
    assert "exit code 137" in program.complaint(["observe", "A"], program.Outcome(137, "", ""))


def test_an_answer_that_is_json_is_returned_as_such(program: ModuleType) -> None:
    assert program.result_of(program.Outcome(0, '{"changed": true}', ""), quiet=False)["answer"] == {
        "changed": True
    }


def test_any_other_answer_is_returned_as_text(program: ModuleType) -> None:
    assert program.result_of(program.Outcome(0, "PASS sandbox\n", ""), quiet=False)["text"] == "PASS sandbox"


def test_a_large_answer_is_not_returned(program: ModuleType) -> None:
    assert program.result_of(program.Outcome(0, "{}", ""), quiet=True).keys() == {"changed", "failed", "rc"}


def test_an_exit_code_that_is_an_answer_is_no_failure(program: ModuleType) -> None:
    assert program.result_of(program.Outcome(3, "INCONCLUSIVE", ""), quiet=False)["failed"] is False


def test_an_installed_tool_gets_the_request_alone(program: ModuleType) -> None:
    tool = {"python": "python3", "path": "/bin/tool.pyz", "carry": ""}
    assert program.on_target(tool, ["lock", "show"], b"{}") == ("python3 /bin/tool.pyz lock show", b"{}")


def test_a_carried_tool_runs_and_leaves_nothing_behind(
    program: ModuleType, archive: Path, tmp_path: Path
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    tool = {"python": sys.executable, "path": "/nowhere", "carry": str(archive)}
    command, stdin = program.on_target(tool, ["observe", "A"], b'{"password": "planted"}')
    done = subprocess.run(
        shlex.split(command), input=stdin, capture_output=True, check=True, env={"TMPDIR": str(scratch)}
    )
    assert json.loads(done.stdout) == {"argv": ["observe", "A"], "request": {"password": "planted"}}
    assert list(scratch.iterdir()) == []


def test_no_secret_of_the_request_is_in_the_command_line(program: ModuleType, archive: Path) -> None:
    for carry in ("", str(archive)):
        tool = {"python": "python3", "path": "/bin/tool.pyz", "carry": carry}
        command, _ = program.on_target(tool, ["observe", "A"], b'{"password": "planted"}')
        assert "planted" not in command
