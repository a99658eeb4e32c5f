"""Intents that trade: from the stream to the exchange's record, and back to the decision."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.consumer.live.conftest import LiveWorld

#: At leverage 5 LSF is 1 / (1 + ln 6); so far from 0.3701, to the tick towards it.
LONG = {"stop": "0.36730", "targets": ["0.37360", "0.37520", "0.37700"]}
SHORT = {"stop": "0.37290", "targets": ["0.36660", "0.36500", "0.36320"]}


def placed(ledger: dict[str, Any]) -> tuple[list[Any], list[Any], list[Any]]:
    """Return the entries, the targets and the stops that the exchange has recorded."""
    entries = [order for order in ledger["orders"] if order["type"] == "MARKET"]
    targets = [order for order in ledger["orders"] if order["type"] == "LIMIT"]
    return entries, targets, ledger["algo_orders"]


@pytest.mark.parametrize(("side", "expected", "order_side"), [("BUY", LONG, "BUY"), ("SHORT", SHORT, "SELL")])
@pytest.mark.parametrize("hedge", [False, True])
async def test_an_intent_of_each_side_gets_entry_stop_and_targets_in_both_position_modes(
    world: LiveWorld, side: str, expected: dict[str, Any], order_side: str, *, hedge: bool
) -> None:
    await world.exchange.account(hedge=hedge)
    async with world.running():
        decision = await world.decision(await world.publish(side=side, entry_price="0.3701"))
    assert (decision["status"], decision["reason"]) == ("filled", "FILLED")
    entries, targets, stops = placed(await world.exchange.ledger())
    position_side = {"BUY": "LONG", "SHORT": "SHORT"}[side] if hedge else "BOTH"
    assert [(entry["side"], entry["quantity"]) for entry in entries] == [(order_side, "540")]
    assert [stop["trigger_price"] for stop in stops] == [expected["stop"]]
    assert stops[0]["close_position"]
    assert stops[0]["working_type"] == "MARK_PRICE"
    assert [target["price"] for target in targets] == expected["targets"]
    assert [target["quantity"] for target in targets] == ["162", "162", "216"]
    assert {order["position_side"] for order in (*entries, *targets, *stops)} == {position_side}
    assert {target["reduce_only"] for target in targets} == {not hedge}


async def test_a_decision_tells_what_was_executed_and_what_protects_it(world: LiveWorld) -> None:
    async with world.running():
        decision = await world.decision(await world.publish())
    orders = decision["orders"]
    ledger = await world.exchange.ledger()
    assert (orders["filled_qty"], orders["avg_price"]) == ("540", "0.3701")
    assert orders["stop_id"] == ledger["algo_orders"][0]["client_id"]
    assert [order["leg"] for order in orders["requests"]] == [
        "entry", "stop_loss", "take_profit_1", "take_profit_2", "take_profit_3",
    ]  # fmt: skip # a table, or a call that is read as one
    assert decision["plan"]["leverage"] == {"value": "5", "source": "limits"}
    assert decision["plan"]["not_evaluated"] == []
    assert (decision["mode"], decision["venue"], decision["stage"]) == ("live", "simulator", "live")


async def test_what_others_read_is_written_beside_the_decision(world: LiveWorld) -> None:
    async with world.running():
        entry = await world.publish(
            source="ai-engine", atr_value="0.02", regime="unknown", volatility_factor="0.55"
        )
        decision = await world.decision(entry)
    (executed,), (adapted,) = (
        await world.told("trade.executed"),
        await world.told("exitbrain.adaptive_levels"),
    )
    order_id = decision["orders"]["requests"][0]["exchange_id"]
    assert executed["order_id"] == order_id
    assert {name: executed[name] for name in ("symbol", "side", "quantity", "source", "confidence")} == {
        "symbol": "ADAUSDT", "side": "BUY", "quantity": 540.0, "source": "ai-engine", "confidence": 0.8,
    }  # fmt: skip # a table, or a call that is read as one
    assert adapted["ilf_metadata"] == {
        "atr_value": 0.02, "exchange_divergence": None, "funding_rate": None, "regime": "unknown",
    }  # fmt: skip # a table, or a call that is read as one
    assert set(adapted["adaptive_levels"]) == {"tp1", "tp2", "tp3", "sl", "lsf", "adjustment"}
    key = f"quantum:position:ilf:ADAUSDT:{order_id}"
    kept = await world.redis.hgetall(key)
    assert kept["regime"] == "unknown"
    assert kept["tp1"] == str(adapted["adaptive_levels"]["tp1"])
    assert 86_000 < await world.redis.ttl(key) <= 86_400
    assert await world.told("trade.failed") == []


async def test_a_share_of_the_balance_is_of_what_the_exchange_says_is_available(world: LiveWorld) -> None:
    await world.exchange.account(balance="2000")
    async with world.running():
        decision = await world.decision(await world.publish(size_pct="0.1", entry_price="0.3701"))
    assert decision["plan"]["balance"] == {"value": "2000", "source": "exchange"}
    assert decision["orders"]["filled_qty"] == "540"


async def test_an_intent_without_a_price_is_measured_by_the_mark(world: LiveWorld) -> None:
    async with world.running():
        decision = await world.decision(await world.publish(entry_price=None))
    assert decision["plan"]["price"] == {"value": "0.3701", "source": "mark_price"}
    assert decision["status"] == "filled"


@pytest.mark.parametrize("hedge", [False, True])
async def test_a_price_that_falls_to_the_stop_closes_the_position_and_leaves_nothing(
    world: LiveWorld, monkeypatch: pytest.MonkeyPatch, *, hedge: bool
) -> None:
    monkeypatch.setattr("consumer.live.upkeep.KEEP_S", 0.2)
    await world.exchange.account(hedge=hedge, expire_closing_algos_when_flat=False)
    async with world.running() as consumer:
        await world.decision(await world.publish())
        await world.exchange.price("ADAUSDT", "0.3670")
        assert await world.position() == "0"
        await consumer.until(lambda: not consumer.live.journal.open_intents())
    ledger = await world.exchange.ledger()
    assert not [order for order in (*ledger["orders"], *ledger["algo_orders"]) if order["status"] == "NEW"]


async def test_prices_that_reach_the_targets_take_the_position_away_step_by_step(
    world: LiveWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumer.live.upkeep.KEEP_S", 0.2)
    await world.exchange.account(expire_closing_algos_when_flat=False)
    async with world.running() as consumer:
        await world.decision(await world.publish())
        left = []
        for price in LONG["targets"]:
            await world.exchange.price("ADAUSDT", price)
            left.append(await world.position())
        await consumer.until(lambda: not consumer.live.journal.open_intents())
    assert left == ["378", "216", "0"]
    assert {order["status"] for order in (await world.exchange.ledger())["algo_orders"]} == {"CANCELED"}


@pytest.mark.parametrize("hedge", [False, True])
async def test_close_cancels_the_targets_closes_the_position_and_then_cancels_the_stop(
    world: LiveWorld, *, hedge: bool
) -> None:
    await world.exchange.account(hedge=hedge, expire_closing_algos_when_flat=False)
    async with world.running():
        await world.decision(await world.publish())
        closed = await world.decision(await world.publish(side="CLOSE", position_side="LONG"))
    assert (closed["status"], closed["reason"]) == ("filled", "CLOSED")
    assert await world.position() == "0"
    ledger = await world.exchange.ledger()
    assert {order["status"] for order in (*ledger["orders"], *ledger["algo_orders"])} == {
        "FILLED",
        "CANCELED",
    }
    cancelled = [request["path"] for request in ledger["requests"] if request["method"] == "DELETE"]
    assert cancelled[-1] == "/fapi/v1/algoOrder"


async def test_close_with_nothing_open_is_nothing_to_do(world: LiveWorld) -> None:
    async with world.running():
        decision = await world.decision(await world.publish(side="CLOSE"))
    assert (decision["status"], decision["reason"]) == ("skipped_hold", "CLOSE_NOTHING_OPEN")
    assert (await world.exchange.ledger())["orders"] == []


async def test_close_of_a_symbol_that_the_exchange_does_not_list_is_nothing_to_do(world: LiveWorld) -> None:
    async with world.running():
        decision = await world.decision(
            await world.publish(symbol="XRPUSDT", side="CLOSE", entry_price="1.83")
        )
    assert (decision["status"], decision["reason"]) == ("skipped_hold", "CLOSE_NOTHING_OPEN")


async def test_an_intent_whose_symbol_was_taken_off_the_list_is_rejected_and_does_not_wait(
    world: LiveWorld,
) -> None:
    await world.exchange.fault(
        "GET /fapi/v1/premiumIndex", "http", status=400, body={"code": -1121, "msg": "Invalid symbol."},
        match={"symbol": "ADAUSDT"}, times=9,
    )  # fmt: skip # a table, or a call that is read as one
    async with world.running():
        decision = await world.decision(await world.publish(entry_price="0.3701"))
    assert decision["status"] == "rejected_venue"
    assert decision["reason"] == "VENUE_SYMBOL:Invalid symbol. (-1121)"
    assert (await world.exchange.ledger())["orders"] == []


async def test_close_in_hedge_mode_needs_to_know_which_side(world: LiveWorld) -> None:
    await world.exchange.account(hedge=True)
    async with world.running():
        await world.decision(await world.publish())
        decision = await world.decision(await world.publish(side="CLOSE"))
    assert decision["status"] == "rejected_risk"
    assert decision["reason"].startswith("RISK_POSITION_SIDE")


async def test_a_part_that_was_filled_gets_a_stop_and_targets_for_that_part(world: LiveWorld) -> None:
    await world.exchange.account(fill_fraction="0.5")
    async with world.running():
        decision = await world.decision(await world.publish())
    _, targets, stops = placed(await world.exchange.ledger())
    assert decision["status"] == "filled"
    assert decision["orders"]["filled_qty"] == "270"
    assert sum(Decimal(target["quantity"]) for target in targets) == 270
    assert len(stops) == 1


async def test_a_target_that_fails_never_touches_the_stop(world: LiveWorld) -> None:
    await world.exchange.fault(
        "POST /fapi/v1/order", "http", status=400, body={"code": -2019, "msg": "Margin is insufficient."},
        match={"type": "LIMIT"}, times=3,
    )  # fmt: skip # a table, or a call that is read as one
    async with world.running():
        decision = await world.decision(await world.publish())
    _, targets, stops = placed(await world.exchange.ledger())
    assert decision["status"] == "filled"
    assert (len(targets), [stop["status"] for stop in stops]) == (0, ["NEW"])
    assert [request["state"] for request in decision["orders"]["requests"]][2:] == ["REFUSED"] * 3


async def test_a_second_intent_of_a_symbol_with_a_position_is_rejected_without_a_halt(
    world: LiveWorld,
) -> None:
    async with world.running(duplicate_window_ms=0) as consumer:
        await world.decision(await world.publish())
        second = await world.decision(await world.publish())
        other = await world.decision(await world.publish(symbol="SEIUSDT"))
        assert consumer.state["halt"] is None
    assert second["status"] == "rejected_risk"
    assert second["reason"].startswith("RISK_POSITION_OPEN")
    assert other["status"] == "filled"


async def test_the_same_opinion_of_two_producers_is_traded_once_and_again_when_it_is_repeated_later(
    world: LiveWorld,
) -> None:
    async with world.running(duplicate_window_ms=1500):
        first = await world.publish(source="ai-engine")
        twin = await world.publish(source="trading-bot")
        decided = [await world.decision(entry_id) for entry_id in (first, twin)]
        await world.decision(await world.publish(side="CLOSE"))
        await asyncio.sleep(1.6)
        again = await world.decision(await world.publish())
    assert [decision["status"] for decision in decided] == ["filled", "skipped_duplicate"]
    assert decided[1]["reason"] == f"DUPLICATE:{first}"
    assert again["status"] == "filled", again["reason"]


async def test_proof_events_never_trade(world: LiveWorld) -> None:
    async with world.running():
        decision = await world.decision(
            await world.publish(symbol="HARNESSUSDT", proof="run-1", entry_price="1")
        )
    assert decision["status"] == "rejected_risk"
    assert decision["reason"].startswith("RISK_PROOF_EVENT")


async def test_hold_and_nonsense_are_decided_without_a_question_to_the_exchange(world: LiveWorld) -> None:
    async with world.running():
        asked = len((await world.exchange.ledger())["requests"])
        hold = await world.decision(await world.publish(side="HOLD", entry_price="1"))
        nonsense = await world.decision(await world.publish(side="PERHAPS", entry_price="1"))
    questions = [
        request
        for request in (await world.exchange.ledger())["requests"][asked:]
        if "time" not in request["path"]
    ]
    assert (hold["status"], nonsense["status"]) == ("skipped_hold", "invalid")
    assert questions == []
