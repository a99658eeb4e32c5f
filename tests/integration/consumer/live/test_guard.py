"""Whatever forbids to trade keeps nothing from being guarded: it protects and closes, and says why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from consumer.base.errors import RefusedError
from tests.integration.consumer.live.conftest import LIMITS, SYMBOL
from tests.support.limits import LEVERAGE

if TYPE_CHECKING:
    from tests.integration.consumer.live.conftest import LiveWorld

GONE = "GONEUSDT"


async def delisted(world: LiveWorld) -> None:
    symbols = {**LIMITS["symbols"], GONE: LIMITS["symbols"][SYMBOL]}
    (world.folder / "limits.json").write_text(json.dumps({**LIMITS, "symbols": symbols}))


async def without_limits(world: LiveWorld) -> None:
    (world.folder / "limits.json").unlink()


async def with_absurd_limits(world: LiveWorld) -> None:
    (world.folder / "limits.json").write_text(json.dumps({**LIMITS, "max_gross_usd": "1e99"}))


async def with_other_leverage(world: LiveWorld) -> None:
    await world.exchange.account(leverage={"CFXUSDT": LEVERAGE + 1})


FORBIDS = [
    (delisted, f"{GONE} does not trade there"),
    (without_limits, "limits.json"),
    (with_absurd_limits, "max_gross_usd"),
    (with_other_leverage, f"CFXUSDT has leverage {LEVERAGE + 1}"),
]


@pytest.mark.parametrize(("forbid", "says"), FORBIDS)
async def test_what_is_open_is_protected_and_closed_though_nothing_may_be_traded(
    world: LiveWorld, forbid: Any, says: str
) -> None:
    async with world.running():
        await world.decision(await world.publish())
    await world.cancel_stops_by_hand()
    await forbid(world)
    async with world.running() as consumer:
        await consumer.until(lambda: says in str(consumer.state["live"]["guards_because"]), 10)
        opening = await world.decision(await world.publish(symbol="SEIUSDT"))
        await world.until(lambda stops: len(stops) == 1, world.stops)
        await consumer.until(lambda: any("GUARD" in reason for reason in consumer.state["reasons"]))
        assert consumer.state["live"]["stage"] == "guard"
        closed = await world.decision(await world.publish(side="CLOSE"))
    assert (opening["status"], says in opening["reason"]) == ("skipped_halted", True)
    assert (closed["status"], await world.position()) == ("filled", "0")
    assert await world.position("SEIUSDT") == "0"


async def test_a_vanished_stop_is_back_within_ten_seconds_of_a_guarding_start(world: LiveWorld) -> None:
    async with world.running():
        await world.decision(await world.publish())
    await world.cancel_stops_by_hand()
    await delisted(world)
    async with world.running(until_ready=False):
        await world.until(lambda stops: len(stops) == 1, world.stops, within_s=10)


@pytest.mark.parametrize(("forbid", "says"), FORBIDS)
async def test_with_nothing_to_guard_there_is_no_start(world: LiveWorld, forbid: Any, says: str) -> None:
    await forbid(world)
    with pytest.raises(RefusedError) as refused:
        async with world.running() as consumer:
            await consumer.task
    assert says in refused.value.reason


async def test_it_trades_once_the_account_is_set_right_again(world: LiveWorld) -> None:
    async with world.running():
        await world.decision(await world.publish())
    await with_other_leverage(world)
    async with world.running() as consumer:
        await consumer.until(lambda: bool(consumer.state["live"]["guards_because"]), 10)
        await world.exchange.account(leverage={"CFXUSDT": LEVERAGE})
        await consumer.until(lambda: not consumer.state["live"]["guards_because"], 12)
        decision = await world.decision(await world.publish(symbol="SEIUSDT"))
    assert decision["status"] == "filled"
