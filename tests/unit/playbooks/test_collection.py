"""The roles and plugins install as a collection, and are called by its name from anywhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.playbooks.conftest import ROOT

BIN = Path(sys.executable).parent
PLAYBOOK = """
- {hosts: localhost, gather_facts: false, tasks: [{import_role: {name: trade_intent.harness.inputs}},
   {import_role: {name: trade_intent.harness.prechecks, tasks_from: tool}}]}
"""


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run one of Ansible's programs far from the project's own configuration, without a network."""
    places = {"ANSIBLE_COLLECTIONS_PATH": str(folder), "ANSIBLE_HOME": str(folder / "home")}
    return subprocess.run(
        [BIN / command[0], *command[1:]],
        cwd=folder,
        env=os.environ | places,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the collection from what is tracked here and install it into a folder of its own."""
    folder = tmp_path_factory.mktemp("collection")
    built = run(folder, "ansible-galaxy", "collection", "build", str(ROOT), "--output-path", str(folder))
    assert built.returncode == 0, built.stderr
    (archive,) = folder.glob("trade_intent-harness-*.tar.gz")
    how = ("--offline", "--no-deps", "--collections-path", str(folder))
    done = run(folder, "ansible-galaxy", "collection", "install", *how, str(archive))
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def collection(installed: Path) -> Path:
    return installed / "ansible_collections" / "trade_intent" / "harness"


def test_a_playbook_of_two_lines_uses_a_role_by_its_full_name(installed: Path) -> None:
    (installed / "play.yml").write_text(PLAYBOOK)
    checked = run(installed, "ansible-playbook", "--syntax-check", "--inventory", "localhost,", "play.yml")
    assert checked.returncode == 0, checked.stderr


def test_its_playbooks_are_called_by_their_full_names(installed: Path) -> None:
    arguments = ("--syntax-check", "--inventory", "localhost,", "trade_intent.harness.deploy")
    checked = run(installed, "ansible-playbook", *arguments)
    assert checked.returncode == 0, checked.stderr


def test_a_role_finds_its_plugins_and_refuses_what_cannot_be_desired(installed: Path) -> None:
    (installed / "play.yml").write_text(PLAYBOOK)
    given = ("--connection", "local", "--extra-vars", "safe_drian=true")
    refused = run(installed, "ansible-playbook", "--inventory", "localhost,", *given, "play.yml")
    assert refused.returncode != 0
    assert (
        "safe_drian is a variable that nothing here reads: did you mean safe_drain?"
        in refused.stdout + refused.stderr
    )


def test_what_the_roles_run_is_a_part_of_it(collection: Path) -> None:
    for part in ("checks", "consumer", "host", "requirements", "roles", "plugins", "tests/checklist"):
        assert (collection / part).is_dir(), part


def test_nothing_of_this_machine_is_a_part_of_it(collection: Path) -> None:
    names = {path.name for path in collection.iterdir()}
    assert not names & {".git", ".local", ".venv", "build", "inventory", "mutants", "reports"}
    assert {path.name for path in (collection / "tests").iterdir()} == {"README.md", "checklist"}
