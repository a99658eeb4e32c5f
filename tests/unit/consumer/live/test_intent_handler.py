from __future__ import annotations

import pytest

from consumer.live.intent_handler import body_sha256

FLAT = {"symbol": "ADAUSDT", "side": "BUY"}


def test_a_replay_has_the_body_of_the_original() -> None:
    assert body_sha256({**FLAT, "origin_id": "1-0"}) == body_sha256(FLAT)


@pytest.mark.parametrize("name", ["payload", "data"])
def test_of_a_wrapped_intent_only_what_is_wrapped_counts(name: str) -> None:
    assert body_sha256({name: "{}", "trace_id": "a"}) == body_sha256({name: "{}", "trace_id": "b"})
    assert body_sha256({name: "{}"}) != body_sha256({name: '{"symbol":"ADAUSDT"}'})


def test_the_order_of_flat_fields_does_not_matter_and_their_values_do() -> None:
    assert body_sha256(dict(reversed(FLAT.items()))) == body_sha256(FLAT)
    assert body_sha256({**FLAT, "side": "SELL"}) != body_sha256(FLAT)
