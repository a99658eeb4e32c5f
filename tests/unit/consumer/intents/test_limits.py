from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from consumer.base.errors import RefusedError
from consumer.intents import limits

EXAMPLE = Path(__file__).parents[4] / "docs" / "limits.example.json"


def changed(tmp_path: Path, where: str, value: Any) -> str:
    """Return the example with one value replaced, or left out where it is `...`."""
    document = json.loads(EXAMPLE.read_text())
    *parents, name = where.split(".")
    inner = document
    for parent in parents:
        inner = inner[parent]
    if value is ...:
        del inner[name]
    else:
        inner[name] = value
    path = tmp_path / "limits.json"
    path.write_text(json.dumps(document))
    return str(path)


def test_the_example_is_usable() -> None:
    loaded, digest = limits.load(str(EXAMPLE))
    assert loaded.symbols["BTCUSDT"].max_notional_usd == Decimal(500)
    assert digest == hashlib.sha256(EXAMPLE.read_bytes()).hexdigest()


def test_no_file_means_no_start() -> None:
    with pytest.raises(RefusedError, match="TRADE_INTENT_LIMITS_FILE is not set"):
        limits.load("")


def test_a_file_that_is_not_there_means_no_start(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="No such file"):
        limits.load(str(tmp_path / "limits.json"))


FIELDS = list(json.loads(EXAMPLE.read_text()))
SYMBOL_FIELDS = [f"symbols.BTCUSDT.{name}" for name in limits.SymbolLimits.model_fields]
THROTTLE_FIELDS = [f"max_executions_per_symbol.{name}" for name in limits.Throttle.model_fields]


def test_the_example_names_every_limit() -> None:
    assert set(FIELDS) == set(limits.Limits.model_fields)


@pytest.mark.parametrize("where", [*FIELDS, *SYMBOL_FIELDS, *THROTTLE_FIELDS])
def test_a_limit_that_is_missing_means_no_start(tmp_path: Path, where: str) -> None:
    with pytest.raises(RefusedError, match="Field required"):
        limits.load(changed(tmp_path, where, ...))


@pytest.mark.parametrize("where", [*FIELDS, *SYMBOL_FIELDS, *THROTTLE_FIELDS])
def test_null_is_no_limit(tmp_path: Path, where: str) -> None:
    with pytest.raises(RefusedError):
        limits.load(changed(tmp_path, where, None))


@pytest.mark.parametrize(
    "where", ["max_day_loss_usd", "symbols.BTCUSDT.levrage", "max_executions_per_symbol.x"]
)
def test_a_limit_that_nobody_reads_means_no_start(tmp_path: Path, where: str) -> None:
    with pytest.raises(RefusedError, match="Extra inputs are not permitted"):
        limits.load(changed(tmp_path, where, "1"))


NO_AMOUNTS = ("0", "-1", "1e99", "1000000001", "NaN", "Infinity", True, "x")
WRONG: list[tuple[str, Any]] = [
    *[(name, value) for name in [*FIELDS, *SYMBOL_FIELDS] if name.endswith("_usd") for value in NO_AMOUNTS],
    *[("price_collar", value) for value in ("0", "1", "5")],
    *[("orders_per_minute", value) for value in (0, "12", 1.5, True)],
    *[(name, value) for name in ("leverage_cap", "symbols.BTCUSDT.leverage") for value in (0, 126)],
    ("max_open_positions", 0),
    ("symbols.BTCUSDT.margin_type", "isolated"),
    ("max_executions_per_symbol.count", 0),
    ("max_executions_per_symbol.window_s", 0),
    ("symbols.btcusdt", json.loads(EXAMPLE.read_text())["symbols"]["BTCUSDT"]),
    ("symbols", []),
    ("symbols", {}),
    *[("signed_off_by", value) for value in ("", "  ")],
    *[("signed_off_at", value) for value in ("2026-11-22T16:00:00", "today")],
]


@pytest.mark.parametrize(("where", "value"), WRONG)
def test_a_value_that_cannot_be_desired_means_no_start(tmp_path: Path, where: str, value: Any) -> None:
    with pytest.raises(RefusedError):
        limits.load(changed(tmp_path, where, value))


def test_a_number_is_taken_as_it_is_written(tmp_path: Path) -> None:
    loaded, _ = limits.load(changed(tmp_path, "price_collar", 0.1))
    assert loaded.price_collar == Decimal("0.1")


def test_a_symbols_leverage_above_the_cap_means_no_start(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="BTCUSDT has leverage 6, and leverage_cap is 5"):
        limits.load(changed(tmp_path, "symbols.BTCUSDT.leverage", 6))


def test_a_position_limit_below_the_first_entry_means_no_start(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="the first entry would halt"):
        limits.load(changed(tmp_path, "symbols.BTCUSDT.max_position_usd", "499"))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting"),
        (b"[]", "the document"),
        (b'{"a":1,"a":2}', "a key stands twice"),
        (b'{"a":NaN}', "NaN is not a number"),
        (b"\xff\xfe", "decode"),
        (b"[" * 100_000, "recursion"),
    ],
)
def test_what_is_no_document_means_no_start(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "limits.json"
    path.write_bytes(content)
    with pytest.raises(RefusedError, match=why) as refusal:
        limits.load(str(path))
    assert refusal.value.remedy == limits.REMEDY
