"""Lost replies, refusals, an exchange that is away: asked about, never sent twice, never without a stop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from consumer.live.exchange.breaker import Breaker
from consumer.live.journal import OrderPhase

if TYPE_CHECKING:
    from tests.integration.consumer.live.conftest import LiveWorld

ENTRY = {"type": "MARKET", "side": "BUY"}


def sent(ledger: dict[str, Any], path: str, **parameters: str) -> list[Any]:
    """Return the requests of a kind that the exchange has seen."""
    return [
        request
        for request in ledger["requests"]
        if request["method"] == "POST"
        and request["path"] == path
        and all(request["parameters"].get(name) == value for name, value in parameters.items())
    ]


@pytest.mark.parametrize("kind", ["commit_then_drop", "commit_then_hang"])
async def test_an_entry_whose_reply_is_lost_is_asked_about_and_protected_at_once(
    world: LiveWorld, kind: str
) -> None:
    await world.exchange.fault("POST /fapi/v1/order", kind, match=ENTRY, times=1)
    async with world.running():
        decision = await world.decision(await world.publish())
    ledger = await world.exchange.ledger()
    assert decision["status"] == "filled"
    assert len(sent(ledger, "/fapi/v1/order", **ENTRY)) == 1
    entered_ms = next(order["updated_ms"] for order in ledger["orders"] if order["type"] == "MARKET")
    assert ledger["algo_orders"][0]["created_ms"] - entered_ms < 5000


async def test_an_entry_that_never_arrived_is_sent_again_only_when_it_certainly_never_will(
    world: LiveWorld,
) -> None:
    await world.exchange.fault("POST /fapi/v1/order", "drop_before_commit", match=ENTRY, times=1)
    async with world.running():
        decision = await world.decision(await world.publish())
    requests = sent(await world.exchange.ledger(), "/fapi/v1/order", **ENTRY)
    assert decision["status"] == "filled"
    assert len(requests) == 2
    assert requests[1]["received_ms"] - requests[0]["received_ms"] > 6000
    assert len({request["parameters"]["newClientOrderId"] for request in requests}) == 1


async def test_an_entry_that_never_arrived_and_has_become_stale_is_not_sent_again(world: LiveWorld) -> None:
    await world.exchange.fault("POST /fapi/v1/order", "drop_before_commit", match=ENTRY, times=1)
    async with world.running(max_age_minutes="0.05"):
        decision = await world.decision(await world.publish())
    assert decision["status"] == "skipped_stale"
    assert len(sent(await world.exchange.ledger(), "/fapi/v1/order", **ENTRY)) == 1
    assert (await world.exchange.ledger())["positions"] == []


async def test_a_reply_that_says_unknown_is_no_refusal(world: LiveWorld) -> None:
    await world.exchange.fault(
        "POST /fapi/v1/order", "http", status=503, match=ENTRY, times=1,
        body={"code": -1000, "msg": "Unknown error, please check your request or try again later."},
    )  # fmt: skip # a table, or a call that is read as one
    async with world.running():
        decision = await world.decision(await world.publish())
    assert decision["status"] == "filled"
    assert len((await world.exchange.ledger())["positions"]) == 1


async def test_a_refused_entry_is_rejected_by_the_venue_and_told(world: LiveWorld) -> None:
    await world.exchange.fault(
        "POST /fapi/v1/order", "http", status=400, match=ENTRY, times=1,
        body={"code": -2019, "msg": "Margin is insufficient."},
    )  # fmt: skip # a table, or a call that is read as one
    async with world.running() as consumer:
        decision = await world.decision(await world.publish())
        assert consumer.state["halt"] is None
    assert decision["status"] == "rejected_venue"
    assert "-2019" in decision["reason"]
    (failed,) = await world.told("trade.failed")
    assert failed["symbol"] == "ADAUSDT"
    assert "-2019" in failed["error"]


@pytest.mark.parametrize("hedge", [False, True])
@pytest.mark.parametrize("code", [-2021, -4120])
async def test_a_refused_stop_closes_the_position_at_once_and_halts(
    world: LiveWorld, code: int, *, hedge: bool
) -> None:
    await world.exchange.account(hedge=hedge)
    await world.exchange.fault(
        "POST /fapi/v1/algoOrder", "http", status=400, times=1, body={"code": code, "msg": "No."}
    )
    async with world.running() as consumer:
        decision = await world.decision(await world.publish())
        after = await world.decision(await world.publish(symbol="SEIUSDT"))
        assert "HALT_STOP_REFUSED" in str(consumer.live.halts.current())
    ledger = await world.exchange.ledger()
    assert decision["status"] == "failed"
    assert decision["reason"].startswith("STOP_REFUSED")
    assert await world.position() == "0"
    entered, left = (order["updated_ms"] for order in ledger["orders"] if order["type"] == "MARKET")
    assert left - entered < 5000
    assert after["status"] == "skipped_halted"


async def test_a_stop_that_is_listed_stands_though_it_is_not_found_by_its_id(world: LiveWorld) -> None:
    absent = {"code": -2013, "msg": "Order does not exist."}
    await world.exchange.fault("GET /fapi/v1/algoOrder", "http", status=400, times=-1, body=absent)
    async with world.running() as consumer:
        decision = await world.decision(await world.publish(), within_s=20)
        assert consumer.live.halts.current() is None
    assert (decision["status"], await world.position()) == ("filled", "540")


@pytest.mark.parametrize(("times", "status"), [(1, "filled"), (2, "failed")])
async def test_a_stop_that_finds_nothing_to_reduce_is_tried_twice_while_the_position_shows(
    world: LiveWorld, times: int, status: str
) -> None:
    nothing = {"code": -2022, "msg": "ReduceOnly Order is rejected."}
    await world.exchange.fault("POST /fapi/v1/algoOrder", "http", status=400, times=times, body=nothing)
    async with world.running():
        decision = await world.decision(await world.publish())
    assert (decision["status"], await world.position()) == (status, "540" if status == "filled" else "0")


@pytest.mark.parametrize("kind", ["commit_then_drop", "drop_before_commit"])
async def test_a_stop_whose_reply_is_lost_is_found_or_placed_again_within_five_seconds(
    world: LiveWorld, kind: str
) -> None:
    await world.exchange.fault("POST /fapi/v1/algoOrder", kind, times=1)
    async with world.running() as consumer:
        decision = await world.decision(await world.publish())
        assert consumer.state["halt"] is None
    ledger = await world.exchange.ledger()
    assert decision["status"] == "filled"
    (stop,) = (algo for algo in ledger["algo_orders"] if algo["status"] == "NEW")
    entered_ms = next(order["updated_ms"] for order in ledger["orders"] if order["type"] == "MARKET")
    assert stop["created_ms"] - entered_ms < 5000


async def test_answers_that_lag_behind_do_not_make_a_stop_doubtful(world: LiveWorld) -> None:
    await world.exchange.account(read_lag_ms=1500)
    async with world.running() as consumer:
        decision = await world.decision(await world.publish())
        assert consumer.state["halt"] is None
    ledger = await world.exchange.ledger()
    assert decision["status"] == "filled"
    assert len(ledger["algo_orders"]) == 1


async def test_an_exit_whose_reply_is_lost_does_not_turn_the_position(world: LiveWorld) -> None:
    await world.exchange.fault(
        "POST /fapi/v1/algoOrder", "http", status=400, times=9, body={"code": -2021, "msg": "No."}
    )
    await world.exchange.fault("POST /fapi/v1/order", "commit_then_drop", match={"side": "SELL"}, times=1)
    async with world.running():
        decision = await world.decision(await world.publish())
    assert decision["status"] == "failed"
    assert await world.position() == "0"


async def test_what_stays_unknown_is_told_so_halts_and_is_still_seen_to_when_it_turns_out(
    world: LiveWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumer.live.orders.entry.GIVE_UP_S", 1.0)
    monkeypatch.setattr("consumer.live.upkeep.KEEP_S", 0.2)
    await world.exchange.fault("POST /fapi/v1/order", "commit_then_hang", match=ENTRY, times=1)
    async with world.running() as consumer:
        consumer.live.engine.standing.breaker = Breaker(threshold=1000)
        entry = await world.publish()
        journal = consumer.live.journal
        await consumer.until(lambda: any(row.state is OrderPhase.SENT for row in journal.orders(entry)))
        for route in ("GET /fapi/v1/order", "GET /fapi/v3/positionRisk"):
            await world.exchange.fault(route, "http", status=502, body="<html>", times=-1)
        decision = await world.decision(entry)
        assert "HALT_UNKNOWN" in str(consumer.live.halts.current())
        await world.exchange.ask("DELETE", "/sandbox/faults")
        await consumer.until(lambda: consumer.live.journal.open_intents()[0].amendment is not None)
        await consumer.until(lambda: not consumer.live.engine.upkeep.late)
        ledger = await world.exchange.ledger()
    assert (decision["status"], await world.pending()) == ("unknown", 0)
    assert [algo["status"] for algo in ledger["algo_orders"]] == ["NEW"]
    assert len(await world.told("trade.failed")) == 1
    assert len(await world.told("trade.executed")) == 1
    assert len(await world.decisions()) == 1


async def test_while_the_exchange_fails_nothing_is_read_and_what_went_stale_is_skipped(
    world: LiveWorld,
) -> None:
    async with world.running(max_age_minutes="0.03") as consumer:
        consumer.live.engine.standing.breaker = Breaker(first_pause_s=0.5)
        await world.exchange.fault("GET /fapi/*", "http", status=502, body="<html>", times=-1)
        first = await world.publish(entry_price="0.3701")
        await consumer.until(lambda: not consumer.live.engine.standing.breaker.is_closed)
        second = await world.publish(entry_price="0.3701")
        await asyncio.sleep(2)
        assert await world.decisions() == []
        assert "the exchange fails: reading pauses" in consumer.state["reasons"]
        await world.exchange.ask("DELETE", "/sandbox/faults")
        decided = [await world.decision(entry_id) for entry_id in (first, second)]
        fresh = await world.decision(await world.publish())
    assert [decision["status"] for decision in decided] == ["skipped_stale", "skipped_stale"]
    assert fresh["status"] == "filled"


async def test_a_clock_that_differs_is_measured_again_and_the_refused_request_repeated(
    world: LiveWorld,
) -> None:
    async with world.running():
        await world.exchange.account(time_skew_ms=-3000)
        decision = await world.decision(await world.publish())
    assert decision["status"] == "filled"


async def test_a_clock_that_jumps_halts(world: LiveWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("consumer.base.clock.EVERY_S", 0.2)
    async with world.running() as consumer:
        await world.exchange.account(time_skew_ms=-3000)
        await consumer.until(lambda: "HALT_CLOCK_JUMP" in str(consumer.live.halts.current()))
        decision = await world.decision(await world.publish())
    assert decision["status"] == "skipped_halted"


async def test_an_entry_that_cannot_be_asked_about_is_known_by_its_position(world: LiveWorld) -> None:
    await world.exchange.fault("POST /fapi/v1/order", "commit_then_hang", match=ENTRY, times=1)
    await world.exchange.fault("GET /fapi/v1/order", "http", status=400, body={"code": -2013}, times=1)
    await world.exchange.fault("GET /fapi/v1/order", "http", status=502, body="<html>", times=-1)
    async with world.running() as consumer:
        consumer.live.engine.standing.breaker = Breaker(threshold=1000)
        decision = await world.decision(await world.publish())
        assert consumer.live.halts.current() is None
    assert (decision["status"], decision["orders"]["filled_qty"]) == ("filled", "540")
    assert len(await world.stops()) == 1
