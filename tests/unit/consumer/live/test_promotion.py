from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from consumer.base.errors import RefusedError
from consumer.live import promotion
from consumer.live.promotion import RunningCode

if TYPE_CHECKING:
    from pathlib import Path

END = datetime(2026, 11, 23, tzinfo=UTC)
END_MS = int(END.timestamp() * 1000)
RUNNING = RunningCode("a" * 64, "b" * 64, "c" * 64, "sha256:" + "d" * 64)
CAPS = {"max_entries": 3, "max_notional_usd": "60", "symbols": ["BTCUSDT"]}
RECORD: dict[str, Any] = {
    "stage": "canary",
    "nonce": "20261122-0001",
    "image_id": RUNNING.image_id,
    "code_digest": RUNNING.code_digest,
    "config_digest": RUNNING.config_digest,
    "limits_digest": RUNNING.limits_digest,
    "live_from_id": "1766602892766-4",
    "not_after": "2026-11-23T00:00:00Z",
    "caps": CAPS,
}


def written(tmp_path: Path, **changes: Any) -> str:
    path = tmp_path / "promotion.json"
    record = {name: value for name, value in {**RECORD, **changes}.items() if value is not ...}
    path.write_text(json.dumps(record))
    return str(path)


def test_a_record_for_what_runs_is_taken(tmp_path: Path) -> None:
    record = promotion.load(written(tmp_path), "mainnet", RUNNING, END_MS)
    assert record
    assert record.live_from == (1766602892766, 4)
    assert record.not_after_ms == END_MS


def test_live_has_no_caps(tmp_path: Path) -> None:
    record = promotion.load(written(tmp_path, stage="live", caps=None), "mainnet", RUNNING, 0)
    assert record
    assert record.caps is None


@pytest.mark.parametrize("venue", ["demo", "mainnet", "none", "anything"])
def test_without_a_record_nothing_trades(venue: str) -> None:
    with pytest.raises(RefusedError, match=f"{venue} needs one"):
        promotion.load("", venue, RUNNING, 0)


def test_the_simulator_needs_no_record() -> None:
    assert promotion.load("", "simulator", RUNNING, 0) is None


def test_at_the_simulator_a_record_that_is_given_binds_too(tmp_path: Path) -> None:
    with pytest.raises(RefusedError):
        promotion.load(written(tmp_path, code_digest="e" * 64), "simulator", RUNNING, 0)


@pytest.mark.parametrize("name", RunningCode._fields)
def test_a_record_for_something_else_is_refused(tmp_path: Path, name: str) -> None:
    other = "sha256:" + "e" * 64 if name == "image_id" else "e" * 64
    with pytest.raises(RefusedError, match=f"for {name} {other}"):
        promotion.load(written(tmp_path, **{name: other}), "mainnet", RUNNING, 0)


def test_an_image_that_cannot_be_known_is_left_to_who_knows_it(tmp_path: Path) -> None:
    assert promotion.load(written(tmp_path), "mainnet", RUNNING._replace(image_id=None), 0)


def test_a_record_that_has_ended_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="was good until 2026-11-23"):
        promotion.load(written(tmp_path), "mainnet", RUNNING, END_MS + 1)


@pytest.mark.parametrize("name", RECORD)
def test_a_record_that_lacks_something_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RefusedError):
        promotion.load(written(tmp_path, **{name: ...}), "mainnet", RUNNING, 0)


WRONG: list[tuple[str, Any]] = [
    ("stage", "safe_drain"), ("stage", "Live"), ("nonce", "short"), ("nonce", "with space in it"),
    ("image_id", "d" * 64), ("code_digest", "A" * 64), ("config_digest", ""), ("limits_digest", "c" * 63),
    ("live_from_id", "now"), ("live_from_id", ""), ("not_after", "2026-11-23T00:00:00"), ("not_after", None),
    ("caps", None), ("caps", {**CAPS, "max_entries": 0}), ("caps", {**CAPS, "max_notional_usd": "0"}),
    ("caps", {**CAPS, "symbols": []}), ("caps", {**CAPS, "symbols": ["btcusdt"]}), ("caps", {**CAPS, "x": 1}),
    ("break_glass", True),
]  # fmt: skip # a table, or a call that is read as one


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_record_that_says_what_cannot_be_is_refused(tmp_path: Path, name: str, value: Any) -> None:
    with pytest.raises(RefusedError):
        promotion.load(written(tmp_path, **{name: value}), "mainnet", RUNNING, 0)


def test_live_with_caps_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="a canary has caps, and live has none"):
        promotion.load(written(tmp_path, stage="live"), "mainnet", RUNNING, 0)
