"""Every limit from both sides: exactly at it passes, one step over it is refused, under its own code."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from consumer.intents.filters import Filters
from consumer.intents.limits import Limits, SymbolLimits, Throttle
from consumer.live.exchange.port import Position
from consumer.live.promotion import Caps, Promotion
from consumer.live.risk import rules
from consumer.live.risk.rules import AccountState, Allowed, Counters, Halt, Proposal, Rejected

NOW_MS = 1_800_000_000_000
NOT_AFTER = datetime(2027, 6, 1, tzinfo=UTC)
NOT_AFTER_MS = int(NOT_AFTER.timestamp() * 1000)
D = Decimal
USD = D("0.01")
DUST = D("0.00000001")

FILTERS = Filters(D("0.1"), D("0.001"), D("0.001"), D(120), D(50), 1, 120_000)
SYMBOL = SymbolLimits(max_notional_usd=D(500), max_position_usd=D(500), leverage=5, margin_type="ISOLATED")
LIMITS = Limits(
    symbols={
        "BTCUSDT": SYMBOL,
        "ETHUSDT": SYMBOL.model_copy(update={"max_notional_usd": D(300), "max_position_usd": D(300)}),
    },
    max_order_notional_usd=D(500),
    max_intent_notional_usd=D(500),
    max_gross_usd=D(800),
    orders_per_minute=12,
    price_collar=D("0.01"),
    leverage_cap=5,
    max_open_positions=2,
    max_daily_loss_usd=D(40),
    max_executions_per_symbol=Throttle(count=3, window_s=600),
    signed_off_by="a person",
    signed_off_at=datetime(2026, 1, 1, tzinfo=UTC),
)
ORDER = Proposal(
    origin=(1_700_000_000_000, 5),
    symbol="BTCUSDT",
    is_long=True,
    quantity=D("0.005"),
    price=D(100_000),
    mark_price=D(100_000),
    stop_price=D(99_000),
    asked_usd=D(500),
    orders=5,
    filters=FILTERS,
    is_proof=False,
)
ACCOUNT = AccountState((), frozenset(), 5, "ISOLATED", D(100), D(0))
COUNTERS = Counters(entries=0, orders_last_minute=0, executions=0, orders_out=0, legs_allowed=0)
CAPS = Caps(max_entries=3, max_notional_usd=D(500), symbols=["BTCUSDT"])
CANARY = Promotion(
    stage="canary",
    nonce="nonce-0001",
    image_id="sha256:" + "0" * 64,
    code_digest="0" * 64,
    config_digest="0" * 64,
    limits_digest="0" * 64,
    live_from_id="1600000000000-3",
    not_after=NOT_AFTER,
    caps=CAPS,
)


def judge(  # noqa: PLR0917 - the order is that of the guard itself
    order: dict[str, Any] | None = None,
    account: dict[str, Any] | None = None,
    limits: dict[str, Any] | None = None,
    counters: dict[str, Any] | None = None,
    promotion: Promotion | None = None,
    now_ms: int = NOW_MS,
) -> Allowed | Rejected | Halt:
    return rules.judge_intent(
        ORDER._replace(**order or {}),
        ACCOUNT._replace(**account or {}),
        LIMITS.model_copy(update=limits or {}),
        COUNTERS._replace(**counters or {}),
        now_ms,
        promotion=promotion,
    )


def state(
    account: dict[str, Any] | None = None,
    counters: dict[str, Any] | None = None,
    promotion: Promotion | None = None,
    now_ms: int = NOW_MS,
) -> Halt | None:
    return rules.judge_state(
        ACCOUNT._replace(**account or {}),
        LIMITS,
        COUNTERS._replace(**counters or {}),
        now_ms,
        promotion=promotion,
    )


def position(notional: str, symbol: str = "ETHUSDT", amount: str | None = None) -> Position:
    return Position(symbol, "BOTH", D(amount or notional) / 100, D(100), D(100), D(notional))


def test_an_order_within_every_limit_is_allowed_just_as_it_is() -> None:
    assert judge() == Allowed(ORDER)


def test_an_order_within_every_limit_and_the_canarys_is_allowed() -> None:
    assert judge(promotion=CANARY) == Allowed(ORDER)


SHORT = {"is_long": False, "stop_price": D(101_000)}


def test_a_short_is_judged_alike() -> None:
    assert judge(SHORT) == Allowed(ORDER._replace(**SHORT))  # type: ignore[arg-type]  # a row of fields


# What is changed, and what the guard says of it; each line of `AT` has its counterpart in `OVER`.
AT: dict[str, dict[str, Any]] = {
    "price above mark by the collar": {"order": {"price": D(101_000), "quantity": D("0.004")}},
    "price below mark by the collar": {"order": {"price": D(99_000)}},
    "notional of the order": {"limits": {"max_order_notional_usd": D(500)}},
    "notional of the intent": {"limits": {"max_intent_notional_usd": D(500)}},
    "what the intent asked for": {"order": {"asked_usd": D(500)}},
    "notional of the symbol": {"limits": {"symbols": {"BTCUSDT": SYMBOL}}},
    "gross": {"account": {"positions": (position("300"),)}},
    "open positions": {"account": {"positions": (position("1"),)}},
    "leverage cap": {"limits": {"leverage_cap": 5}},
    "minimum notional": {"limits": {}, "order": {"filters": FILTERS._replace(min_notional=D(500))}},
    "minimum quantity": {"order": {"filters": FILTERS._replace(min_quantity=D("0.005"))}},
    "maximum quantity": {"order": {"filters": FILTERS._replace(max_quantity=D("0.005"))}},
    "step": {"order": {"filters": FILTERS._replace(step=D("0.005"))}},
    "stop of a long just below mark": {"order": {"stop_price": D("99999.9")}},
    "stop of a short just above mark": {"order": {"is_long": False, "stop_price": D("100000.1")}},
    "stop of a long at the liquidation share": {"order": {"stop_price": D(84_000)}},
    "stop of a short at the liquidation share": {"order": {"is_long": False, "stop_price": D(116_000)}},
    "margin": {"account": {"available_usd": D(100)}},
    "order rate": {"counters": {"orders_last_minute": 7}},
    "throttle": {"counters": {"executions": 2}},
    "canary's entries": {"promotion": CANARY, "counters": {"entries": 2}},
    "canary's notional": {"promotion": CANARY},
    "first id after the promotion": {
        "promotion": CANARY.model_copy(update={"live_from_id": "1700000000000-4"}),
    },
    "end of the promotion": {"promotion": CANARY, "now_ms": NOT_AFTER_MS},
    "daily loss": {"account": {"income_usd": D(-40)}},
    "orders out": {"counters": {"orders_out": 5, "legs_allowed": 5}},
    "position of another symbol": {"account": {"positions": (position("300"),)}},
    "an order of another symbol": {"account": {"busy": frozenset({"ETHUSDT"})}},
    "one request": {"order": {"orders": 1}},
}


@pytest.mark.parametrize("change", AT.values(), ids=AT.keys())
def test_what_lies_exactly_at_a_limit_is_allowed(change: dict[str, Any]) -> None:
    assert isinstance(judge(**change), Allowed)


RISKS: dict[str, tuple[dict[str, Any], str, str]] = {
    "a proof event": (
        {"order": {"is_proof": True}},
        "RISK_PROOF_EVENT",
        "a proof event never trades",
    ),
    "the proofs' symbol": (
        {"order": {"symbol": "HARNESSUSDT"}},
        "RISK_PROOF_EVENT",
        "a proof event never trades",
    ),
    "a symbol that is not listed": (
        {"order": {"symbol": "ADAUSDT"}},
        "RISK_SYMBOL_NOT_ALLOWED",
        "ADAUSDT is not in the limits file",
    ),
    "an id at which the promotion begins": (
        {"promotion": CANARY.model_copy(update={"live_from_id": "1700000000000-5"})},
        "RISK_BEFORE_LIVE",
        "at or before 1700000000000-5",
    ),
    "a symbol outside the canary": (
        {"promotion": CANARY.model_copy(update={"caps": CAPS.model_copy(update={"symbols": ["ETHUSDT"]})})},
        "RISK_CANARY_CAP",
        "BTCUSDT is no canary symbol",
    ),
    "a notional above the canary's": (
        {
            "promotion": CANARY.model_copy(
                update={"caps": CAPS.model_copy(update={"max_notional_usd": D(500) - USD})}
            )
        },
        "RISK_CANARY_CAP",
        "500.000 is above 499.99",
    ),
    "an entry too many for the canary": (
        {"promotion": CANARY, "counters": {"entries": 3}},
        "RISK_CANARY_CAP",
        "3 entries of 3 are used",
    ),
    "far too many for the canary": (
        {"promotion": CANARY, "counters": {"entries": 4}},
        "RISK_CANARY_CAP",
        "4 entries of 3 are used",
    ),
    "a position in the symbol": (
        {"account": {"positions": (position("1", "BTCUSDT"),)}},
        "RISK_POSITION_OPEN",
        "BTCUSDT has a position",
    ),
    "a short position in the symbol": (
        {"account": {"positions": (position("-1", "BTCUSDT"),)}},
        "RISK_POSITION_OPEN",
        "BTCUSDT has a position",
    ),
    "an open order in the symbol": (
        {"account": {"busy": frozenset({"BTCUSDT"})}},
        "RISK_POSITION_OPEN",
        "BTCUSDT has an open order",
    ),
    "leverage above the cap": ({"limits": {"leverage_cap": 4}}, "RISK_LEVERAGE_CAP", "5 is more than 4"),
    "less leverage than desired": ({"account": {"leverage": 4}}, "RISK_LEVERAGE", "4 is not 5"),
    "more leverage than desired": (
        {"account": {"leverage": 6}, "limits": {"leverage_cap": 6}},
        "RISK_LEVERAGE",
        "6 is not 5",
    ),
    "another margin type": (
        {"account": {"margin_type": "CROSSED"}},
        "RISK_MARGIN_TYPE",
        "CROSSED is not ISOLATED",
    ),
    "a price above the collar": (
        {"order": {"price": D(101_000) + USD, "quantity": D("0.004")}},
        "RISK_PRICE_COLLAR",
        "101000.01 is further than 0.01 from mark 100000",
    ),
    "a price below the collar": (
        {"order": {"price": D(99_000) - USD}},
        "RISK_PRICE_COLLAR",
        "98999.99 is further than 0.01 from mark 100000",
    ),
    "a quantity between two steps": (
        {"order": {"quantity": D("0.0045")}},
        "RISK_QUANTITY",
        "0.0045 is no multiple of 0.001",
    ),
    "a quantity below the minimum": (
        {"order": {"filters": FILTERS._replace(min_quantity=D("0.006"))}},
        "RISK_QUANTITY",
        "0.005 is below 0.006",
    ),
    "a quantity above the maximum": (
        {"order": {"filters": FILTERS._replace(max_quantity=D("0.004"))}},
        "RISK_QUANTITY",
        "0.005 is above 0.004",
    ),
    "a notional below the exchange's minimum": (
        {"order": {"filters": FILTERS._replace(min_notional=D(500) + USD)}},
        "RISK_MIN_NOTIONAL",
        "500.000 is below 500.01",
    ),
    "a notional below the minimum at mark price": (
        {"order": {"mark_price": D(99_500), "filters": FILTERS._replace(min_notional=D(500))}},
        "RISK_MIN_NOTIONAL",
        "497.500 is below 500",
    ),
    "a notional below the minimum at its own price": (
        {"order": {"price": D(99_500), "filters": FILTERS._replace(min_notional=D(500))}},
        "RISK_MIN_NOTIONAL",
        "497.500 is below 500",
    ),
    "an order's notional": (
        {"limits": {"max_order_notional_usd": D(500) - USD}},
        "RISK_NOTIONAL_ORDER",
        "500.000 is above 499.99",
    ),
    "an order's notional at a higher mark price": (
        {"order": {"mark_price": D(100_500)}},
        "RISK_NOTIONAL_ORDER",
        "502.500 is above 500",
    ),
    "an order's notional at its own higher price": (
        {"order": {"price": D(100_500)}},
        "RISK_NOTIONAL_ORDER",
        "502.500 is above 500",
    ),
    "an intent's notional": (
        {"limits": {"max_intent_notional_usd": D(500) - USD}},
        "RISK_NOTIONAL_INTENT",
        "500.000 is above 499.99",
    ),
    "what an intent asks for": (
        {"order": {"asked_usd": D(500) + USD}},
        "RISK_NOTIONAL_INTENT",
        "500.01 is above 500",
    ),
    "an intent's notional, whatever it asks for": (
        {"order": {"asked_usd": D(1)}, "limits": {"max_intent_notional_usd": D(499)}},
        "RISK_NOTIONAL_INTENT",
        "500.000 is above 499",
    ),
    "a symbol's notional": (
        {"limits": {"symbols": {"BTCUSDT": SYMBOL.model_copy(update={"max_notional_usd": D(500) - USD})}}},
        "RISK_NOTIONAL_SYMBOL",
        "500.000 is above 499.99",
    ),
    "a symbol's position": (
        {"limits": {"symbols": {"BTCUSDT": SYMBOL.model_copy(update={"max_position_usd": D(500) - USD})}}},
        "RISK_POSITION_LIMIT",
        "500.000 is above 499.99",
    ),
    "gross with what is open": (
        {"account": {"positions": (position("300"),)}, "limits": {"max_gross_usd": D(800) - USD}},
        "RISK_GROSS_LIMIT",
        "800.000 is above 799.99",
    ),
    "gross with a short": (
        {"account": {"positions": (position("-300"),)}, "limits": {"max_gross_usd": D(800) - USD}},
        "RISK_GROSS_LIMIT",
        "800.000 is above 799.99",
    ),
    "a position too many": (
        {"account": {"positions": (position("1"),)}, "limits": {"max_open_positions": 1}},
        "RISK_OPEN_POSITIONS",
        "2 is more than 1",
    ),
    "a long's stop at mark": (
        {"order": {"stop_price": D(100_000)}},
        "RISK_LEVELS",
        "stop 100000 would trigger at mark 100000",
    ),
    "a long's stop above mark": (
        {"order": {"stop_price": D(101_000)}},
        "RISK_LEVELS",
        "stop 101000 would trigger at mark 100000",
    ),
    "a short's stop at mark": (
        {"order": {"is_long": False, "stop_price": D(100_000)}},
        "RISK_LEVELS",
        "stop 100000 would trigger at mark 100000",
    ),
    "a short's stop below mark": (
        {"order": {"is_long": False, "stop_price": D(99_000)}},
        "RISK_LEVELS",
        "stop 99000 would trigger at mark 100000",
    ),
    "a long's stop beyond the liquidation share": (
        {"order": {"stop_price": D(84_000) - USD}},
        "RISK_LEVELS",
        "stop 83999.99 is beyond 0.8 / leverage 5",
    ),
    "a short's stop beyond the liquidation share": (
        {"order": {"is_long": False, "stop_price": D(116_000) + USD}},
        "RISK_LEVELS",
        "stop 116000.01 is beyond 0.8 / leverage 5",
    ),
    "too little margin": (
        {"account": {"available_usd": D(100) - USD}},
        "RISK_MARGIN",
        "500.000 is above 499.95",
    ),
    "too many orders within a minute": (
        {"counters": {"orders_last_minute": 8}},
        "RISK_ORDER_RATE",
        "13 is more than 12",
    ),
    "no request at all": (
        {"order": {"orders": 0}},
        "RISK_INPUT",
        "a price or quantity is not above 0",
    ),
}  # fmt: skip # a table, or a call that is read as one


@pytest.mark.parametrize(("change", "code", "detail"), RISKS.values(), ids=RISKS.keys())
def test_what_lies_beyond_a_limit_is_rejected(change: dict[str, Any], code: str, detail: str) -> None:
    assert judge(**change) == Rejected(code, detail)


@pytest.mark.parametrize("value", [D(0), -DUST, D("NaN"), D("Infinity"), D("-Infinity")])
@pytest.mark.parametrize("name", ["quantity", "price", "mark_price", "stop_price", "asked_usd"])
def test_a_number_that_is_none_is_rejected(name: str, value: Decimal) -> None:
    assert judge({name: value}) == Rejected("RISK_INPUT", "a price or quantity is not above 0")


def test_the_smallest_numbers_are_numbers() -> None:
    tiny = {
        "quantity": DUST,
        "price": DUST,
        "mark_price": DUST,
        "stop_price": DUST * D("0.9"),
        "asked_usd": DUST,
    }
    verdict = judge({**tiny, "filters": Filters(DUST, DUST, DUST, D(1), D("1e-18"), 1, 10**8)})
    assert isinstance(verdict, Allowed)


HALTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "the promotion has ended": (
        {"promotion": CANARY, "now_ms": NOT_AFTER_MS + 1},
        "HALT_PROMOTION_EXPIRED",
        "the promotion ended 1 ms ago",
    ),
    "a position is above its limit": (
        {"account": {"positions": (position("300.01"),)}},
        "HALT_POSITION_OVER_LIMIT",
        "ETHUSDT 300.01 is above 300",
    ),
    "a short position is above its limit": (
        {"account": {"positions": (position("-300.01"),)}},
        "HALT_POSITION_OVER_LIMIT",
        "ETHUSDT 300.01 is above 300",
    ),
    "both sides of a hedge are above it together": (
        {"account": {"positions": (position("200"), position("-101"))}},
        "HALT_POSITION_OVER_LIMIT",
        "ETHUSDT 301 is above 300",
    ),
    "the second position is above its limit": (
        {"account": {"positions": (position("1", "BTCUSDT"), position("301"))}},
        "HALT_POSITION_OVER_LIMIT",
        "ETHUSDT 301 is above 300",
    ),
    "a symbol that is not listed has a position": (
        {"account": {"positions": (position("0.01", "ADAUSDT"),)}},
        "HALT_POSITION_OVER_LIMIT",
        "ADAUSDT 0.01 is above 0",
    ),
    "a day's loss is above its limit": (
        {"account": {"income_usd": D("-40.01")}},
        "HALT_DAILY_LOSS",
        "40.01 is above 40",
    ),
    "a part of the day's result has no price": (
        {"account": {"unvalued": ("ABC", "XYZ")}},
        "HALT_INCOME_UNVALUED",
        "income in ABC, XYZ has no price, so the day's loss is not known",
    ),
    "more orders are out than intents allow": (
        {"counters": {"orders_out": 6, "legs_allowed": 5}},
        "HALT_ORDERS_OUT",
        "6 is more than 5",
    ),
}


@pytest.mark.parametrize(("change", "code", "detail"), HALTS.values(), ids=HALTS.keys())
def test_a_state_beyond_a_limit_halts(change: dict[str, Any], code: str, detail: str) -> None:
    assert state(**change) == Halt(code, detail)


@pytest.mark.parametrize(("change", "code", "detail"), HALTS.values(), ids=HALTS.keys())
def test_an_intent_that_meets_such_a_state_halts_too(change: dict[str, Any], code: str, detail: str) -> None:
    assert judge(**change) == Halt(code, detail)


FINE: dict[str, dict[str, Any]] = {
    "nothing is open": {},
    "a position is at its limit": {"account": {"positions": (position("300"),)}},
    "both sides of a hedge are at it": {"account": {"positions": (position("200"), position("-100"))}},
    "two positions at gross": {"account": {"positions": (position("500", "BTCUSDT"), position("300"))}},
    "the loss is at its limit": {"account": {"income_usd": D(-40)}},
    "a gain is above it": {"account": {"income_usd": D(1000)}},
    "as many orders are out as allowed": {"counters": {"orders_out": 5, "legs_allowed": 5}},
    "the promotion ends now": {"promotion": CANARY, "now_ms": NOT_AFTER_MS},
    "a flat position is listed": {"account": {"positions": (position("0", "ADAUSDT"),)}},
    "no money is left": {"account": {"available_usd": D(0)}},
}


@pytest.mark.parametrize("change", FINE.values(), ids=FINE.keys())
def test_a_state_at_a_limit_is_fine(change: dict[str, Any]) -> None:
    assert state(**change) is None


def test_a_gross_above_the_limit_halts() -> None:
    limits = LIMITS.model_copy(update={"max_gross_usd": D("799.99")})
    account = ACCOUNT._replace(positions=(position("500", "BTCUSDT"), position("300")))
    assert rules.judge_state(account, limits, COUNTERS, NOW_MS) == Halt(
        "HALT_GROSS_OVER_LIMIT", "800 is above 799.99"
    )


def test_the_gross_of_nothing_is_a_decimal_too() -> None:
    assert isinstance(rules._gross(()), Decimal)


def test_more_positions_than_allowed_halt() -> None:
    limits = LIMITS.model_copy(update={"max_open_positions": 1})
    account = ACCOUNT._replace(positions=(position("5", "BTCUSDT"), position("3")))
    assert rules.judge_state(account, limits, COUNTERS, NOW_MS) == Halt(
        "HALT_OPEN_POSITIONS", "2 is more than 1"
    )


@pytest.mark.parametrize("value", [D("NaN"), D("Infinity")])
@pytest.mark.parametrize("name", ["available_usd", "income_usd"])
def test_an_account_whose_money_is_no_number_halts(name: str, value: Decimal) -> None:
    assert state({name: value}) == Halt("HALT_INPUT", "the exchange gave a number that is none")


@pytest.mark.parametrize("name", ["amount", "notional"])
def test_a_position_that_is_no_number_halts(name: str) -> None:
    held = position("1")._replace(**{name: D("NaN")})
    assert state({"positions": (held,)}) == Halt("HALT_INPUT", "the exchange gave a number that is none")


@pytest.mark.parametrize("count", [3, 4])
def test_one_execution_too_many_in_the_window_halts(count: int) -> None:
    assert judge(counters={"executions": count}) == Halt(
        "HALT_THROTTLE", f"BTCUSDT was entered {count} times in the window"
    )


def test_a_rejected_intent_does_not_trip_the_throttle() -> None:
    verdict = judge({"asked_usd": D(501)}, counters={"executions": 3})
    assert verdict == Rejected("RISK_NOTIONAL_INTENT", "501 is above 500")


def test_live_without_caps_counts_no_entries() -> None:
    live = CANARY.model_copy(update={"stage": "live", "caps": None})
    assert judge(promotion=live, counters={"entries": 99}) == Allowed(ORDER)


def test_a_proof_event_is_rejected_even_while_a_state_is_over_its_limit() -> None:
    verdict = judge({"is_proof": True}, {"income_usd": D(-41)})
    assert verdict == Rejected("RISK_PROOF_EVENT", "a proof event never trades")


def test_every_rule_is_tested() -> None:
    rejected = {code for _, code, _ in RISKS.values()}
    halted = {code for _, code, _ in HALTS.values()}
    elsewhere = {"HALT_INPUT", "HALT_GROSS_OVER_LIMIT", "HALT_OPEN_POSITIONS"}
    assert {code for code, _ in rules._RULES} <= rejected
    assert {code for code, _ in rules._STATE_RULES} == halted | elsewhere
