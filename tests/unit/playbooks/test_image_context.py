"""What the consumer's image is built from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.digests import code_digest
from tests.unit.playbooks.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from tests.unit.playbooks.conftest import Load


@pytest.fixture(scope="module")
def folder(load: Load, tmp_path_factory: pytest.TempPathFactory) -> Path:
    context: ModuleType = load("roles/image/files/context.py")
    made = tmp_path_factory.mktemp("image") / "context"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        context.lay_out(made, "3.13", "x86_64-manylinux_2_28")
    return made


def test_it_holds_the_code_under_the_digest_of_the_repository(folder: Path) -> None:
    assert code_digest(folder / "consumer") == code_digest(ROOT / "consumer")


def test_it_holds_the_packages_as_the_image_imports_them(folder: Path) -> None:
    assert (folder / "site-packages" / "redis" / "__init__.py").is_file()
    assert list((folder / "site-packages" / "hiredis").glob("*cpython-313-x86_64*.so"))


def test_it_holds_no_bytecode_of_this_machine(folder: Path) -> None:
    assert not list((folder / "consumer").rglob("__pycache__"))


def test_the_dockerfile_stands_at_its_top(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {"Dockerfile", "consumer", "site-packages"}


def test_another_user_may_read_all_of_it(folder: Path) -> None:
    unreadable = [path for path in folder.rglob("*") if not path.stat().st_mode & 0o004]
    assert unreadable == []


def test_one_that_is_there_is_left_alone(load: Load, tmp_path: Path) -> None:
    load("roles/image/files/context.py").lay_out(tmp_path, "3.13", "x86_64-manylinux_2_28")
    assert list(tmp_path.iterdir()) == []
