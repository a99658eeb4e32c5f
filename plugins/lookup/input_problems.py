"""Everything that is wrong with what a person gave a playbook, each as one sentence that says what to do.

Terms: the names of the variables that must hold a secret. The lookup sees every variable of the host: those
of the inventory, the command line and the roles. Only what can be judged without the host is judged here.
"""

from __future__ import annotations

import difflib
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from ansible import constants  # type: ignore[import-untyped]  # ansible-core ships no types
from ansible.errors import AnsibleError  # type: ignore[import-untyped]  # ansible-core ships no types
from ansible.plugins.lookup import LookupBase  # type: ignore[import-untyped]  # ansible-core ships no types
from ansible.utils.vars import load_extra_vars  # type: ignore[import-untyped]  # ansible-core ships no types
from ansible.vars.reserved import get_reserved_names  # type: ignore[import-untyped]  # ships no types

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

DOCUMENTATION = r"""
name: input_problems
short_description: Everything that is wrong with the inputs, in sentences
options:
  _terms: {description: Names of the variables that must hold a secret., type: list, elements: str}
  roles: {description: Folder of the roles; their argument_specs say what is known., required: true}
"""

_DRAIN = {"true", "yes", "on"}
_TRADE = {"false", "no", "off"}

#: A name that starts so is nobody's input: Ansible's own, this project's inner ones, an operator's own.
_PRIVATE = ("ansible_", "_", "site_")

#: How the description of an option begins that a playbook hands to a role, or a role hands on.
_WIRES = ("Handed on:", "Output:")

_SHORTEST_SECRET = 16


def safe_drain_problem(value: object) -> str | None:
    """Say why `safe_drain` cannot mean safe drain, or None where it does.

    Strictly: a loose reading (`| bool`) would make `maybe` false, that is, live.
    """
    if value is True or (isinstance(value, str) and value.lower() in _DRAIN):
        return None
    if value is False or (isinstance(value, str) and value.lower() in _TRADE):
        return (
            f"safe_drain={value} asks for a consumer that trades, and a deploy never does that: say "
            "safe_drain=true or leave it out, then promote what was verified: playbooks/promote.yml, "
            "which is still to come."
        )
    said = "nothing" if value in ("", None) else repr(value)
    return (
        f"safe_drain says {said}, which is neither yes nor no: say safe_drain=true, or leave it out, which "
        "means the same."
    )


def unknown_problems(names: Iterable[str], known: set[str], said: Collection[str] = ()) -> list[str]:
    """Name each variable that no role knows, with the nearest one that it may have been meant to be.

    `said` are those of the command line: a name that Ansible keeps for itself is nobody's to give there.
    """
    ansible_own = constants.INTERNAL_STATIC_VARS | (get_reserved_names() - set(said))
    strangers = sorted(set(names) - known - ansible_own)
    return [_unknown(name, known) for name in strangers if not name.startswith(_PRIVATE)]


def handed_on_problems(said: Iterable[str], handed_on: set[str]) -> list[str]:
    """Name each variable of the command line that only roles hand to each other."""
    return [
        f"{name} is handed from role to role and is nobody's to set: leave it out."
        for name in sorted(set(said) & handed_on)
    ]


def private_problems(said: Iterable[str]) -> list[str]:
    """Name each variable of the command line that this project or Ansible works out, and nobody may give.

    What a play computes has such a name, and the command line wins over it: `-e _verdict=pass`.
    """
    connection = chain.from_iterable(constants.MAGIC_VARIABLE_MAPPING.values())
    reached = {"ansible_python_interpreter", *connection}
    return [
        f"{name} is worked out while a play runs and is nobody's to set: leave it out."
        for name in sorted(said)
        if name in constants.INTERNAL_STATIC_VARS
        or (name.startswith(("_", "ansible_")) and name not in reached)
    ]


def _unknown(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    hint = f"did you mean {near[0]}?" if near else "no name is near it."
    return f"{name} is a variable that nothing here reads: {hint} A private one of yours starts with site_."


def known_names(roles: Path) -> set[str]:
    """Collect every option of every entry point from the roles' argument_specs."""
    return {name for name, _ in _options(roles)}


def handed_on_names(roles: Path) -> set[str]:
    """Collect the options that are wires between roles: their description begins with one of two words."""
    return {name for name, option in _options(roles) if str(option["description"]).startswith(_WIRES)}


def _options(roles: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in sorted(roles.glob("*/meta/argument_specs.yml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"].values():
            yield from entry.get("options", {}).items()


def secret_problems(names: Iterable[str], resolve: Callable[[str], object]) -> list[str]:
    """Name the secrets that cannot be decrypted, are absent or are too short, never their values."""
    locked: list[str] = []
    absent: list[str] = []
    weak: list[str] = []
    for name in names:
        try:
            value = resolve(name)
        except AnsibleError:
            locked.append(name)
            continue
        if not value:
            absent.append(name)
        elif not isinstance(value, str) or len(value) < _SHORTEST_SECRET or value.strip() != value:
            weak.append(name)
    sentences = (
        (locked, "the vault password is missing or wrong: pass --vault-id NAME@FILE. It opens"),
        (absent, "put these secrets, encrypted, into the inventory's vault.yml; they have no value:"),
        (weak, f"make these secrets texts of at least {_SHORTEST_SECRET} characters without blanks around:"),
    )
    return [f"{sentence} {', '.join(said)}." for said, sentence in sentences if said]


class LookupModule(LookupBase):  # type: ignore[misc]  # ansible-core ships no types
    """The lookup `input_problems`."""

    def run(self, terms: list[str], variables: Mapping[str, Any], **kwargs: Any) -> list[str]:
        """Return the sentences; none means that the inputs are sound."""
        self.set_options(var_options=variables, direct=kwargs)
        roles, said = Path(self.get_option("roles")), load_extra_vars(self._loader)
        problems = unknown_problems(variables, known_names(roles), said)
        problems += private_problems(said)
        problems += handed_on_problems(said, handed_on_names(roles))
        if "safe_drain" in variables:
            problems += filter(None, [safe_drain_problem(self._resolve(variables, "safe_drain"))])
        return problems + secret_problems(terms, lambda name: self._resolve(variables, name))

    def _resolve(self, variables: Mapping[str, Any], name: str) -> object:
        return self._templar.template(variables[name]) if name in variables else None
