"""The playbooks' own Python lies where Ansible looks for it, not in packages."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

ROOT = Path(__file__).resolve().parents[3]

type Load = Callable[[str], ModuleType]


@pytest.fixture(scope="session")
def load() -> Load:
    """Import a file of the project by its path."""

    def from_path(path: str) -> ModuleType:
        name = f"playbooks_{Path(path).stem}"
        spec = importlib.util.spec_from_file_location(name, ROOT / path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module

    return from_path
