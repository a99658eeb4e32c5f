from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.intents.filters import Filters
from consumer.intents.levels import levels
from consumer.intents.plan import Plan
from consumer.intents.plan_json import document
from consumer.intents.planner import Planned, Sourced, Terms, Unplanned, size_usd
from consumer.intents.planner import plan as plan_with
from consumer.intents.wire import Intent, decode
from consumer.live.journal.journaled_plan import read_plan

D = Decimal
ADA = Filters(D("0.0001"), D(1), D(1), D(10_000_000), D(5), 1, 10_000_000)
BTC = Filters(D("0.1"), D("0.001"), D("0.001"), D(120), D(50), 1, 120_000)


def intent(**fields: str) -> Any:
    return decode({"symbol": "ADAUSDT", "side": "BUY", "position_size_usd": "200", **fields})


def terms(price: str = "0.3701", filters: Filters = ADA, *, hedged: bool = False) -> Terms:
    return Terms(
        Sourced(D(price), "entry_price"), Sourced(D(5), "limits"), None, filters, "exchangeInfo", hedged
    )


def plan(asked: Intent, known: Terms, available: Decimal) -> Plan | Unplanned:
    balance = None if asked.position_size_usd is not None else Sourced(available, "exchange")
    outcome = plan_with(asked, known._replace(balance=known.balance or balance))
    assert isinstance(outcome, Planned | Unplanned)
    return outcome.plan if isinstance(outcome, Planned) else outcome


def reason(outcome: Plan | Unplanned) -> str:
    assert isinstance(outcome, Unplanned)
    return outcome.reason


def shown_with(asked: Intent, known: Terms | None, *, whole: bool = True) -> dict[str, Any]:
    outcome = plan_with(asked, known) if known else None
    assert not known or isinstance(outcome, Planned)
    return document(asked, known, outcome if whole and isinstance(outcome, Planned) else None)


def planned(price: str = "0.3701", filters: Filters = ADA, *, hedged: bool = False, **fields: str) -> Plan:
    outcome = plan(intent(**fields), terms(price, filters, hedged=hedged), D(1000))
    assert isinstance(outcome, Plan)
    return outcome


def test_the_quantity_is_rounded_down_to_whole_steps() -> None:
    assert planned().quantity == 540


def test_a_share_is_of_the_available_balance() -> None:
    asked = decode({"symbol": "ADAUSDT", "side": "BUY", "size_pct": "0.2"})
    outcome = plan(asked, terms(), D(1000))
    assert isinstance(outcome, Plan)
    assert outcome.quantity == 540


def test_a_short_sells_and_its_exits_buy() -> None:
    outcome = planned(side="SELL")
    assert (outcome.side, outcome.exit_side, outcome.position_side) == ("SELL", "BUY", "BOTH")


@pytest.mark.parametrize(("side", "expected"), [("BUY", "LONG"), ("SELL", "SHORT")])
def test_hedge_mode_names_the_position_side(side: str, expected: str) -> None:
    assert planned(hedged=True, side=side).position_side == expected


def test_the_stop_follows_the_average_fill_and_not_the_planned_price() -> None:
    outcome = planned()
    assert outcome.stop_price(D("0.3701")) == D("0.3673")
    assert outcome.stop_price(D("0.3800")) == D("0.3772")


def test_a_part_that_was_filled_is_divided_whole() -> None:
    legs = planned().legs(D(101), D("0.3701"))
    assert sum(leg.quantity for leg in legs) == 101


def test_legs_below_the_symbols_minimum_are_merged() -> None:
    # 60 USD at a minimum of 50: no target may be less than the whole.
    outcome = planned("50000", BTC, position_size_usd="75")
    assert [(leg.target, leg.quantity) for leg in outcome.legs(outcome.quantity, D(50000))] == [
        (0, D("0.001"))
    ]


def test_an_entry_that_no_take_profit_could_close_is_refused_before_it_is_sent() -> None:
    # A short's targets lie below its entry: worth 50.0 there, and less than 50 at the target.
    outcome = plan(intent(side="SELL", position_size_usd="50"), terms("50000", BTC), D(1000))
    assert reason(outcome) == "RISK_MIN_NOTIONAL:0.001 is too little for a take profit"


def test_levels_out_of_their_order_are_refused() -> None:
    outcome = plan(intent(funding_rate="20"), terms(), D(1000))
    assert reason(outcome).startswith("RISK_LEVELS")


def test_a_plan_survives_the_journal() -> None:
    outcome = planned(hedged=True)
    assert Plan.read(json.loads(json.dumps(outcome.document()))) == outcome


def test_a_decision_shows_where_each_number_came_from() -> None:
    shown = shown_with(intent(), terms())
    assert shown["price"] == {"value": "0.3701", "source": "entry_price"}
    assert shown["leverage"] == {"value": "5", "source": "limits"}
    assert shown["filters"]["source"] == "exchangeInfo"
    assert shown["entry"] == {"side": "BUY", "type": "MARKET", "quantity": "540"}
    assert [target["quantity"] for target in shown["take_profits"]] == ["162", "162", "216"]


@given(
    size=st.decimals("6", "100000", places=2),
    price=st.decimals("0.05", "50", places=4),
    executed=st.integers(1, 1000),
    is_long=st.booleans(),
)
def test_never_more_is_bought_than_was_asked_for_and_the_legs_are_all_of_it(
    size: Decimal, price: Decimal, executed: int, *, is_long: bool
) -> None:
    asked = intent(side="BUY" if is_long else "SELL", position_size_usd=str(size))
    outcome = plan(asked, terms(str(price)), D(1000))
    if isinstance(outcome, Unplanned):
        return
    assert outcome.quantity * price <= size
    assert outcome.quantity % ADA.step == 0
    legs = outcome.legs(D(executed), price)
    assert sum(leg.quantity for leg in legs) == executed
    assert len({leg.target for leg in legs}) == len(legs)
    ahead = [leg.price > price for leg in legs]
    assert all(ahead) if is_long else not any(ahead)


def test_a_decision_shows_the_whole_plan() -> None:
    shown = shown_with(intent(), terms()._replace(balance=Sourced(D(1000), "exchange")))
    levels, stop, *more = shown.pop("levels"), shown.pop("stop_loss"), shown.pop("take_profits")
    assert shown.pop("intent")["symbol"] == "ADAUSDT"
    assert shown == {
        "price": {"value": "0.3701", "source": "entry_price"},
        "filters": {
            "source": "exchangeInfo", "tick": "0.0001", "step": "1", "min_notional": "5", "min_qty": "1",
        },
        "balance": {"value": "1000", "source": "exchange"},
        "leverage": {"value": "5", "source": "limits"},
        "entry": {"side": "BUY", "type": "MARKET", "quantity": "540"},
        "position_side": "BOTH",
        "not_evaluated": [],
    }  # fmt: skip # a table, or a call that is read as one
    assert levels["harvest"] == ["0.3", "0.3", "0.4"]
    assert stop == {"trigger_price": "0.3673"}
    assert [target["price"] for target in more[0]] == ["0.3736", "0.3752", "0.3770"]


def test_a_decision_shows_only_what_was_known() -> None:
    assert list(shown_with(intent(), None)) == ["intent"]
    assert list(shown_with(intent(), terms(), whole=False)) == [
        "intent",
        "price",
        "filters",
        "balance",
        "leverage",
    ]


def test_the_plan_is_read_from_where_the_journal_keeps_it() -> None:
    assert read_plan(json.dumps({"orders": planned().document()})).plan == planned()


#: So little that a division, which has 28 digits, rounds it away.
HAIR = "99999999999999999999999999999"


def test_a_size_a_hair_below_a_step_is_not_rounded_up_to_it() -> None:
    assert planned("1", position_size_usd=f"99.{HAIR}").quantity == 99


def test_a_fill_a_hair_below_a_step_is_not_divided_as_if_it_were_one() -> None:
    legs = planned().legs(D(f"100.{HAIR}"), D("0.3701"))
    assert sum(leg.quantity for leg in legs) == 100


def test_a_plan_is_of_the_intents_symbol() -> None:
    assert planned().symbol == "ADAUSDT"


@pytest.mark.parametrize(
    ("said", "place"), [("volatility_factor", 0), ("funding_rate", 1), ("exchange_divergence", 2)]
)
def test_what_an_intent_says_of_the_market_moves_its_levels(said: str, place: int) -> None:
    market = [D(0), D(0), D(0)]
    market[place] = D("0.4")
    assert planned(**{said: "0.4"}).levels == levels(D(5), *market, is_doubtful=False)
    assert planned().levels != planned(**{said: "0.4"}).levels


@pytest.mark.parametrize(("confidence", "adjustment"), [("0.5", "1"), ("0.49", "0.95")])
def test_an_intent_below_medium_confidence_is_kept_tighter(confidence: str, adjustment: str) -> None:
    assert planned(confidence=confidence).levels.adjustment == D(adjustment)


def test_a_tick_that_is_too_coarse_for_the_nearest_target_is_refused() -> None:
    coarse = ADA._replace(tick=D("0.01"))
    outcome = plan(intent(), terms("1.0002", coarse), D(1000))
    assert reason(outcome) == "RISK_LEVELS:the tick is too coarse at 1.0002"


def test_an_entry_that_the_exchange_would_not_take_is_refused() -> None:
    outcome = plan(intent(position_size_usd="0.3"), terms(), D(1000))
    assert reason(outcome) == "RISK_MIN_QUANTITY:0 is below 1"


def test_an_intent_without_a_size_never_gets_as_far() -> None:
    sizeless = intent()._replace(position_size_usd=None)
    with pytest.raises(AssertionError, match=r"^an intent without a size is invalid$"):
        size_usd(sizeless, D(1000))
