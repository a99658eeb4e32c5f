"""One intent, from the stream to the exchange's record and back to the decision."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.consumer.live.conftest import World


async def test_a_long_intent_becomes_an_entry_a_stop_and_three_targets(world: World) -> None:
    await world.start()
    decision = await world.decision(await world.publish())
    assert decision["status"] == "filled", decision
    ledger = await world.exchange.ledger()
    print(ledger)
    print(decision)
    raise AssertionError
