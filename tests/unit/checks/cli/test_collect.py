from __future__ import annotations

import json
import os
import zipfile
from typing import TYPE_CHECKING

import pytest

from checks.cli import PASS, USAGE, main

if TYPE_CHECKING:
    from pathlib import Path

# Repeats what it was asked, as `observe` would, or refuses as `observe` does.
TOOL = """\
import json, sys
if sys.argv[2] == "B":
    print(json.dumps({"error": {"code": "bad_request", "message": "no image", "remedy": "name one"}}))
    sys.exit(2)
print(json.dumps({"argv": sys.argv[1:], "request": json.load(sys.stdin)}))
"""
# Does what sshd does with a command line: gives it to a shell.
SSH = '#!/bin/sh\nshift 2\nexec sh -c "$*"\n'


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    path = tmp_path / "host.pyz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("__main__.py", TOOL)
    (tmp_path / "request.json").write_text('{"redis": {"password": "it\'s a \\"secret\\""}}')
    return path


def collect(tool: Path, *more: str) -> int:
    folder = tool.parent
    out, request = str(folder / "out.json"), str(folder / "request.json")
    return main(["collect", "--zipapp", str(tool), "--request", request, "--out", out, *more])


def collected(tool: Path) -> dict[str, object]:
    return dict(json.loads((tool.parent / "out.json").read_text()))


def test_a_phase_is_observed_here(tool: Path) -> None:
    assert collect(tool, "--phase", "A", "--local") == PASS
    assert collected(tool) == {
        "argv": ["observe", "A"],
        "request": {"redis": {"password": 'it\'s a "secret"'}},
    }


def test_a_phase_is_observed_over_ssh(tool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(SSH)
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
    assert collect(tool, "--phase", "E", "--ssh", "root@vps1") == PASS
    assert collected(tool) == {
        "argv": ["observe", "E"],
        "request": {"redis": {"password": 'it\'s a "secret"'}},
    }


def test_a_tool_that_refuses_is_heard(tool: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert collect(tool, "--phase", "B", "--local") == USAGE
    assert "exit code 2: no image." in capsys.readouterr().err


def test_a_tool_that_is_not_there_is_said_to_be(tool: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tool.unlink()
    assert collect(tool, "--phase", "A", "--local") == USAGE
    assert "python -m checks pack" in capsys.readouterr().err


def test_here_and_there_at_once_is_wrong_use(tool: Path) -> None:
    with pytest.raises(SystemExit):
        collect(tool, "--phase", "A", "--local", "--ssh", "root@vps1")
