"""Starting: what is refused, with which words and exit code, and what the commands print."""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from consumer.__main__ import REFUSED, main
from consumer.base.digests import code_digest
from consumer.base.settings import Settings
from tests.support.entries import NOW_MS

if TYPE_CHECKING:
    from pathlib import Path


def refused(capsys: pytest.CaptureFixture[str], secrets: Path, **variables: str) -> dict[str, Any]:
    """Start in vain and return the last line of the log."""
    environment = {
        f"TRADE_INTENT_{name}": value for name, value in {"CUTOVER_ID": "0-0", **variables}.items()
    }
    assert main([], environment, secrets) == REFUSED == 78
    line: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["event"], line["level"]) == ("refused", "error")
    return line


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"MODE": "live"}, "promotion record"),
        ({"MODE": "live", "VENUE": "mainnet"}, "promotion record"),
        ({"VENUE": "simulator"}, "TRADE_INTENT_VENUE"),
        ({"VENUE": "mainnet"}, "TRADE_INTENT_VENUE"),
        ({"MODE": "maybe"}, "TRADE_INTENT_MODE"),
        ({"SAFE_DRAIN": "true"}, "TRADE_INTENT_MODE"),
        ({"MODUS": "safe_drain"}, "TRADE_INTENT_MODE"),
        ({"LIMITS_FILE": "/limits.json"}, "TRADE_INTENT_LIMITS_FILE"),
        ({"PROMOTION_FILE": "/promotion.json"}, "TRADE_INTENT_PROMOTION_FILE"),
        ({"CUTOVER_ID": "", "CUTOVER_FILE": "/nowhere"}, "cutover"),
        ({"FILTERS_FILE": "/nowhere"}, "FILTERS_FILE"),
    ],
)
def test_what_this_build_does_not_offer_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, variables: dict[str, str], words: str
) -> None:
    line = refused(capsys, tmp_path, **variables)
    assert words in line["reason"] + line["remedy"]


@pytest.mark.parametrize("name", ["binance_api_key", "binance_api_secret"])
@pytest.mark.parametrize("content", ["", "key"])
def test_an_exchange_secret_is_refused_whatever_it_holds(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / name).write_text(content)
    assert name in refused(capsys, tmp_path)["reason"]


def test_an_exchange_secret_behind_a_broken_link_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "binance_api_key").symlink_to(tmp_path / "gone")
    assert "secret" in refused(capsys, tmp_path)["reason"]


def test_a_redis_password_that_is_no_text_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "redis_password").write_bytes(b"\xff")
    assert "redis_password" in refused(capsys, tmp_path)["reason"]


def test_a_file_of_wrong_filters_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "filters.json"
    file.write_text('{"symbols": [{"symbol": "BTCUSDT", "filters": []}]}')
    assert str(file) in refused(capsys, tmp_path, FILTERS_FILE=str(file))["reason"]


def test_a_cutover_file_without_an_id_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "cutover_id"
    file.write_text("soon\n")
    assert str(file) in refused(capsys, tmp_path, CUTOVER_ID="", CUTOVER_FILE=str(file))["reason"]


def test_settings_are_printed_with_their_digests(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings"], {"TRADE_INTENT_BATCH": "50"}) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["settings"] == Settings(batch=50).document()
    assert (len(shown["config_digest"]), shown["code_digest"]) == (64, code_digest())


def test_wrong_settings_are_one_sentence_and_exit_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings"], {"TRADE_INTENT_MODUS": "x"}) == 1
    assert "TRADE_INTENT_MODE" in capsys.readouterr().err


def test_an_unknown_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trade"]) == 2
    assert "usage" in capsys.readouterr().err


def test_a_rehearsal_prints_the_decision_of_each_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = [
        {
            "id": f"{NOW_MS}-0",
            "fields": {"symbol": "HARNESSUSDT", "side": "BUY", "size_pct": "1"},
            "now_ms": NOW_MS,
        },
        {"id": f"{NOW_MS}-9", "fields": {"origin_id": "x"}, "now_ms": NOW_MS},
        {"id": f"{NOW_MS}-1", "fields": {"payload": "{"}, "now_ms": NOW_MS},
    ]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(map(json.dumps, asked))))
    assert main(["rehearse"], {"TRADE_INTENT_CUTOVER_ID": "0-0"}, tmp_path) == 0
    first, second, third = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["status"], first["reason"]) == ("skipped_drain", "PLAN_INCOMPLETE:price,filters,balance")
    assert (first["mode"], first["orders"], json.loads(first["plan"])["intent"]["size_pct"]) == (
        "safe_drain",
        "[]",
        "1",
    )
    assert second["reason"].startswith("INVALID_ORIGIN_ID")
    assert third["status"] == "invalid"


def test_a_rehearsal_is_refused_in_any_other_mode(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    environment = {"TRADE_INTENT_CUTOVER_ID": "0-0", "TRADE_INTENT_MODE": "live"}
    assert main(["rehearse"], environment, tmp_path) == REFUSED
    assert "promotion" in capsys.readouterr().err
