"""What would be sent: quantities that never exceed the size, triggers on the safe side of their level."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.intents import filters
from consumer.intents.grid import grid_of
from consumer.intents.levels import levels
from consumer.intents.plan import split, triggers
from consumer.intents.rehearsal import Rehearsal
from consumer.intents.wire import decode, texts
from tests.support.entries import decided, flat, plan_of, wrapped
from tests.support.playbooks import ROOT

if TYPE_CHECKING:
    from pathlib import Path

BTC = filters.load().symbols["BTCUSDT"]
CALM = levels(1, 0, 0, 0, is_doubtful=False)
#: 0.3, 0.3 and 0.4 of a position, added up, in parts of 10^8.
TAKEN = (30_000_000, 60_000_000, 100_000_000)
ONE = Decimal(1)
PRICES = st.decimals("0.001", "200000", places=4)


def test_a_long_plan_is_complete() -> None:
    plan = plan_of(decided(wrapped()))
    assert plan["price"] == {"value": "1.5213", "source": "entry_price"}
    assert plan["leverage"] == {"value": "1", "source": "LEVERAGE"}
    assert plan["filters"] | {"source": ""} == {
        "source": "",
        "tick": "0.0010",
        "step": "1",
        "min_notional": "5",
        "min_qty": "1",
    }
    assert plan["levels"] == {
        "lsf": "0.59061611",
        "tp1": "0.01190616",
        "tp2": "0.01495308",
        "tp3": "0.01947654",
        "sl": "0.00736939",
        "adjustment": "1.00000000",
        "harvest": ["0.3", "0.3", "0.4"],
    }
    assert plan["entry"] == {"side": "BUY", "type": "MARKET", "quantity": "131"}
    assert plan["stop_loss"] == {"trigger_price": "1.5110"}
    assert plan["take_profits"] == [
        {"price": "1.5390", "quantity": "39"},
        {"price": "1.5440", "quantity": "39"},
        {"price": "1.5500", "quantity": "53"},
    ]
    assert "RISK_POSITION_OPEN" in plan["not_evaluated"]


def test_a_short_plan_is_its_mirror() -> None:
    plan = plan_of(decided(wrapped(side="SELL")))
    assert plan["entry"]["side"] == "SELL"
    assert plan["stop_loss"] == {"trigger_price": "1.5320"}
    assert [leg["price"] for leg in plan["take_profits"]] == ["1.5040", "1.4990", "1.4920"]


def test_filters_are_named_by_their_file_and_its_digest() -> None:
    assert plan_of(decided(wrapped()))["filters"]["source"] == filters.load().source


def test_a_size_in_dollars_goes_before_a_share_of_the_balance() -> None:
    plan = plan_of(decided(wrapped(size_pct=0.5), reference_balance_usd="10000"))
    assert (plan["entry"]["quantity"], plan["balance"]) == ("131", None)


def test_a_share_is_taken_of_the_reference_balance() -> None:
    plan = plan_of(decided(wrapped(position_size_usd=None, size_pct=0.1), reference_balance_usd="2000"))
    assert plan["balance"] == {"value": "2000", "source": "REFERENCE_BALANCE_USD"}
    assert plan["entry"]["quantity"] == "131"


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        (flat(entry_price=None), "price"),
        (flat(entry_price="0"), "price"),
        (flat(entry_price="-1"), "price"),
        (flat(symbol="HARNESSUSDT"), "filters"),
        (flat(position_size_usd=None, size_pct="0.1"), "balance"),
        (
            flat(symbol="HARNESSUSDT", entry_price=None, position_size_usd=None, size_pct="1"),
            "price,filters,balance",
        ),
        (flat(side="CLOSE"), "position"),
    ],
)
def test_what_a_plan_lacks_is_named_and_still_drained(fields: dict[bytes, bytes], what: str) -> None:
    decision = decided(fields)
    assert (decision.status, decision.reason) == ("skipped_drain", f"PLAN_INCOMPLETE:{what}")
    assert not plan_of(decision).get("entry")


def test_the_intents_own_leverage_and_stops_are_recorded_and_not_used() -> None:
    plain, other = (plan_of(decided(wrapped(leverage=lev, stop_loss=1.4, take_profit=9))) for lev in (1, 100))
    assert other["intent"]["leverage"] == "100"
    assert {**plain, "intent": None} == {**other, "intent": None}


def test_leverage_shapes_levels_and_not_the_quantity() -> None:
    plan = plan_of(decided(wrapped(volatility_factor=0), leverage="20"))
    assert (plan["levels"]["tp1"], plan["levels"]["sl"]) == ("0.00847248", "0.00801101")
    assert plan["levels"]["harvest"] == ["0.4", "0.4", "0.2"]
    assert plan["entry"]["quantity"] == "131"


def test_doubt_tightens_the_levels_and_a_missing_confidence_is_no_doubt() -> None:
    outcomes = [
        plan_of(decided(wrapped(confidence=value)))["levels"]["adjustment"] for value in (0.49, 0.5, None, 0)
    ]
    assert outcomes == ["0.95000000", "1.00000000", "1.00000000", "0.95000000"]


@pytest.mark.parametrize(
    ("fields", "variables", "reason"),
    [
        (wrapped(volatility_factor=5), {}, "RISK_LEVELS:0 < "),
        (wrapped(), {"leverage": "125"}, "RISK_LEVELS:0 < "),
        (wrapped(funding_rate=100), {"leverage": "125"}, "RISK_LEVELS:0 < "),
        (wrapped(exchange_divergence=-5, funding_rate=2), {"leverage": "125"}, ""),
        (wrapped(funding_rate=1, volatility_factor=1), {"leverage": "100"}, "RISK_LEVELS:stop "),
        (wrapped(position_size_usd=1), {}, "RISK_MIN_QUANTITY:0 "),
        (wrapped(position_size_usd=4), {}, "RISK_MIN_NOTIONAL:3.0426 "),
        (wrapped(position_size_usd=9_999_999), {}, "RISK_MAX_QUANTITY:"),
        (wrapped(entry_price=0.002), {}, "RISK_LEVELS:the tick is too coarse"),
        (wrapped(entry_price=1e-30), {}, "RISK_LEVELS:the tick is too coarse"),
    ],
)
def test_what_must_not_be_sent_is_rejected(
    fields: dict[bytes, bytes], variables: dict[str, str], reason: str
) -> None:
    decision = decided(fields, **variables)
    assert (decision.status == "rejected_risk") == bool(reason)
    assert decision.reason.startswith(reason)


@settings(deadline=None)
@given(PRICES, st.booleans(), st.sampled_from(["0.10", "0.00001", "0.001"]))
def test_triggers_are_multiples_of_the_tick_and_never_beyond_their_level(
    price: Decimal, is_long: bool, tick_text: str
) -> None:
    tick = Decimal(tick_text)
    prices = triggers(grid_of(tick, ONE, ONE, 1), price.as_integer_ratio(), CALM, is_long=is_long)
    stop, targets = prices[0] * tick, [target * tick for target in prices[1:]]
    sign = 1 if is_long else -1
    assert sign * stop >= sign * price * (1 - sign * CALM.sl)
    for target, distance in zip(targets, (CALM.tp1, CALM.tp2, CALM.tp3), strict=True):
        assert sign * target <= sign * price * (1 + sign * distance)
    assert all(price_level % tick == 0 for price_level in (stop, *targets))


@given(PRICES, st.sampled_from(["0.10", "0.00001", "1"]), st.booleans())
def test_a_price_is_rounded_to_the_next_tick_towards_the_entry(
    price: Decimal, tick_text: str, is_long: bool
) -> None:
    tick, sign = Decimal(tick_text), 1 if is_long else -1
    prices = triggers(grid_of(tick, ONE, ONE, 1), price.as_integer_ratio(), CALM, is_long=is_long)
    exact = [price * (1 + sign * distance) for distance in (CALM.tp1, CALM.tp2, CALM.tp3)]
    for target, unrounded in zip(prices[1:], exact, strict=True):
        assert 0 <= sign * (unrounded - target * tick) < tick
    assert 0 <= sign * (prices[0] * tick - price * (1 - sign * CALM.sl)) < tick


@settings(deadline=None, max_examples=200)
@given(st.decimals("50", "999999", places=2), st.decimals("1000", "200000", places=3))
def test_a_quantity_is_rounded_down_and_never_up(size: Decimal, price: Decimal) -> None:
    plan = plan_of(decided(flat(symbol="BTCUSDT", position_size_usd=size, entry_price=price)))
    if not plan["entry"]:
        assert size / price < Decimal("0.05") or size / price > 100
        return
    quantity = Decimal(plan["entry"]["quantity"])
    assert quantity % BTC.step == 0
    assert quantity * price <= size < (quantity + BTC.step) * price


@given(st.integers(1, 10**9), st.integers(1, 1000))
def test_legs_add_up_and_none_is_too_small(steps: int, least: int) -> None:
    legs = split(steps, TAKEN, least)
    assert sum(count for _, count in legs) == steps
    assert [which for which, _ in legs] == sorted({which for which, _ in legs})
    assert len(legs) == 1 or all(count >= least for _, count in legs)


@pytest.mark.parametrize(
    ("steps", "least", "legs"),
    [
        (10, 1, [(0, 3), (1, 3), (2, 4)]),
        (10, 4, [(0, 6), (2, 4)]),
        (10, 5, [(0, 10)]),
        (10, 11, [(0, 10)]),
        (1, 1, [(0, 1)]),
        (2, 1, [(0, 1), (2, 1)]),
        (8, 3, [(0, 4), (2, 4)]),
    ],
)
def test_a_leg_that_is_too_small_is_merged(steps: int, least: int, legs: list[tuple[int, int]]) -> None:
    assert split(steps, TAKEN, least) == legs


def test_legs_of_a_small_position_are_merged_by_value() -> None:
    plan = plan_of(decided(wrapped(position_size_usd=8)))
    assert [leg["quantity"] for leg in plan["take_profits"]] == ["5"]
    assert plan["take_profits"][0]["price"] == "1.5390"


@pytest.fixture
def limited(tmp_path: Path) -> dict[str, str]:
    limits = json.loads((ROOT / "docs" / "limits.example.json").read_text())
    near = {
        **next(iter(limits["symbols"].values())),
        "leverage": 5,
        "max_notional_usd": "300",
        "max_position_usd": "900",
    }
    limits |= {"symbols": {"NEARUSDT": near}, "leverage_cap": 5}
    limits |= {"max_order_notional_usd": "500", "max_intent_notional_usd": "400"}
    path = tmp_path / "limits.json"
    path.write_text(json.dumps(limits))
    return {"limits_file": str(path), "leverage": "20"}


def test_the_limits_files_leverage_goes_before_the_setting(limited: dict[str, str]) -> None:
    decision = decided(wrapped(), **limited)
    assert (decision.status, decision.reason) == ("skipped_drain", "DRAIN")
    assert plan_of(decision)["leverage"] == {"value": "5", "source": "limits"}
    assert plan_of(decision)["levels"]["lsf"] == str(levels(5, 0, 0, 0, is_doubtful=False).lsf)


def test_what_the_limits_file_does_not_name_may_not_be_traded(limited: dict[str, str]) -> None:
    decision = decided(wrapped(symbol="BTCUSDT"), **limited)
    assert decision.status == "rejected_risk"
    assert decision.reason == "RISK_SYMBOL_NOT_ALLOWED:BTCUSDT is not in the limits file"


@pytest.mark.parametrize(
    ("size", "code"),
    [("302", "RISK_NOTIONAL_SYMBOL"), ("401", "RISK_NOTIONAL_INTENT"), ("502", "RISK_NOTIONAL_ORDER")],
)
def test_an_entry_over_a_limit_is_rejected_by_the_first_limit_that_objects(
    limited: dict[str, str], size: str, code: str
) -> None:
    decision = decided(wrapped(position_size_usd=size), **limited)
    assert (decision.status, decision.reason.partition(":")[0]) == ("rejected_risk", code)


def test_an_entry_at_the_limit_passes(limited: dict[str, str]) -> None:
    assert decided(wrapped(position_size_usd="301"), **limited).status == "skipped_drain"


def test_filters_of_equal_value_are_shown_each_as_written() -> None:
    shorter = filters.Filters(Decimal("0.1"), ONE, ONE, Decimal(100), ONE, 1, 100)
    rules = {"ADAUSDT": shorter, "BTCUSDT": shorter._replace(tick=Decimal("0.10"))}
    rehearsal = Rehearsal(filters.Snapshot("test", rules), ONE, None)
    shown = [rehearsal.plan(decode(texts(flat(symbol=symbol)))).members for symbol in rules]
    assert '"tick":"0.1"' in shown[0]
    assert '"tick":"0.10"' in shown[1]
