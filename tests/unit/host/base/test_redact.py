from __future__ import annotations

import pytest

from host.base.redact import redact


def test_a_known_secret_is_masked_wherever_it_stands() -> None:
    assert redact("it is hunter2222, really", ("hunter2222",)) == "it is <masked>, really"


def test_of_two_secrets_the_longer_is_masked_whole() -> None:
    assert redact("hunter2222-and-more", ("hunter2222", "hunter2222-and-more")) == "<masked>"


@pytest.mark.parametrize(
    "line",
    [
        "password=abc123",
        "PASSWORD: abc123",
        '{"api_key": "abc123"}',
        "apiKey=abc123",
        "token = 'abc123'",
        "secret:abc123",
    ],
)
def test_a_value_that_is_named_like_a_secret_is_masked(line: str) -> None:
    assert "abc123" not in redact(line)


def test_a_login_inside_an_address_is_masked() -> None:
    assert redact("redis://user:abc123@quantum_redis:6379/0") == "redis://<masked>@quantum_redis:6379/0"


def test_a_secret_too_short_to_be_one_does_not_blacken_the_log() -> None:
    assert redact("a log line", ("a", "")) == "a log line"
