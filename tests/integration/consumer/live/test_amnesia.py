"""A journal that is new, older than what others have seen, or of another account: noticed, and named."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from tests.integration.consumer.live.conftest import SYMBOL

if TYPE_CHECKING:
    from tests.integration.consumer.live.conftest import LiveWorld

LOST = "HALT_JOURNAL_LOST"


def remove_journal(world: LiveWorld) -> None:
    for file in world.folder.glob("journal.db*"):
        file.unlink()


async def test_a_first_start_trades(world: LiveWorld) -> None:
    async with world.running():
        decision = await world.decision(await world.publish())
    assert decision["status"] == "filled"


async def test_a_journal_that_is_new_where_redis_knows_another_halts_with_both(world: LiveWorld) -> None:
    async with world.running() as consumer:
        first = consumer.live.journal.identity()
        await world.decision(await world.publish())
        await world.decision(await world.publish(side="CLOSE"))
    remove_journal(world)
    async with world.running() as consumer:
        decision = await world.decision(await world.publish())
        second = consumer.live.journal.identity()
    assert decision["status"] == "skipped_halted"
    assert all(part in decision["reason"] for part in (LOST, first, second))


async def test_a_journal_that_is_new_where_the_exchange_knows_orders_of_ours_halts(world: LiveWorld) -> None:
    async with world.running():
        await world.decision(await world.publish())
        await world.decision(await world.publish(side="CLOSE"))
    remove_journal(world)
    await world.redis.delete("quantum:trade_intent:journal")
    async with world.running():
        decision = await world.decision(await world.publish())
    assert decision["status"] == "skipped_halted"
    assert f"{LOST}: the exchange has ti" in decision["reason"]


async def test_an_older_copy_of_the_journal_halts(world: LiveWorld) -> None:
    async with world.running():
        await world.decision(await world.publish(symbol="SEIUSDT"))
    shutil.copy(world.folder / "journal.db", world.folder / "copy.db")
    async with world.running():
        await world.decision(await world.publish())
    remove_journal(world)
    (world.folder / "copy.db").rename(world.folder / "journal.db")
    async with world.running() as consumer:
        decision = await world.decision(await world.publish(symbol="CFXUSDT"))
        here = consumer.live.journal.identity()
    assert decision["status"] == "skipped_halted"
    assert f"Redis knows 2 intents of journal {here}, and here are 1" in decision["reason"]


async def test_a_journal_of_another_account_halts(world: LiveWorld) -> None:
    async with world.running():
        await world.decision(await world.publish(symbol="SEIUSDT"))
    with closing(sqlite3.connect(world.folder / "journal.db")) as journal:
        journal.execute("UPDATE meta SET value = 'another' WHERE name = 'account'")
        journal.commit()
    async with world.running():
        decision = await world.decision(await world.publish())
    assert decision["status"] == "skipped_halted"
    assert f"{LOST}: the journal is of account another, and the key of" in decision["reason"]


async def test_whoever_resumes_is_told_what_was_accepted_and_it_trades_again(world: LiveWorld) -> None:
    async with world.running():
        await world.decision(await world.publish())
        await world.decision(await world.publish(side="CLOSE"))
    remove_journal(world)
    async with world.running() as consumer:
        await consumer.until(lambda: LOST in str(consumer.live.halts.current()))
        resumed = world.command("resume", "--reason", "a new volume, and the account is flat")
        told = json.loads(resumed.stdout)
        assert any(LOST in line and consumer.live.journal.identity() in line for line in told["lifted"])
        decision = await world.decision(await world.publish(symbol=SYMBOL, position_size_usd="300"))
    assert decision["status"] == "filled"
