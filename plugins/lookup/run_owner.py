"""Who this run is, for the deploy lock: user, controller, and the process whose life is the run's life."""

from __future__ import annotations

import getpass
import os
import socket
from typing import TYPE_CHECKING, Any

from ansible.plugins.lookup import LookupBase  # type: ignore[import-untyped]  # ansible-core ships no types

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCUMENTATION = r"""
name: run_owner
short_description: Who this run is, as user@controller/process
"""


class LookupModule(LookupBase):  # type: ignore[misc]  # ansible-core ships no types
    """The lookup `run_owner`."""

    def run(self, _terms: list[str], _variables: Mapping[str, Any] | None = None, **_: Any) -> list[str]:
        """Return the owner's name. A task is worked on by a child of ansible-playbook's own process."""
        return [f"{getpass.getuser()}@{socket.gethostname()}/{os.getppid()}"]
