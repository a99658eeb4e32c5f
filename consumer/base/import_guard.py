"""The second lock of safe drain: nothing that could send an order can be imported."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING

from consumer.base.errors import ForbiddenImportError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

#: Modules that safe drain refuses, with everything below them.
GUARDED = ("binance", "ccxt", "consumer.live")


class Guard(MetaPathFinder):
    """Asked before every other finder; answers only by refusing."""

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        """Raise ForbiddenImportError for a guarded module; leave all others to the next finder."""
        if is_guarded(fullname):
            raise ForbiddenImportError(fullname)
        return None


def arm() -> None:
    """Guard all imports from now on. Raises RefusedError when one of them has happened already."""
    if forbidden := loaded():
        raise RefusedError(
            f"{', '.join(forbidden)} is loaded already: what drains must not even hold what could trade.",
            "Start the consumer in a process of its own: python -m consumer.",
        )
    if not any(isinstance(finder, Guard) for finder in sys.meta_path):
        sys.meta_path.insert(0, Guard())


def loaded() -> list[str]:
    """Return the guarded modules that are loaded in this process."""
    return sorted(name for name in sys.modules if is_guarded(name))


def is_guarded(module: str) -> bool:
    """Tell whether safe drain refuses this module."""
    return any(module == name or module.startswith(f"{name}.") for name in GUARDED)
