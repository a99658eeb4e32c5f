"""The import guard, in processes of its own: what it refuses cannot be loaded, nor be loaded already."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from consumer.base.import_guard import is_guarded

ROOT = Path(__file__).parents[4]


def run(code: str) -> str:
    """Run code in a fresh interpreter and return its last line."""
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    return (result.stdout + result.stderr).strip().splitlines()[-1]


@pytest.mark.parametrize(
    "module", ["binance", "binance.client", "ccxt", "consumer.live.orders", "consumer.live.engine"]
)
def test_a_module_that_could_trade_is_refused(module: str) -> None:
    said = run(f"from consumer.base import import_guard; import_guard.arm(); import {module}")
    assert "ForbiddenImportError: safe drain refuses to import" in said


def test_other_modules_are_let_through() -> None:
    code = "import_guard.arm(); import csv, consumer.intents.planner; print('in')"
    assert run(f"from consumer.base import import_guard; {code}") == "in"


def test_a_module_that_is_loaded_already_is_refused() -> None:
    code = (
        "import sys, types; sys.modules['ccxt'] = types.ModuleType('ccxt')\n"
        "from consumer.base import import_guard; import_guard.arm()"
    )
    assert "ccxt is loaded already" in run(code)


def test_a_refused_import_is_an_import_error() -> None:
    code = (
        "from consumer.base import import_guard; import_guard.arm(); import_guard.arm()\n"
        "try:\n    import binance\nexcept ImportError as error:\n    print(type(error).__module__)"
    )
    assert run(code) == "consumer.base.errors"


@pytest.mark.parametrize("module", ["binances", "consumer.orderbook", "consumer.lively", "my.binance"])
def test_names_that_only_look_alike_are_not_guarded(module: str) -> None:
    assert not is_guarded(module)
