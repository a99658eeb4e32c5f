"""What an image is built from: the code, the pinned packages for the image's own Python, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.digests import code_digest
from checks.errors import ChecksError
from checks.image_context import PACKAGES, PROJECT, lay_out

if TYPE_CHECKING:
    from pathlib import Path

PYTHON, PLATFORM = "3.13", "x86_64-manylinux_2_28"


@pytest.fixture(scope="module", params=PACKAGES)
def package(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(package: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("image") / "context"
    assert lay_out(made, package, PYTHON, PLATFORM)
    return made


def test_it_holds_the_code_under_the_digest_of_the_repository(folder: Path, package: str) -> None:
    assert code_digest(folder / package) == code_digest(PROJECT / package)


def test_it_holds_the_packages_as_the_image_imports_them(folder: Path) -> None:
    assert (folder / "site-packages" / "redis" / "__init__.py").is_file()
    assert list((folder / "site-packages").rglob("*cpython-313-x86_64*.so"))


def test_it_holds_no_bytecode_of_this_machine(folder: Path, package: str) -> None:
    assert not list((folder / package).rglob("__pycache__"))


def test_the_dockerfile_stands_at_its_top(folder: Path, package: str) -> None:
    assert {path.name for path in folder.iterdir()} == {"Dockerfile", package, "site-packages"}


def test_another_user_may_read_all_of_it(folder: Path) -> None:
    unreadable = [path for path in folder.rglob("*") if not path.stat().st_mode & 0o004]
    assert unreadable == []


def test_one_that_is_there_is_left_alone(tmp_path: Path) -> None:
    assert not lay_out(tmp_path, "consumer", PYTHON, PLATFORM)
    assert list(tmp_path.iterdir()) == []


def test_packages_that_cannot_be_had_leave_nothing_half_done(tmp_path: Path) -> None:
    with pytest.raises(ChecksError, match=r"consumer\.txt could not be fetched for Python 3\.0"):
        lay_out(tmp_path / "context", "consumer", "3.0", PLATFORM)
    assert list(tmp_path.iterdir()) == []
