"""The group that a play is for, if the command line asks for the whole of it: half a run proves nothing.

Stands in a play's `hosts`, which Ansible reads before any task: no tag and no starting point can leave it
out. Reads the command line and the inventory by itself: a variable of the command line wins over all others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible import context  # type: ignore[import-untyped]  # ansible-core ships no types
from ansible.errors import AnsibleError  # type: ignore[import-untyped]  # ansible-core ships no types
from ansible.inventory.manager import InventoryManager  # type: ignore[import-untyped]  # ships no types
from ansible.plugins.lookup import LookupBase  # type: ignore[import-untyped]  # ansible-core ships no types

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DOCUMENTATION = r"""
name: whole_run
short_description: The group that a play is for, if the command line asks for the whole of it
options:
  _terms: {description: The group., type: list, elements: str, required: true}
  check: {description: Check mode is a whole run of this play., type: bool, default: true}
"""

#: Options that only show something and run nothing.
_LOOKS = ("syntax", "listhosts", "listtasks", "listtags")


def partial_problems(options: Mapping[str, Any], *, check: bool) -> Iterator[str]:
    """Name each option of the command line that would leave a part of the play out."""
    said = (
        ("--tags", tuple(options.get("tags") or ("all",)) != ("all",)),
        ("--skip-tags", options.get("skip_tags")),
        ("--start-at-task", options.get("start_at_task")),
        ("--step", options.get("step")),
    )
    for option, is_said in said:
        if is_said:
            yield f"{option} leaves a part of the run out, and half a run proves nothing: leave it out."
    if options.get("check") and not check:
        yield "--check would judge what it has not looked at, and this play changes nothing: leave it out."


class LookupModule(LookupBase):  # type: ignore[misc]  # ansible-core ships no types
    """The lookup `whole_run`."""

    def run(self, terms: list[str], variables: Mapping[str, Any], **kwargs: Any) -> list[str]:
        """Return the group. Raises AnsibleError with every reason why this would not be a whole run."""
        self.set_options(var_options=variables, direct=kwargs)
        options = context.CLIARGS
        if any(options.get(look) for look in _LOOKS):
            return terms
        problems = [
            *partial_problems(options, check=self.get_option("check")),
            *self._without_hosts(terms[0]),
        ]
        if problems:
            raise AnsibleError(" ".join(problems))
        return terms

    def _without_hosts(self, group: str) -> Iterator[str]:
        inventory = InventoryManager(loader=self._loader, sources=context.CLIARGS.get("inventory"))
        inventory.subset(context.CLIARGS.get("subset"))
        if not inventory.list_hosts(group):
            yield f"No host of {group} is asked for: name an inventory, and a --limit, that have some."
