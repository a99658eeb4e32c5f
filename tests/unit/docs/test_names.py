"""One name means one thing: no two classes of the tree share theirs."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[3]
ROOMS = ("checks", "consumer", "host", "playbooks", "plugins", "sandbox", "tests")
#: Ansible finds its plugins by these names.
GIVEN_BY_ANSIBLE = {"ActionModule", "LookupModule"}
#: A small consumer that the looks into a container are tried on: it is what it imitates.
AN_IMITATION = ROOT / "tests/integration/host/observe/image"


def test_a_class_name_stands_for_one_class() -> None:
    files_by_name: dict[str, list[str]] = defaultdict(list)
    for path in (path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        if AN_IMITATION in path.parents:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and node.name not in GIVEN_BY_ANSIBLE:
                files_by_name[node.name].append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in files_by_name.items() if len(paths) > 1} == {}
