"""Starting the consumer changes the whole process: its logging and its imports. Each test puts them back."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import pytest
import structlog

from consumer.base import import_guard

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def process_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo logging and the import guard, and hide the modules that it would not tolerate."""
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    for name in import_guard.loaded():
        _hide(monkeypatch, name)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def _hide(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Take a module out of both places where an import puts it: the table and its package."""
    package, _, attribute = name.rpartition(".")
    if hasattr(sys.modules.get(package), attribute):
        monkeypatch.delattr(sys.modules[package], attribute)
    monkeypatch.delitem(sys.modules, name)
