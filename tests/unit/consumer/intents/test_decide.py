"""The gates, in their order, and what a decision carries."""

from __future__ import annotations

import json

import pytest

from consumer.intents.decide import failed, invalid, lost
from tests.support.entries import ENTRY_ID, NOW_MS, decided, flat, intent_of, plan_of, wrapped

OLD = "2025-12-24T18:00:00"
MAX_AGE_MS = 600_000


def test_a_fresh_intent_is_drained_with_its_plan() -> None:
    decision = decided(wrapped())
    assert (decision.status, decision.reason, decision.symbol, decision.side) == (
        "skipped_drain",
        "DRAIN",
        "NEARUSDT",
        "BUY",
    )
    assert (decision.memory, decision.stops_at_halt) == ("quantum:trade_intent:planned:NEARUSDT:long", True)


@pytest.mark.parametrize("shape", ["payload", "data"])
def test_the_decoded_fields_stand_in_the_decision(shape: str) -> None:
    envelope = {"trace_id": "t-7", "source": "trading-bot"}
    assert intent_of(decided(wrapped(shape, envelope=envelope))) == {
        "symbol": "NEARUSDT",
        "side": "BUY",
        "direction": "long",
        "position_size_usd": "200.0",
        "size_pct": None,
        "entry_price": "1.5213",
        "confidence": "0.72",
        "volatility_factor": "0.5513",
        "funding_rate": "0.0",
        "exchange_divergence": "0.0",
        "leverage": "1",
        "stop_loss": "1.4909",
        "take_profit": "1.5822",
        "timestamp_ms": 1_766_602_892_766,
        "shape": shape,
        "source": "trading-bot",
        "trace_id": "t-7",
        "model": "fallback",
    }


def test_the_smallest_numbers_keep_their_value() -> None:
    assert float(intent_of(decided(wrapped(funding_rate=2.2e-7)))["funding_rate"]) == 2.2e-7


def test_texts_are_escaped() -> None:
    assert intent_of(decided(wrapped(model='a"\\\n\u2028é')))["model"] == 'a"\\\n\u2028é'


@pytest.mark.parametrize(
    "fields", [wrapped(timestamp=OLD), wrapped(side="HOLD"), flat(), {b"payload": b"nonsense"}]
)
def test_nothing_up_to_the_cutover_is_decided_otherwise(fields: dict[bytes, bytes]) -> None:
    decision = decided(fields, cutover_id=ENTRY_ID)
    assert (decision.status, decision.reason, decision.letter) == (
        "skipped_before_cutover",
        "BEFORE_CUTOVER",
        "",
    )
    assert set(plan_of(decision)) <= {"intent"}


def test_the_entry_after_the_cutover_is_decided() -> None:
    assert decided(wrapped(), f"{NOW_MS - 100}-1", cutover_id=ENTRY_ID).status == "skipped_drain"


def test_the_cutover_compares_the_streams_id_and_not_the_origin() -> None:
    assert decided(flat(origin_id="1-0"), cutover_id="5-0").status == "skipped_stale"


def test_an_invalid_entry_goes_to_the_dead_letters_as_it_came() -> None:
    decision = decided({b"symbol": b"\xff", b"trace_id": b"t-1"})
    assert (decision.status, decision.reason.split(":")[0], decision.trace_id) == (
        "invalid",
        "INVALID_UTF8",
        "t-1",
    )
    assert json.loads(decision.letter) == [["symbol", {"base64": "/w=="}], ["trace_id", "t-1"]]
    assert decision.plan_json == "{}"


def test_invalid_goes_before_stale() -> None:
    assert decided(wrapped(timestamp=OLD, confidence=2)).status == "invalid"


@pytest.mark.parametrize(
    ("age_ms", "status"), [(MAX_AGE_MS, "skipped_drain"), (MAX_AGE_MS + 1, "skipped_stale")]
)
def test_an_intent_is_stale_beyond_the_age_limit(age_ms: int, status: str) -> None:
    assert decided(wrapped(timestamp=NOW_MS - age_ms)).status == status
    assert decided(flat(), f"{NOW_MS - age_ms}-0").status == status


def test_the_age_counts_from_the_earliest_time_present() -> None:
    decision = decided(wrapped(timestamp=NOW_MS), f"{NOW_MS - MAX_AGE_MS - 5}-0")
    assert (decision.status, decision.reason) == ("skipped_stale", "STALE:age_ms=600005")


def test_an_iso_time_in_the_past_is_stale_in_every_notation() -> None:
    for time in (OLD, f"{OLD}Z", f"{OLD}+00:00", "1766599200", "1766599200000"):
        assert decided(flat(timestamp=time)).status == "skipped_stale"


def test_a_time_in_the_future_is_invalid_beyond_five_seconds() -> None:
    statuses = [decided(wrapped(timestamp=NOW_MS + ahead)).status for ahead in (5000, 5001)]
    assert statuses == ["skipped_drain", "invalid"]
    assert decided(flat(), f"{NOW_MS + 5001}-0").reason.startswith("INVALID_TIME")


def test_stale_goes_before_hold() -> None:
    assert decided(wrapped(side="HOLD", timestamp=OLD)).status == "skipped_stale"


@pytest.mark.parametrize("word", ["HOLD", "FLAT"])
def test_a_hold_asks_for_nothing(word: str) -> None:
    decision = decided(wrapped(side=word))
    assert (decision.status, decision.reason, decision.memory) == ("skipped_hold", "HOLD", "")


def test_a_halt_does_not_apply_to_a_close() -> None:
    assert not decided(flat(side="CLOSE")).stops_at_halt


def test_what_is_rejected_for_its_risk_is_still_asked_for_a_halt_and_a_twin() -> None:
    decision = decided(wrapped(volatility_factor=5))
    assert (decision.status, decision.stops_at_halt, bool(decision.memory)) == ("rejected_risk", True, True)


def test_a_replayed_entry_has_the_originals_identity_and_age() -> None:
    replayed = decided(flat(origin_id=f"{NOW_MS - MAX_AGE_MS - 1}-3"))
    assert (replayed.status, replayed.origin_id) == ("skipped_stale", f"{NOW_MS - MAX_AGE_MS - 1}-3")
    assert decided(flat(origin_id=f"{NOW_MS - 500}-0")).origin_id == f"{NOW_MS - 500}-0"


@pytest.mark.parametrize("origin", ["", "5", "a-b", f"{NOW_MS}-0", "1-0-0", "-1-0"])
def test_an_origin_that_is_no_earlier_id_is_invalid(origin: str) -> None:
    assert decided(flat(origin_id=origin)).reason.startswith("INVALID_ORIGIN_ID")


def test_a_proof_event_is_drained_like_any_other() -> None:
    decision = decided(flat(symbol="HARNESSUSDT", proof="run-1"))
    assert (decision.status, decision.reason) == ("skipped_drain", "PLAN_INCOMPLETE:filters")


def test_our_own_failure_is_final_at_the_third_delivery() -> None:
    decision = failed(ENTRY_ID, flat(), KeyError("x"))
    assert (decision.status, decision.reason, decision.deliveries) == (
        "invalid",
        "CONSUMER_ERROR:KeyError",
        3,
    )


def test_a_field_that_stands_twice_keeps_both_in_the_letter() -> None:
    decision = invalid(
        ENTRY_ID, [(b"side", b"BUY"), (b"side", b"SELL")], "INVALID_FIELDS:a field stands twice"
    )
    assert json.loads(decision.letter) == [["side", "BUY"], ["side", "SELL"]]


def test_a_trimmed_entry_is_lost_and_not_decided() -> None:
    assert lost(ENTRY_ID).reason == "lost_trimmed"
