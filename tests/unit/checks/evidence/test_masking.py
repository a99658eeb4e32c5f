from __future__ import annotations

import json
from typing import Any

import pytest

from checks.evidence.masking import masked

SECRET = "kT7w0Qe5ZbXy"


@pytest.mark.parametrize(
    "value",
    [
        {"password": SECRET},
        {"env": {"BINANCE_API_KEY": SECRET}},
        {"nested": [{"redis_password": SECRET}]},
        f"redis://trade_intent_consumer:{SECRET}@quantum_redis:6379/0",
        f"redis://:{SECRET}@quantum_redis:6379/0",
        f"REDIS_PASSWORD={SECRET}",
        f"BINANCE_SECRET_KEY='{SECRET}'",
        f'{{"api_secret": "{SECRET}", "n": 1}}',
        f"login failed, password: {SECRET}",
        f"requirepass={SECRET}",
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{SECRET}\n-----END OPENSSH PRIVATE KEY-----",
        {f"postgres://u:{SECRET}@db": 1},
    ],
)
def test_what_looks_like_a_secret_is_masked(value: Any) -> None:
    assert SECRET not in json.dumps(masked(value))


def test_the_signature_of_a_signed_query_is_masked() -> None:
    assert "0f" * 32 not in masked("GET /fapi/v1/allOrders?timestamp=1&signature=" + "0f" * 32)


@pytest.mark.parametrize(
    "value",
    [
        "/var/lib/trade_intent/secrets/redis_password:/run/secrets/redis_password:ro",
        {"secrets": ["redis_password"], "secrets_hmac": "ab" * 32},
        {"env_names_suspect": ["REDIS_PASSWORD"]},
        {"path": "/var/lib/trade_intent/secrets/redis_password", "mode": "0400"},
        "redis://quantum_redis:6379/0",
        "the exchange_secret_present case exits with 1",
        {"password": ""},
        [1, 2.5, None, True, "text"],
    ],
)
def test_what_is_no_secret_stays_as_it_is(value: Any) -> None:
    assert masked(value) == value


def test_a_long_value_is_masked_in_little_time() -> None:
    assert masked("a" * 200_000 + "_" + "b-" * 2_000).startswith("aaa")
