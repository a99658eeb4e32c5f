from __future__ import annotations

import json

import pytest

from host.base.errors import BadRequestError
from host.observe.errors import NotDesiredError
from host.observe.request import parse

GOOD = {
    "run_id": "20261122T160000Z-ab12",
    "phase": "A",
    "desired": {"redis": {"container": "quantum_redis"}},
    "redis": {"user": "trade_intent_checks", "password": "planted-password"},
    "exchange": None,
}


def test_a_whole_request_is_understood() -> None:
    request = parse(json.dumps(GOOD), "A")
    assert request.wanted("redis", "container") == "quantum_redis"
    assert request.redis is not None
    assert request.redis.user == "trade_intent_checks"


def test_only_the_phase_needs_to_be_said() -> None:
    assert parse("{}", "D").desired == {}


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("not json", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"phase": "B"}', "for phase 'B'"),
        ('{"desired": 3}', "desired"),
        ('{"redis": {"user": "x"}}', "redis"),
        ('{"exchange": {"api_key": 1}}', "exchange"),
    ],
)
def test_a_request_that_is_none_is_refused_by_name(text: str, word: str) -> None:
    with pytest.raises(BadRequestError, match=word):
        parse(text, "A")


def test_an_unknown_phase_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadRequestError, match="A, B, C, D, E"):
        parse("{}", "F")


def test_what_was_not_said_is_named_when_it_is_needed() -> None:
    with pytest.raises(NotDesiredError, match=r"desired\.image\.id"):
        parse(json.dumps(GOOD), "A").wanted("image", "id")


def test_passwords_do_not_show_in_a_request() -> None:
    assert "planted-password" not in repr(parse(json.dumps(GOOD), "A"))


def test_every_secret_of_a_request_is_known_as_one() -> None:
    exchange = {"api_key": "planted-key", "api_secret": "planted-secret"}
    request = parse(json.dumps({**GOOD, "exchange": exchange}), "A")
    assert request.secrets() == ["planted-password", "planted-key", "planted-secret"]
