"""Settings: nothing unknown, nothing out of range, and one digest for one configuration."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal

import pytest

from consumer.base.digests import config_digest
from consumer.base.errors import RefusedError
from consumer.base.settings import Settings, from_environment, without_password


def refusal(**variables: str) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        from_environment({f"TRADE_INTENT_{name}": value for name, value in variables.items()})
    return caught.value


def test_the_defaults_are_the_contracts() -> None:
    effective = from_environment({"PATH": "/bin", "HOME": "/"})
    assert effective == Settings()
    assert (effective.redis_url, effective.mode, effective.venue) == (
        "redis://quantum_redis:6379/0",
        "safe_drain",
        "none",
    )
    assert (effective.max_age_ms, effective.duplicate_window_ms, effective.claim_idle_ms) == (
        600_000,
        5000,
        10_000,
    )
    assert (effective.result_maxlen, effective.http_port, effective.log_level) == (100_000, 9108, "info")
    assert (effective.consumer_name, effective.stage) == ("trade_intent_consumer_0", "safe_drain")


def test_an_empty_value_means_the_default() -> None:
    assert from_environment({"TRADE_INTENT_BATCH": "", "TRADE_INTENT_LEVERAGE": ""}) == Settings()


@pytest.mark.parametrize(
    ("given", "nearest"),
    [
        ("MODUS", "TRADE_INTENT_MODE"),
        ("BLOCKMS", "TRADE_INTENT_BLOCK_MS"),
        ("REDIS", "TRADE_INTENT_REDIS_URL"),
        ("", "TRADE_INTENT_"),
    ],
)
def test_an_unknown_setting_is_refused_with_the_nearest_known(given: str, nearest: str) -> None:
    assert nearest in refusal(**{given: "1"}).remedy


def test_the_old_flag_is_refused_with_a_pointer_to_the_mode() -> None:
    assert "TRADE_INTENT_MODE=safe_drain" in refusal(SAFE_DRAIN="true").remedy


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MODE", "maybe"),
        ("MODE", "LIVE"),
        ("VENUE", "binance"),
        ("BATCH", "0"),
        ("BATCH", "ten"),
        ("BLOCK_MS", "2001"),
        ("BLOCK_MS", "-1"),
        ("MAX_AGE_MINUTES", "0"),
        ("MAX_AGE_MINUTES", "nan"),
        ("LEVERAGE", "126"),
        ("LEVERAGE", "x"),
        ("REFERENCE_BALANCE_USD", "-1"),
        ("CUTOVER_ID", "latest"),
        ("CUTOVER_ID", "$"),
        ("REDIS_URL", "quantum_redis"),
        ("HTTP_PORT", "65536"),
        ("LOG_LEVEL", "loud"),
        ("REPLICA", "one"),
        ("RESULT_MAXLEN", "1e5"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(name: str, value: str) -> None:
    assert f"TRADE_INTENT_{name}" in refusal(**{name: value}).reason


def test_values_are_read_as_what_they_are() -> None:
    effective = from_environment({"TRADE_INTENT_LEVERAGE": "7.5", "TRADE_INTENT_MAX_AGE_MINUTES": "0.5"})
    assert (effective.leverage, effective.max_age_ms) == (Decimal("7.5"), 30_000)


def test_the_digest_is_that_of_canonical_json() -> None:
    document = Settings().document()
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    assert config_digest(document) == hashlib.sha256(text.encode()).hexdigest()
    assert document["TRADE_INTENT_MODE"] == "safe_drain"
    assert document["TRADE_INTENT_REFERENCE_BALANCE_USD"] == ""


def test_who_and_where_do_not_change_the_digest_and_all_else_does() -> None:
    plain = Settings().document()
    assert Settings(replica=3, cutover_id="1-0", cutover_file="/x").document() == plain
    assert Settings(batch=1).document() != plain


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://user:geheim@host:6379/0", "redis://user@host:6379/0"),
        ("redis://:geheim@host:6379/0", "redis://host:6379/0"),
        ("redis://user@host:6379/0", "redis://user@host:6379/0"),
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("unix:///run/redis.sock?db=1", "unix:///run/redis.sock?db=1"),
    ],
)
def test_a_password_in_the_url_is_never_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown
    assert Settings(redis_url=url).document()["TRADE_INTENT_REDIS_URL"] == shown
