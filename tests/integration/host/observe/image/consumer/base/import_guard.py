"""Refuses what could order."""

import sys
from importlib.abc import MetaPathFinder

REFUSED = ("binance", "consumer.live")


class ForbiddenImportError(ImportError):
    """Raised when something that could order is imported."""


class Guard(MetaPathFinder):
    def find_spec(self, fullname: str, _path: object, _target: object = None) -> None:
        if fullname in REFUSED:
            raise ForbiddenImportError(fullname)


def arm() -> None:
    sys.meta_path.insert(0, Guard())
