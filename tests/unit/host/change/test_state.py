from __future__ import annotations

from typing import TYPE_CHECKING

from host.base.state import StateFolder
from host.change.state import prepare

if TYPE_CHECKING:
    from pathlib import Path


def modes(root: Path) -> dict[str, int]:
    return {folder.name: folder.stat().st_mode & 0o777 for folder in (root, *root.iterdir())}


def test_the_folders_are_made_with_their_rights(tmp_path: Path) -> None:
    root = tmp_path / "state"
    assert prepare(StateFolder(root))
    private = dict.fromkeys(("state", "releases", "audit", "secrets", "bin"), 0o700)
    assert modes(root) == private | {"cutover": 0o755}


def test_preparing_twice_changes_nothing_the_second_time(state: StateFolder) -> None:
    assert not prepare(state)


def test_a_right_that_was_loosened_is_mended(state: StateFolder) -> None:
    state.secrets.chmod(0o755)
    assert prepare(state)
    assert state.secrets.stat().st_mode & 0o777 == 0o700


def test_a_check_makes_nothing(tmp_path: Path) -> None:
    assert prepare(StateFolder(tmp_path / "state"), check=True)
    assert list(tmp_path.iterdir()) == []


def test_preparing_does_not_lock(state: StateFolder) -> None:
    assert not state.lock.exists()
