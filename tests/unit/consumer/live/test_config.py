from __future__ import annotations

import json
from pathlib import Path

import pytest

from consumer.base.errors import RefusedError
from consumer.base.settings import from_environment
from consumer.live.config import live_config_for

LIMITS = Path(__file__).parents[4] / "docs" / "limits.example.json"


def environment(folder: Path, **given: str) -> dict[str, str]:
    named = {
        "mode": "live",
        "venue": "simulator",
        "venue_url": "http://127.0.0.1:1/fapi",
        "journal_url": f"sqlite:///{folder / 'journal.db'}",
        "limits_file": str(LIMITS),
        **given,
    }
    return {f"TRADE_INTENT_{name.upper()}": value for name, value in named.items()}


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    for name in ("binance_api_key", "binance_api_secret"):
        (tmp_path / name).write_text(f"{name}\n")
    return tmp_path


def refusal(folder: Path, **given: str) -> str:
    with pytest.raises(RefusedError) as refused:
        live_config_for(from_environment(environment(folder, **given)), folder)
    return str(refused.value)


def test_at_the_simulator_no_promotion_record_is_needed(secrets: Path) -> None:
    config = live_config_for(from_environment(environment(secrets)), secrets)
    assert (config.promotion, config.stage) == (None, "live")
    assert (config.url, config.api_key) == ("http://127.0.0.1:1/fapi", "binance_api_key")


@pytest.mark.parametrize("venue", ["demo", "mainnet"])
def test_where_there_is_money_a_promotion_record_is_needed(secrets: Path, venue: str) -> None:
    assert "a promotion record (PROMOTION_FILE)" in refusal(secrets, venue=venue, venue_url="")


@pytest.mark.parametrize("name", ["limits_file", "venue_url"])
def test_whatever_is_missing_is_named(secrets: Path, name: str) -> None:
    assert name.upper() in refusal(secrets, **{name: ""})


def test_without_the_exchanges_secrets_there_is_no_start(tmp_path: Path) -> None:
    assert "the exchange's secrets" in refusal(tmp_path)


def test_an_address_cannot_be_given_for_a_venue_that_has_one(secrets: Path) -> None:
    promotion = secrets / "promotion.json"
    promotion.write_text("{}")
    said = refusal(secrets, venue="mainnet", promotion_file=str(promotion))
    assert "VENUE_URL" in said


def test_a_journal_that_cannot_be_opened_refuses(secrets: Path) -> None:
    assert "journal" in refusal(secrets, journal_url="sqlite:////nowhere/at/all.db").lower()


def test_limits_with_an_unknown_key_refuse(secrets: Path) -> None:
    limits = secrets / "limits.json"
    limits.write_text(json.dumps({**json.loads(LIMITS.read_text()), "max_fun": 1}))
    assert "max_fun" in refusal(secrets, limits_file=str(limits))
