from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import time
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from checks.pack import DIGEST_FILE, pack

PROJECT = Path(__file__).resolve().parents[4]
REQUEST = json.dumps(
    {"run_id": "run", "desired": {"container": "ti_observe_nobody"}, "options": {"state_folder": "/nowhere"}}
)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pack") / "host.pyz"
    pack(out, PROJECT)
    return out


@cache
def pythons() -> list[str]:
    """Find every Python from 3.10 on that this machine has: on PATH, or in a version manager's folder."""
    managed = sorted(Path.home().glob(".pyenv/versions/3.1[0-9]*/bin/python3"))
    on_path = [shutil.which(f"python3.{minor}") for minor in range(10, 16)]
    pythons_here = [python for python in on_path if python] + [str(python) for python in managed]
    works = {python: version_of(python) for python in pythons_here}
    return list({version: python for python, version in works.items() if version}.values())


def version_of(python: str) -> str:
    command = [python, "-c", "import sys; print(*sys.version_info[:2])"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def observe(archive: Path, python: str, phase: str = "D") -> Any:
    # A host's Python may write what it compiled, unlike the tests'.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [python, str(archive), "observe", phase],
        input=REQUEST,
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        cwd="/",
    )
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def used(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive that has run once."""
    archive = own_copy(packed, tmp_path_factory.mktemp("used"))
    observe(archive, pythons()[-1])
    return archive


def unpacked(archive: Path) -> Path:
    (folder,) = (path for path in archive.parent.iterdir() if path.is_dir())
    return folder


def own_copy(packed: Path, folder: Path) -> Path:
    return Path(shutil.copy(packed, folder / packed.name))


def test_the_archive_holds_no_compiled_code_and_nothing_of_the_controllers(packed: Path) -> None:
    with zipfile.ZipFile(packed) as archive:
        names = set(archive.namelist())
    assert {
        "__main__.py",
        "host/observe/main.py",
        "host/__main__.py",
        "docker/__init__.py",
        "redis/__init__.py",
    } <= names
    assert not [name for name in names if name.endswith((".so", ".pyc"))]
    assert not [name for name in names if name.startswith(("checks/", "consumer/", "sandbox/"))]


def test_the_digest_is_over_the_contents_alone(packed: Path, tmp_path: Path) -> None:
    again = tmp_path / "host.pyz"
    with zipfile.ZipFile(packed) as archive:
        digest = archive.read(DIGEST_FILE).decode().strip()
    shutil.copytree(next(packed.parent.glob("site-*")), tmp_path / next(packed.parent.glob("site-*")).name)
    assert pack(again, PROJECT) == digest
    assert again.read_bytes() == packed.read_bytes()


def test_every_python_from_3_10_on_runs_the_archive(packed: Path, tmp_path: Path) -> None:
    interpreters = pythons()
    assert interpreters, "this machine has no Python at all"
    with zipfile.ZipFile(packed) as archive:
        digest = archive.read(DIGEST_FILE).decode().strip()
    for python in interpreters:
        said = observe(own_copy(packed, tmp_path), python)
        assert said["tool_digest"] == digest
        assert [observation["id"] for observation in said["observations"]][:2] == [
            "container.inspect",
            "container.made",
        ]


def test_a_second_run_costs_little(used: Path) -> None:
    """Measured as processor time: the machine may be busy with others."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    observe(used, pythons()[-1])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.8


def test_the_archive_unpacks_itself_for_its_user_alone(used: Path) -> None:
    assert unpacked(used).stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_may_write_is_not_trusted(used: Path) -> None:
    main = unpacked(used) / "host" / "observe" / "main.py"
    original = main.read_text()
    main.write_text("raise SystemExit('planted')")
    unpacked(used).chmod(0o777)
    assert observe(used, pythons()[-1])["phase"] == "D"
    main.write_text(original)
    unpacked(used).chmod(0o700)


def test_what_an_older_archive_unpacked_is_cleared_away(packed: Path, tmp_path: Path) -> None:
    old, recent = tmp_path / ".host-0123456789abcdef", tmp_path / ".host-fedcba9876543210"
    for folder in (old, recent):
        folder.mkdir()
    two_days_ago = time.time() - 2 * 86_400
    os.utime(old, (two_days_ago, two_days_ago))
    observe(own_copy(packed, tmp_path), pythons()[-1])
    assert (old.exists(), recent.exists()) == (False, True)


def test_a_bad_request_is_one_json_error(used: Path) -> None:
    command = [pythons()[-1], str(used), "observe", "A"]
    done = subprocess.run(command, input="x", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "")
    assert json.loads(done.stdout)["error"]["code"] == "bad_request"
