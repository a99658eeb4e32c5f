"""The oracle decides a stretch as the consumer does, and names each decision that is another."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.judge.oracle import PlanInputs, Rules, disagreements
from consumer.intents.decide import decide
from tests.support.entries import context
from tests.support.incident import exchange_rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from consumer.intents.decide import Context, Decision

DIGEST = "c" * 64
START_MS = 1_766_602_893_000
RULES = exchange_rules()
SOURCE = f"exchange_info.json@{RULES['sha256'][:12]}"
#: Symbols of the snapshot, from the dearest to the cheapest, and one that it does not have.
SYMBOLS = (*sorted(RULES["symbols"])[:6], "NEARUSDT", "BTCUSDT", "HARNESSUSDT")


def rules(leverage: str = "1", balance: str | None = None) -> Rules:
    market = PlanInputs(Decimal(leverage), Decimal(balance) if balance else None, RULES["symbols"], SOURCE)
    return Rules(600_000, 5_000, "0-0", f"{START_MS - 60_000}-0", market)


def entry(at_ms: int, **fields: str) -> dict[str, Any]:
    intent = {"symbol": "NEARUSDT", "side": "BUY", "position_size_usd": "200", "entry_price": "1.5213"}
    return {"id": f"{START_MS + at_ms}-0", "fields": intent | fields}


def fields_of(decision: Decision, at_ms: int, **changes: str) -> dict[str, Any]:
    return {
        "status": decision.status,
        "reason": decision.reason,
        "origin_id": decision.origin_id,
        "symbol": decision.symbol,
        "side": decision.side,
        "timestamp": str(at_ms),
        "config_digest": DIGEST,
        "plan": decision.plan_json,
        **changes,
    }


def decided(entries: Iterable[dict[str, Any]], known: Context | None = None) -> dict[str, Any]:
    """Decide each entry by the consumer's own code, a millisecond later."""
    known = known or context()
    table = {}
    for published in entries:
        now_ms = int(published["id"].partition("-")[0]) + 1
        raw = {name.encode(): value.encode() for name, value in published["fields"].items()}
        decision = decide(published["id"], raw, now_ms, known)
        table[published["id"]] = [{"decision_id": f"{now_ms}-0", "fields": fields_of(decision, now_ms)}]
    return table


def differing(
    entries: list[dict[str, Any]], table: dict[str, Any], by: Rules | None = None
) -> dict[str, str]:
    return {id_: text for id_, text in disagreements(entries, table, by or rules(), DIGEST)}  # noqa: C416 - the last of each


def altered(table: dict[str, Any], id_: str, **changes: str) -> dict[str, Any]:
    made = table[id_][0]
    return table | {id_: [made | {"fields": made["fields"] | changes}]}


AMOUNTS = st.decimals(min_value="0.5", max_value="90000", places=2).map(str)
FRACTIONS = st.decimals(min_value="0", max_value="1", places=4).map(str)
INTENTS = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(SYMBOLS),
        "side": st.sampled_from(["BUY", "SHORT", "CLOSE", "HOLD"]),
        "entry_price": st.sampled_from(["0.00001234", "0.5", "1.5213", "61234.5", "0", "-1"]) | AMOUNTS,
    },
    optional={
        "position_size_usd": AMOUNTS,
        "size_pct": FRACTIONS,
        "confidence": FRACTIONS,
        "volatility_factor": st.decimals(min_value="0", max_value="5", places=3).map(str),
        "funding_rate": st.decimals(min_value="-1", max_value="1", places=6).map(str),
        "exchange_divergence": FRACTIONS,
    },
)


@given(INTENTS, st.sampled_from(["1", "3", "10", "20", "75", "125"]), st.sampled_from(["", "1000"]))
@settings(max_examples=600, deadline=None)
def test_the_oracle_comes_to_the_consumers_decision(
    intent: dict[str, str], leverage: str, balance: str
) -> None:
    published = {"id": f"{START_MS}-0", "fields": intent}
    known = (
        context(leverage=leverage, reference_balance_usd=balance) if balance else context(leverage=leverage)
    )
    assert differing([published], decided([published], known), rules(leverage, balance or None)) == {}


def test_a_twin_is_expected_to_be_a_duplicate() -> None:
    entries = [entry(0), entry(5_000)]
    table = decided(entries)
    assert "a duplicate of" in differing(entries, table)[entries[1]["id"]]
    plan = json.loads(table[entries[1]["id"]][0]["fields"]["plan"])
    twin = altered(
        table,
        entries[1]["id"],
        status="skipped_duplicate",
        reason=f"DUPLICATE:{entries[0]['id']}",
        plan=json.dumps({"intent": plan["intent"]}),
    )
    assert differing(entries, twin) == {}


def test_beyond_the_window_there_is_no_twin() -> None:
    entries = [entry(0), entry(5_001)]
    assert differing(entries, decided(entries)) == {}


def test_a_close_is_never_a_duplicate() -> None:
    entries = [entry(0, side="CLOSE"), entry(100, side="CLOSE")]
    assert differing(entries, decided(entries)) == {}


def test_what_reached_no_plan_makes_nobody_a_duplicate() -> None:
    entries = [entry(0, position_size_usd="1"), entry(100)]
    assert differing(entries, decided(entries)) == {}


@pytest.mark.parametrize("named", [f"{START_MS + 300}-0", f"{START_MS - 70_000}-0", "nobody"])
def test_a_duplicate_of_nothing_is_named(named: str) -> None:
    entries = [entry(0)]
    plan = json.loads(decided(entries)[entries[0]["id"]][0]["fields"]["plan"])
    lie = altered(
        decided(entries),
        entries[0]["id"],
        status="skipped_duplicate",
        reason=f"DUPLICATE:{named}",
        plan=json.dumps({"intent": plan["intent"]}),
    )
    assert "came to skipped_duplicate" in differing(entries, lie)[entries[0]["id"]]


@pytest.mark.parametrize(
    ("age_ms", "reason", "is_right"),
    [
        (600_001, "STALE:age_ms=600002", True),
        (600_001, "STALE:age_ms=700000", False),
        (599_000, "STALE:age_ms=599001", False),
        (599_000, "STALE:age_ms=600001", True),
        (300_000, "STALE:age_ms=600001", False),
        (600_001, "STALE", False),
    ],
)
def test_a_stale_intent_was_that_old_between_its_id_and_its_decision(
    age_ms: int, reason: str, is_right: bool
) -> None:
    entries = [entry(0, timestamp=str(START_MS - age_ms))]
    fresh = decided([entry(0, timestamp=str(START_MS))])
    intent = json.loads(fresh[entries[0]["id"]][0]["fields"]["plan"])["intent"]
    plan = json.dumps({"intent": intent | {"timestamp_ms": START_MS - age_ms}})
    table = altered(fresh, entries[0]["id"], status="skipped_stale", reason=reason, plan=plan)
    assert (differing(entries, table) == {}) is is_right


def test_an_old_intent_that_was_drained_is_named() -> None:
    entries = [entry(0, timestamp=str(START_MS - 606_000))]
    table = decided(entries, context(max_age_minutes="20"))
    assert "was 606,001 ms old" in differing(entries, table)[entries[0]["id"]]


def halted(table: dict[str, Any], id_: str) -> dict[str, Any]:
    plan = json.loads(table[id_][0]["fields"]["plan"])
    shown = json.dumps({"intent": plan["intent"]})
    return altered(table, id_, status="skipped_halted", reason="HALTED:drill", plan=shown)


def test_a_halt_that_stood_for_a_while_is_believed() -> None:
    entries = [entry(0), entry(6_000), entry(12_000)]
    assert differing(entries, halted(decided(entries), entries[1]["id"])) == {}


def test_a_halt_that_came_and_went_within_a_second_is_named() -> None:
    sides = ("BUY", "SHORT", "BUY")
    entries = [entry(400 * n, side=side, symbol=f"A{n}USDT") for n, side in enumerate(sides)]
    problems = differing(entries, halted(decided(entries), entries[1]["id"]))
    assert "a halt that can have stood for 800 ms at most" in problems[entries[1]["id"]]


def test_a_halt_never_stops_a_close() -> None:
    entries = [entry(0, side="CLOSE")]
    assert (
        "came to skipped_halted"
        in differing(entries, halted(decided(entries), entries[0]["id"]))[entries[0]["id"]]
    )


def test_nothing_up_to_the_cutover_is_decided_otherwise() -> None:
    entries = [entry(0)]
    by = Rules(600_000, 5_000, entries[0]["id"], "0-0", rules().market)
    assert "status is skipped_drain" in differing(entries, decided(entries), by)[entries[0]["id"]]


@pytest.mark.parametrize(
    ("reason", "is_right"),
    [("INVALID_SYMBOL:x", True), ("INVALID_SIZE:x", False), ("CONSUMER_ERROR:KeyError", False)],
)
def test_an_invalid_entry_is_so_for_a_fault_that_it_has(reason: str, is_right: bool) -> None:
    entries = [entry(0, symbol="near")]
    table = altered(decided(entries), entries[0]["id"], reason=reason)
    assert (differing(entries, table) == {}) is is_right


def test_a_replayed_entry_is_known_by_its_origin() -> None:
    origin = f"{START_MS - 120_000}-0"
    entries = [entry(0, origin_id=origin)]
    table = decided(entries)
    assert differing(entries, table) == {}
    forgot = altered(table, entries[0]["id"], origin_id=entries[0]["id"])
    assert "origin_id is" in differing(entries, forgot)[entries[0]["id"]]


def test_another_releases_decisions_are_not_judged_but_make_twins() -> None:
    entries = [entry(0), entry(1_000)]
    table = altered(decided(entries), entries[0]["id"], config_digest="d" * 64)
    assert set(differing(entries, table)) == {entries[1]["id"]}
