"""What a person may give a playbook, and what is said to them when they may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ansible.errors import AnsibleError  # type: ignore[import-untyped]  # ansible-core ships no types

from tests.unit.playbooks.conftest import ROOT

if TYPE_CHECKING:
    from types import ModuleType

    from tests.unit.playbooks.conftest import Load

LONG = "0123456789abcdef"


@pytest.fixture(scope="module")
def inputs(load: Load) -> ModuleType:
    return load("plugins/lookup/input_problems.py")


@pytest.mark.parametrize("wish", [True, "true", "True", "TRUE", "yes", "Yes", "on", "ON"])
def test_a_yes_in_any_case_means_safe_drain(inputs: ModuleType, wish: object) -> None:
    assert inputs.safe_drain_problem(wish) is None


@pytest.mark.parametrize("wish", [False, "false", "False", "no", "NO", "off", "Off"])
def test_a_no_is_refused_with_a_pointer_to_promotion(inputs: ModuleType, wish: object) -> None:
    assert "playbooks/promote.yml" in inputs.safe_drain_problem(wish)


@pytest.mark.parametrize("wish", ["maybe", "0", "1", 0, 1, "", None, " true", "truely", [], {}])
def test_anything_else_is_refused_and_told_what_to_say(inputs: ModuleType, wish: object) -> None:
    problem = inputs.safe_drain_problem(wish)
    assert "neither yes nor no" in problem
    assert "safe_drain=true" in problem


def test_an_unknown_variable_is_named_with_the_nearest_known_one(inputs: ModuleType) -> None:
    (problem,) = inputs.unknown_problems(["safe_drian"], {"safe_drain", "stack_network"})
    assert problem.startswith("safe_drian is a variable that nothing here reads: did you mean safe_drain?")


def test_an_unknown_variable_that_resembles_nothing_is_named_all_the_same(inputs: ModuleType) -> None:
    (problem,) = inputs.unknown_problems(["zzz"], {"safe_drain"})
    assert "no name is near it" in problem


@pytest.mark.parametrize(
    "name", ["ansible_user", "site_owner", "_run_id", "__lock", "inventory_hostname", "groups"]
)
def test_names_that_are_nobodys_input_are_left_alone(inputs: ModuleType, name: str) -> None:
    assert inputs.unknown_problems([name], {"safe_drain"}) == []


def test_a_name_that_ansible_keeps_for_itself_is_no_input_of_the_command_line(inputs: ModuleType) -> None:
    assert inputs.unknown_problems(["environment", "timeout"], set()) == []
    (problem,) = inputs.unknown_problems(["environment", "timeout"], set(), ["timeout"])
    assert problem.startswith("timeout is a variable that nothing here reads")


def test_what_roles_hand_to_each_other_is_nobodys_to_set(inputs: ModuleType) -> None:
    handed_on = inputs.handed_on_names(ROOT / "roles")
    assert {"switch_desired", "lock_token"} <= handed_on
    assert not {"safe_drain", "cutover", "redis_checks_password", "reason", "report_folder"} & handed_on
    (problem,) = inputs.handed_on_problems(["lock_token", "cutover"], handed_on)
    assert problem.startswith("lock_token is handed from role to role")


@pytest.mark.parametrize(
    "name",
    [
        "_verdict",
        "__report",
        "_inputs_problems",
        "ansible_check_mode",
        "ansible_failed_task",
        "groups",
        "role_path",
    ],
)
def test_what_a_play_works_out_is_not_given_from_outside(inputs: ModuleType, name: str) -> None:
    (problem,) = inputs.private_problems([name])
    assert problem.startswith(f"{name} is worked out while a play runs")


@pytest.mark.parametrize("name", ["ansible_user", "ansible_host", "ansible_python_interpreter", "site_owner"])
def test_how_a_host_is_reached_may_be_given(inputs: ModuleType, name: str) -> None:
    assert inputs.private_problems([name]) == []


def test_every_variable_of_the_inventories_is_known(inputs: ModuleType) -> None:
    known = inputs.known_names(ROOT / "roles")
    for inventory in ("sandbox", "example_vps"):
        text = (ROOT / "inventory" / inventory / "group_vars" / "trade_intent" / "main.yml").read_text()
        names = {line.partition(":")[0] for line in text.splitlines() if line[:1].isalpha() and ":" in line}
        assert inputs.unknown_problems(names, known) == []


def test_every_default_of_a_role_is_described_in_its_argument_specs(inputs: ModuleType) -> None:
    known = inputs.known_names(ROOT / "roles")
    for path in (ROOT / "roles").glob("*/defaults/main.yml"):
        names = {
            line.partition(":")[0]
            for line in path.read_text().splitlines()
            if line[:1].isalpha() and ":" in line
        }
        assert names <= known, f"{path}: {names - known}"


def test_sound_secrets_are_no_problem(inputs: ModuleType) -> None:
    assert inputs.secret_problems(["a", "b"], lambda _: LONG) == []


def test_a_secret_that_cannot_be_decrypted_asks_for_the_vault_password(inputs: ModuleType) -> None:
    def locked(_: str) -> object:
        raise AnsibleError("no vault secrets were found")

    (problem,) = inputs.secret_problems(["redis_checks_password"], locked)
    assert "--vault-id" in problem
    assert "redis_checks_password" in problem


@pytest.mark.parametrize("value", [None, ""])
def test_a_secret_without_a_value_is_named(inputs: ModuleType, value: object) -> None:
    (problem,) = inputs.secret_problems(["consumer_label_key"], lambda _: value)
    assert "they have no value: consumer_label_key" in problem


@pytest.mark.parametrize("value", ["short", f" {LONG}", f"{LONG}\n", 1234567890123456])
def test_a_weak_secret_is_named_but_not_told(inputs: ModuleType, value: object) -> None:
    (problem,) = inputs.secret_problems(["consumer_label_key"], lambda _: value)
    assert "at least 16 characters" in problem
    assert str(value).strip() not in problem
