"""What may not be traded is rejected, what must not be so halts, and only a person resumes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from consumer.base.errors import RefusedError
from tests.integration.consumer.live.conftest import GROUP, HALT_KEY, LIMITS, STREAM

if TYPE_CHECKING:
    from tests.integration.consumer.live.conftest import LiveWorld, RunningService


async def halted(consumer: RunningService, code: str) -> None:
    await consumer.until(lambda: code in str(consumer.live.halts.current()))


@pytest.mark.parametrize(
    ("intent", "code"),
    [
        ({"position_size_usd": "1001"}, "RISK_NOTIONAL"),
        ({"entry_price": "0.42"}, "RISK_PRICE_COLLAR"),
        ({"symbol": "BTCUSDT"}, "RISK_SYMBOL_NOT_ALLOWED"),
        ({"position_size_usd": "4"}, "RISK_MIN_NOTIONAL"),
        ({"funding_rate": "12"}, "RISK_LEVELS"),
    ],
)
async def test_an_intent_over_a_limit_is_rejected_without_a_halt(
    world: LiveWorld, intent: dict[str, Any], code: str
) -> None:
    async with world.running() as consumer:
        decision = await world.decision(await world.publish(**intent))
        assert consumer.state["halt"] is None
    assert decision["status"] == "rejected_risk"
    assert decision["reason"].startswith(code)
    assert (await world.exchange.ledger())["orders"] == []


async def test_a_halt_key_stops_entries_lets_close_through_and_survives_its_own_removal(
    world: LiveWorld,
) -> None:
    async with world.running() as consumer:
        await world.decision(await world.publish())
        await world.redis.set(HALT_KEY, "the sender says so")
        await halted(consumer, "HALT_KEY: the sender says so")
        await world.redis.delete(HALT_KEY)
        entry = await world.decision(await world.publish(symbol="SEIUSDT"))
        closed = await world.decision(await world.publish(side="CLOSE"))
    assert (entry["status"], closed["status"]) == ("skipped_halted", "filled")
    assert await world.position() == "0"


async def test_only_the_resume_command_lifts_a_halt_and_not_while_its_cause_stands(world: LiveWorld) -> None:
    async with world.running() as consumer:
        await world.redis.set(HALT_KEY, "1")
        await halted(consumer, "HALT_KEY")
        refused = await asyncio.to_thread(world.command, "resume", "--reason", "all is well")
        await world.redis.delete(HALT_KEY)
        lifted = await asyncio.to_thread(world.command, "resume", "--reason", "all is well")
        decision = await world.decision(await world.publish())
    assert refused.returncode == 78
    assert HALT_KEY in refused.stderr
    assert json.loads(lifted.stdout) == {"lifted": ["HALT_KEY: 1"], "reason": "all is well"}
    assert decision["status"] == "filled"


async def test_a_halt_survives_a_restart(world: LiveWorld) -> None:
    async with world.running() as consumer:
        os.kill(os.getpid(), signal.SIGUSR1)
        await halted(consumer, "HALT_SIGNAL")
    async with world.running():
        decision = await world.decision(await world.publish())
    assert decision["status"] == "skipped_halted"
    assert decision["reason"].startswith("HALTED:HALT_SIGNAL")


async def test_a_file_halts(world: LiveWorld) -> None:
    async with world.running() as consumer:
        (world.folder / "halt").write_text("by hand\n")
        await halted(consumer, "HALT_FILE: by hand")


async def test_a_halt_key_that_cannot_be_read_halts(world: LiveWorld) -> None:
    await world.redis.lpush(HALT_KEY, "no text")
    async with world.running() as consumer:
        await halted(consumer, "HALT_KEY: unreadable")


async def test_a_position_over_its_limit_halts(world: LiveWorld) -> None:
    async with world.running() as consumer:
        await world.decision(await world.publish(position_size_usd="900"))
        await world.exchange.price("ADAUSDT", "0.3699")
        limits = consumer.live.engine._config.limits
        small = limits.symbols["ADAUSDT"].model_copy(update={"max_position_usd": 100})
        limits.symbols["ADAUSDT"] = small
        decision = await world.decision(await world.publish(symbol="SEIUSDT"))
        await halted(consumer, "HALT_POSITION_OVER_LIMIT")
    assert decision["status"] == "skipped_halted"


async def test_more_executions_of_a_symbol_than_the_throttle_allows_halt(world: LiveWorld) -> None:
    write(world, max_executions_per_symbol={"count": 1, "window_s": 60})
    async with world.running(duplicate_window_ms=0) as consumer:
        await world.decision(await world.publish())
        await world.decision(await world.publish(side="CLOSE"))
        again = await world.decision(await world.publish())
        await halted(consumer, "HALT_THROTTLE")
    assert again["status"] == "skipped_halted"


async def test_the_same_id_with_another_body_halts(world: LiveWorld) -> None:
    async with world.running() as consumer:
        first = await world.publish()
        await world.decision(first)
        replayed = await world.decision(await world.publish(origin_id=first, position_size_usd="300"))
        await halted(consumer, "HALT_BODY_CHANGED")
    assert replayed["status"] == "skipped_halted"
    assert await world.position() == "540"


async def test_a_replay_of_what_was_traded_gets_the_same_outcome_and_trades_nothing(world: LiveWorld) -> None:
    async with world.running():
        price = await world.mark("ADAUSDT")
        first = await world.publish(entry_price=price)
        told = await world.decision(first)
        replayed = await world.decision(await world.publish(origin_id=first, entry_price=price))
    assert (replayed["status"], replayed["orders"]) == (told["status"], told["orders"])
    assert len(await world.told("trade.executed")) == 1
    assert await world.position() == "540"


async def test_another_redis_than_the_journals_halts(world: LiveWorld) -> None:
    async with world.running() as consumer:
        consumer.live.journal.set_meta("redis", "another:one")
    async with world.running() as consumer:
        await halted(consumer, "HALT_REDIS_CHANGED")


async def test_a_stream_that_went_back_halts(world: LiveWorld) -> None:
    async with world.running() as consumer:
        await world.decision(await world.publish(side="HOLD"))
        await world.redis.xgroup_setid(STREAM, GROUP, "0")
        await halted(consumer, "HALT_WENT_BACK")


async def test_a_lost_group_halts(world: LiveWorld) -> None:
    async with world.running() as consumer:
        await world.redis.xgroup_destroy(STREAM, GROUP)
        await halted(consumer, "HALT_GROUP_MISSING")


async def test_what_the_exchange_shows_and_the_journal_does_not_know_halts_by_name(world: LiveWorld) -> None:
    async with world.running():
        await world.decision(await world.publish())
    (world.folder / "journal.db").rename(world.folder / "lost.db")
    for suffix in ("-wal", "-shm"):
        (world.folder / f"journal.db{suffix}").unlink(missing_ok=True)
    async with world.running() as consumer:
        await halted(consumer, "HALT_JOURNAL_LOST")
        journal = consumer.live.journal
        await consumer.until(lambda: any(halt.code == "HALT_STATE_DIFFERS" for halt in journal.halts()))
        assert "position 540 ADAUSDT BOTH" in str(journal.halts())


@pytest.mark.parametrize(
    ("account", "says"),
    [
        ({"leverage": {"ADAUSDT": 20}}, "ADAUSDT has leverage 20, desired 5"),
        ({"margin_type": {"SEIUSDT": "ISOLATED"}}, "SEIUSDT has margin ISOLATED, desired CROSSED"),
        ({"multi_assets": True}, "multi-assets mode is on"),
    ],
)
async def test_an_account_that_is_not_set_as_the_limits_say_means_no_start(
    world: LiveWorld, account: dict[str, Any], says: str
) -> None:
    await world.exchange.account(**account)
    with pytest.raises(RefusedError, match=says):
        async with world.running():
            pass


async def test_intents_up_to_the_cutover_never_trade(world: LiveWorld) -> None:
    old = await world.publish()
    await world.redis.xgroup_setid(STREAM, GROUP, "0")
    async with world.running(cutover_id=old):
        decision = await world.decision(old)
    assert decision["status"] == "skipped_before_cutover"


def write(world: LiveWorld, **limits: Any) -> None:
    (world.folder / "limits.json").write_text(json.dumps({**LIMITS, **limits}))
