"""The names of the house: each variable has a noun, and nobody is sent to a playbook that does not exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[3]
ROOMS = ("checks", "consumer", "host", "playbooks", "plugins", "roles", "sandbox", "scripts", "tests")
#: Words that name nothing: of what there is one, what was found?
NO_NAMES = {"one", "found"}
#: Where a text may speak of a playbook.
TEXTS = ("*.py", "*.md", "*.yml", "*.j2")
#: The verb that is announced, and said to be still to come.
TO_COME = {"promote"}


def files(*patterns: str) -> Iterator[Path]:
    """Give our own files, not what was built or reported."""
    for room in (PROJECT / name for name in ROOMS):
        for pattern in patterns:
            yield from (path for path in room.rglob(pattern) if "__pycache__" not in path.parts)


def names_given(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Give every variable and argument that a file names, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno


def test_no_variable_is_named_without_a_noun() -> None:
    nameless = [
        f"{path.relative_to(PROJECT)}:{line}"
        for path in files("*.py")
        for name, line in names_given(ast.parse(path.read_text()))
        if name in NO_NAMES
    ]
    assert nameless == []


@pytest.mark.parametrize("room", ["checks", "consumer", "host", "sandbox"])
def test_rooms_hold_code(room: str) -> None:
    assert len(list((PROJECT / room).rglob("*.py"))) > 10


def test_nobody_is_sent_to_a_playbook_that_does_not_exist() -> None:
    there = {path.stem for path in (PROJECT / "playbooks").glob("*.yml")}
    sent = {
        (str(path.relative_to(PROJECT)), name)
        for path in [*files(*TEXTS), PROJECT / "README.md", *(PROJECT / "docs").glob("*.md")]
        for name in re.findall(r"playbooks/([a-z_]+)\.yml", path.read_text(errors="replace"))
    }
    assert {(path, name) for path, name in sent if name not in there | TO_COME} == set()
