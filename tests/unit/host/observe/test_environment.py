from __future__ import annotations

from host.observe.environment import MASK, shown, suspects


def test_only_known_harmless_values_can_be_read() -> None:
    variables = [
        "TRADE_INTENT_MODE=safe_drain",
        "PATH=/usr/bin",
        "PYTHONPATH=/app",
        "LANG=C",
        "ANYTHING=else",
    ]
    assert shown(variables) == {
        "TRADE_INTENT_MODE": "safe_drain",
        "PATH": "/usr/bin",
        "PYTHONPATH": "/app",
        "LANG": "C",
        "ANYTHING": MASK,
    }


def test_a_secret_under_our_own_prefix_is_masked_too() -> None:
    assert shown(["TRADE_INTENT_API_KEY=planted"]) == {"TRADE_INTENT_API_KEY": MASK}


def test_a_password_within_an_address_is_masked() -> None:
    variables = shown(["TRADE_INTENT_REDIS_URL=redis://user:planted@quantum_redis:6379/0"])
    assert variables["TRADE_INTENT_REDIS_URL"] == f"redis://user:{MASK}@quantum_redis:6379/0"


def test_a_value_may_hold_equal_signs() -> None:
    assert shown(["TRADE_INTENT_NOTE=a=b"]) == {"TRADE_INTENT_NOTE": "a=b"}


def test_names_of_secrets_are_suspect() -> None:
    variables = ["BINANCE_API_KEY=x", "REDIS_PASSWORD=x", "GITHUB_TOKEN=x", "TRADE_INTENT_MODE=safe_drain"]
    assert suspects(variables, []) == ["BINANCE_API_KEY", "GITHUB_TOKEN", "REDIS_PASSWORD"]


def test_a_known_secret_is_found_under_an_innocent_name() -> None:
    assert suspects(["MOTTO=say planted-password softly"], ["planted-password"]) == ["MOTTO"]


def test_a_password_in_an_address_is_suspect() -> None:
    assert suspects(["TRADE_INTENT_REDIS_URL=redis://:planted@redis:6379"], []) == ["TRADE_INTENT_REDIS_URL"]


def test_an_empty_value_is_no_secret() -> None:
    assert suspects(["BINANCE_SECRET_KEY="], []) == []
