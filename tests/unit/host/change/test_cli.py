from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from host.base.errors import HostProgramError
from host.change.cli import COMMANDS, _command
from host.change.faults import explain

if TYPE_CHECKING:
    from host.base.state import StateFolder

ROOT = Path(__file__).parents[4]


def run(state: StateFolder, *argv: str, request: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "host", "--state-dir", str(state.root), *argv],
        cwd=ROOT, input=json.dumps(request or {}), capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip # a table, or a call that is read as one
    assert not done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_lock_goes_through_its_life_on_the_command_line(state: StateFolder) -> None:
    code, taken = run(
        state, "lock", "acquire", request={"owner": "me", "run_id": "r", "why": "w", "ttl_s": 60}
    )
    assert (code, taken["taken_over"]) == (0, None)
    assert run(state, "lock", "show")[1]["owner"] == "me"
    assert run(state, "lock", "release", request={"token": taken["token"]}) == (0, {"released": True})
    assert run(state, "lock", "show") == (0, {"held": False})


def test_an_error_is_json_with_code_message_and_remedy(state: StateFolder) -> None:
    code, reply = run(state, "lock", "release", request={"token": "mine"})
    assert code == 1
    assert reply["error"]["code"] == "LOCK_LOST"
    assert reply["error"]["remedy"]


def test_a_command_that_does_not_exist_is_an_error(state: StateFolder) -> None:
    code, reply = run(state, "lock", "pick")
    assert (code, reply["error"]["code"]) == (1, "BAD_REQUEST")


def test_a_secret_goes_in_by_stdin_and_is_not_printed(state: StateFolder) -> None:
    request = {"path_name": "redis_password", "content_base64": "aHVudGVyMjIyMg==", "uid": 0, "gid": 0}
    assert run(state, "file", "put-secret", request=request | {"check": True}) == (0, {"changed": True})
    assert run(state, "file", "put-secret", request=request) == (0, {"changed": True})
    assert run(state, "file", "put-secret", request=request) == (0, {"changed": False})
    assert (state.secrets / "redis_password").read_text() == "hunter2222"
    code, reply = run(state, "secrets", "hmac", request={"names": ["redis_password"], "key_base64": "a2V5"})
    assert (code, len(reply["hmac"])) == (0, 64)


@pytest.mark.parametrize(
    "command", [("lock", "show"), ("switch", "show"), ("release", "show"), ("cutover", "show")]
)
def test_looking_needs_no_state_folder(tmp_path: Path, command: tuple[str, str]) -> None:
    from host.base.state import StateFolder  # noqa: PLC0415 - a value here, a type elsewhere

    code, reply = run(StateFolder(tmp_path / "nothing"), *command)
    assert code == 0
    assert "error" not in reply


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_that_is_offered_exists(name: str) -> None:
    assert callable(_command(name))


def test_commands_that_need_no_engine_load_neither_docker_nor_redis() -> None:
    program = "import sys, host.change.file_commands; sys.exit(bool({'docker', 'redis'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_only_the_standard_library_docker_redis_and_what_they_bring_are_imported() -> None:
    allowed = {*sys.stdlib_module_names, "docker", "redis", "requests", "host"}
    for file in (ROOT / "host").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            assert {name.partition(".")[0] for name in names} <= allowed, file


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (HostProgramError("ours"), "FAILED"),
        (PermissionError(13, "no"), "HOST"),
        (ZeroDivisionError("a fault of ours"), "FAILED"),
    ],
)
def test_every_problem_becomes_an_error_with_a_remedy(problem: Exception, code: str) -> None:
    error = explain(problem)
    assert (error.code, bool(error.remedy)) == (code, True)


def test_the_libraries_problems_are_told_apart() -> None:
    import docker.errors  # noqa: PLC0415 - the others need neither library
    import redis  # noqa: PLC0415 - as above
    import requests  # noqa: PLC0415 - as above

    problems = [docker.errors.DockerException("x"), requests.ConnectionError("x"), redis.ConnectionError("x")]
    assert [explain(problem).code for problem in problems] == ["ENGINE", "ENGINE", "REDIS"]
