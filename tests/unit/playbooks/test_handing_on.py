"""What roles are told: by name, where a playbook imports them, and in no other way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.unit.playbooks.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROLES = sorted(path.parent for path in (ROOT / "roles").glob("*/tasks"))
PLAYBOOKS = [ROOT / "deploy.yml", *sorted((ROOT / "playbooks").rglob("*.yml"))]
PLAYS = [*PLAYBOOKS, ROOT / "tests" / "integration" / "sandbox" / "image.yml"]
#: A variable's name as an expression reads it: not an attribute, not a key, not a part of a word.
READ = re.compile(r"(?<![\w.'\"/$-])(_{1,2}[a-z]\w*)")
CALLS = ("import_role", "include_role", "ansible.builtin.import_role", "ansible.builtin.include_role")
INCLUDES = ("ansible.builtin.import_tasks", "ansible.builtin.include_tasks")
FACTS = ("set_fact", "ansible.builtin.set_fact")


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def nodes(document: Any) -> Iterator[dict[str, Any]]:
    """Give every mapping inside a document."""
    if isinstance(document, dict):
        yield document
    for part in document.values() if isinstance(document, dict) else document or ():
        if isinstance(part, dict | list):
            yield from nodes(part)


def tasks(*roles: Path) -> list[Path]:
    return sorted(path for role in roles for path in role.glob("tasks/*.yml"))


def files(role: Path) -> list[Path]:
    """Give the files of a role in which variables are read or set."""
    others = (path for kind in ("handlers", "defaults", "vars") for path in role.glob(f"{kind}/*.yml"))
    return [*tasks(role), *others]


def facts(path: Path) -> set[str]:
    """Name what the tasks of a file leave to those who come after them."""
    every = list(nodes(loaded(path)))
    kept = {name for node in every for fact in FACTS for name in node.get(fact) or ()}
    return kept | {node["register"] for node in every if "register" in node}


def variables(path: Path) -> set[str]:
    """Name what a file gives a value, in whichever way."""
    document = loaded(path)
    top = set(document) if isinstance(document, dict) else set()
    passed = {name for node in nodes(document) if isinstance(node.get("vars"), dict) for name in node["vars"]}
    return top | passed | facts(path)


def expressions(path: Path) -> str:
    """Give all texts of a file that may be expressions: what stands right of the colons; a template whole."""
    if path.suffix != ".yml":
        return path.read_text(encoding="utf-8")
    scalars = (part for node in nodes(loaded(path)) for value in node.values() for part in flat(value))
    return "\n".join(part for part in scalars if isinstance(part, str))


def flat(value: Any) -> list[Any]:
    return [part for inner in value for part in flat(inner)] if isinstance(value, list) else [value]


def reads(path: Path) -> set[str]:
    """Name the private variables that a file's expressions read."""
    return set(READ.findall(expressions(path)))


def outputs(role: Path) -> set[str]:
    """Name the public facts that a role hands on."""
    return {name for path in tasks(role) for name in facts(path) if not name.startswith("_")}


def calls(path: Path) -> Iterator[tuple[str, str]]:
    """Give role and entry point of each call in a file."""
    for node in nodes(loaded(path)):
        for key in CALLS:
            if key in node:
                yield node[key]["name"], node[key].get("tasks_from", "main")


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_reads_no_private_name_that_it_does_not_set(role: Path) -> None:
    own = {name for path in files(role) for name in variables(path)}
    foreign = {name for path in [*files(role), *role.glob("templates/*")] for name in reads(path) - own}
    assert foreign == set()


@pytest.mark.parametrize("playbook", PLAYS, ids=lambda path: path.name)
def test_a_playbook_reads_no_private_name_that_it_does_not_set(playbook: Path) -> None:
    assert reads(playbook) - variables(playbook) == set()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_reads_no_output_of_another_but_of_those_it_calls(role: Path) -> None:
    called = {name for path in tasks(role) for name, _ in calls(path)} | {role.name}
    others = {name for other in ROLES if other.name not in called for name in outputs(other)}
    read = {word for path in files(role) for word in re.findall(r"\b[a-z]\w*", expressions(path))}
    assert read & others == set()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_private_names_and_outputs_are_called_by_their_role(role: Path) -> None:
    named = {name for path in files(role) for name in variables(path) if name.startswith("_")}
    assert [name for name in named | outputs(role) if not name.lstrip("_").startswith(role.name)] == []


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_entry_point_has_its_argument_spec(role: Path) -> None:
    specs = loaded(role / "meta" / "argument_specs.yml")["argument_specs"]
    passages = {
        node[key] for path in tasks(role) for node in nodes(loaded(path)) for key in INCLUDES if key in node
    }
    entries = {path.stem for path in tasks(role) if path.name not in passages}
    called = {entry for path in [*PLAYS, *tasks(*ROLES)] for name, entry in calls(path) if name == role.name}
    assert entries | called <= set(specs) <= {path.stem for path in tasks(role)}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_output_is_described_and_has_a_value_from_the_start(role: Path) -> None:
    specs = loaded(role / "meta" / "argument_specs.yml")["argument_specs"]
    described = {
        name
        for entry in specs.values()
        for name, option in entry.get("options", {}).items()
        if option["description"].startswith("Output:")
    }
    assert described == outputs(role)
    assert described <= set(loaded(role / "defaults" / "main.yml")) if described else True


def test_what_is_handed_on_is_handed_on_where_a_role_is_called() -> None:
    for path in [*PLAYBOOKS, *tasks(*ROLES)]:
        for node in nodes(loaded(path)):
            for key in CALLS:
                if key in node:
                    assert handed_on(node[key]) <= set(node.get("vars", {})), f"{path}: {node['name']}"


def handed_on(call: dict[str, Any]) -> set[str]:
    """Name what a role must be handed at an entry point."""
    specs = loaded(ROOT / "roles" / call["name"] / "meta" / "argument_specs.yml")["argument_specs"]
    options = specs[call.get("tasks_from", "main")].get("options", {}).items()
    required = {name: option["description"] for name, option in options if option.get("required")}
    return {name for name, description in required.items() if description.startswith("Handed on:")}
