"""The user data stream wakes whoever looks after a symbol; without it, things are noticed all the same."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

    from tests.integration.consumer.live.conftest import LiveWorld


async def test_a_stop_that_vanishes_is_noticed_within_a_second(
    world: LiveWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumer.live.upkeep.KEEP_S", 60.0)  # so that nothing else notices it
    async with world.running() as consumer:
        await consumer.until(lambda: consumer.state["live"]["user_stream"] == "connected")
        entry = await world.publish()
        await world.decision(entry)
        await asyncio.sleep(4)  # until nothing that the entry brought about makes anybody look
        await world.cancel_stops_by_hand()
        rows = consumer.live.journal.orders
        await consumer.until(lambda: any(row.state == "CANCELED" for row in rows(entry)), within_s=1)
        await world.until(lambda stops: len(stops) == 1, world.stops, within_s=2)


async def test_without_the_stream_a_stop_that_vanishes_is_back_within_five_seconds(world: LiveWorld) -> None:
    await world.exchange.fault("POST /fapi/v1/listenKey", "http", status=503, body="no", times=-1)
    async with world.running() as consumer:
        await world.decision(await world.publish())
        assert consumer.state["live"]["user_stream"] == "away"
        await world.cancel_stops_by_hand()
        await world.until(lambda stops: len(stops) == 1, world.stops, within_s=5)


async def test_a_key_that_expires_brings_a_new_connection(world: LiveWorld) -> None:
    async with world.running() as consumer:
        await consumer.until(lambda: consumer.state["live"]["user_stream"] == "connected")
        await world.exchange.reset()  # which forgets the key, too
        await consumer.until(lambda: consumer.state["live"]["user_stream"] == "away")
        await consumer.until(lambda: consumer.state["live"]["user_stream"] == "connected")
