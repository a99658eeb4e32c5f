"""Trouble in one symbol delays no other's stop, exit, CLOSE or entry; the account's limits hold."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from tests.integration.consumer.live.conftest import LIMITS

if TYPE_CHECKING:
    from tests.integration.consumer.live.conftest import LiveWorld, RunningService

STUCK, OTHER, THIRD = "ADAUSDT", "SEIUSDT", "CFXUSDT"


async def stick(world: LiveWorld, consumer: RunningService) -> str:
    """Leave an entry of one symbol in doubt: no answer, no position, and it cannot be asked for."""
    match = {"symbol": STUCK}
    await world.exchange.fault("POST /fapi/v1/order", "drop_before_commit", match=match, times=1)
    entry = await world.publish(symbol=STUCK)
    await consumer.until(lambda: any(row.times_sent for row in consumer.live.journal.orders(entry)))
    await world.exchange.fault("GET /fapi/v1/order", "http", status=502, body="<html>", match=match, times=-1)
    return entry


async def test_a_stop_that_vanishes_is_placed_again_while_another_symbol_is_stuck(world: LiveWorld) -> None:
    async with world.running() as consumer:
        await world.decision(await world.publish(symbol=OTHER))
        await stick(world, consumer)
        await asyncio.sleep(6)  # as long as the absence of an order that was just sent may be lag
        await world.cancel_stops_by_hand(OTHER)
        await world.until(lambda stops: len(stops) == 1, lambda: world.stops(OTHER), within_s=5)
        await world.exchange.ask("DELETE", "/sandbox/faults")


async def test_a_close_and_an_entry_go_on_while_another_symbol_is_stuck(world: LiveWorld) -> None:
    async with world.running() as consumer:
        await world.decision(await world.publish(symbol=OTHER))
        stuck = await stick(world, consumer)
        closed = await world.decision(await world.publish(symbol=OTHER, side="CLOSE"), within_s=5)
        opened = await world.decision(await world.publish(symbol=THIRD), within_s=5)
        assert STUCK in consumer.state["live"]["in_hand"]
        assert await world.pending() == 1
        await world.exchange.ask("DELETE", "/sandbox/faults")
        entered = await world.decision(stuck)
    assert [decision["status"] for decision in (closed, opened, entered)] == ["filled"] * 3
    assert await world.position(OTHER) == "0"


async def test_intents_that_pile_up_behind_a_stuck_symbol_leave_room_for_others(world: LiveWorld) -> None:
    async with world.running() as consumer:
        await stick(world, consumer)
        for _ in range(120):
            await world.publish(symbol=STUCK)
        opened = await world.decision(await world.publish(symbol=OTHER), within_s=6)
        assert opened["status"] == "filled"
        await world.exchange.ask("DELETE", "/sandbox/faults")


@pytest.mark.parametrize(
    ("limit", "code"),
    [({"max_open_positions": 1}, "RISK_OPEN_POSITIONS"), ({"max_gross_usd": "300"}, "RISK_GROSS_LIMIT")],
)
async def test_two_symbols_at_once_stay_within_the_limits_of_the_account(
    world: LiveWorld, limit: dict[str, object], code: str
) -> None:
    (world.folder / "limits.json").write_text(json.dumps({**LIMITS, **limit}))
    await world.exchange.fault("POST /fapi/v1/order", "delay", delay_ms=800, times=2)
    async with world.running():
        entries = [await world.publish(symbol=symbol) for symbol in (STUCK, OTHER)]
        decisions = [await world.decision(entry) for entry in entries]
    assert sorted(decision["status"] for decision in decisions) == ["filled", "rejected_risk"]
    assert [decision["reason"].partition(":")[0] for decision in decisions].count(code) == 1
