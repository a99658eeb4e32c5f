"""The settle script itself: what it writes, for whom, and what it leaves alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from consumer.base import settings
from consumer.intents.context import Context, context_for
from consumer.intents.decide import Decision, decide, failed, lost
from consumer.stream.connection import Connection
from consumer.stream.result_writer import ResultWriter, Settled
from tests.support.consumer_process import (
    GROUP,
    LETTERS,
    RESULTS,
    STREAM,
    letters,
    pending,
    publish,
    results,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import redis

    from tests.support.redis_server import RedisServer


SYMBOLS = ("NEARUSDT", "ADAUSDT", "XRPUSDT")
OPEN, AHEAD = f"quantum:trade_intent:open:{GROUP}", f"quantum:trade_intent:ahead:{GROUP}"
MEMORIES = [f"quantum:trade_intent:planned:{symbol}:long" for symbol in SYMBOLS]


class Counter:
    """A settler with its connection, as one consumer has them."""

    def __init__(self, connection: Connection, context: Context) -> None:
        self.connection, self.context, self.settler = connection, context, ResultWriter(context)

    async def settle(self, *decisions: Decision) -> Settled:
        return await self.settler.settle(self.connection, decisions)


@pytest.fixture
async def counter(redis_server: RedisServer, client: redis.Redis) -> AsyncIterator[Counter]:
    assert client.exists(STREAM)
    variables = {"TRADE_INTENT_CUTOVER_ID": "0-0", "TRADE_INTENT_REDIS_URL": redis_server.url}
    async with Connection(redis_server.url, None, 5) as connection:
        counter = Counter(connection, context_for(settings.from_environment(variables)))
        await counter.settler.load(connection)
        yield counter


def delivered(client: redis.Redis, count: int = 1, to: str = "a") -> list[str]:
    """Publish entries of different symbols and hand them out; return their ids."""
    for number in range(count):
        publish(client, symbol=f"A{number}USDT")
    client.xreadgroup(GROUP, to, {STREAM: ">"})
    return [id_ for id_, _ in client.xrange(STREAM)]  # type: ignore[misc, union-attr]  # a list, as asked


def decided(counter: Counter, ids: Sequence[str]) -> list[Decision]:
    fields = {b"symbol": b"NEARUSDT", b"side": b"BUY", b"position_size_usd": b"200", b"entry_price": b"1.5"}
    return [
        decide(id_, {**fields, b"symbol": symbol.encode()}, 2**60, far(counter))
        for symbol, id_ in zip(SYMBOLS, ids, strict=False)
    ]


def far(counter: Counter) -> Context:
    """Return the counter's context; no age limit stands between a test and its decision."""
    return Context(
        counter.context.settings, counter.context.config_digest, (0, 0), 2**62, counter.context.rehearsal
    )


async def test_a_pending_entry_is_decided_and_acknowledged(counter: Counter, client: redis.Redis) -> None:
    ids = delivered(client, 3)
    settled = await counter.settle(*decided(counter, ids))
    assert settled.counts == {"skipped_drain": 3}
    assert [result["intent_id"] for result in results(client)] == ids
    assert pending(client) == 0


async def test_an_entry_that_is_not_pending_is_left_alone(counter: Counter, client: redis.Redis) -> None:
    decisions = decided(counter, delivered(client, 2))
    await counter.settle(*decisions)
    again = await counter.settle(*decisions)
    assert (len(again.elsewhere), again.counts, len(results(client))) == (2, {}, 2)


async def test_an_entry_twice_in_a_batch_is_decided_once(counter: Counter, client: redis.Redis) -> None:
    (skipped,) = decided(counter, delivered(client))
    settled = await counter.settle(skipped, skipped)
    assert (settled.counts, settled.elsewhere) == ({"skipped_drain": 1}, [skipped.entry_id])


async def test_an_entry_that_another_consumer_holds_is_decided_all_the_same(
    counter: Counter, client: redis.Redis
) -> None:
    ids = delivered(client, to="somebody else")
    assert (await counter.settle(*decided(counter, ids))).counts == {"skipped_drain": 1}


async def test_a_redelivered_entry_says_so(counter: Counter, client: redis.Redis) -> None:
    ids = delivered(client)
    client.xreadgroup(GROUP, "a", {STREAM: "0"})
    await counter.settle(*decided(counter, ids))
    assert results(client)[0]["redelivered"] == "1"


async def test_our_own_failure_is_put_off_until_the_third_delivery(
    counter: Counter, client: redis.Redis
) -> None:
    (id_,) = delivered(client)
    broken = failed(id_, {b"symbol": b"X"}, KeyError("x"))
    put_off = []
    for _ in range(3):
        put_off.append((await counter.settle(broken)).put_off)
        client.xreadgroup(GROUP, "a", {STREAM: "0"})
    assert put_off == [1, 1, 0]
    assert [result["reason"] for result in results(client)] == ["CONSUMER_ERROR:KeyError"]
    assert [(letter["deliveries"], letter["reason"]) for letter in letters(client)] == [
        ("3", "CONSUMER_ERROR:KeyError")
    ]


async def test_a_trimmed_entry_is_a_dead_letter_without_a_decision(
    counter: Counter, client: redis.Redis
) -> None:
    (id_,) = delivered(client)
    client.xtrim(STREAM, maxlen=0, approximate=False)
    settled = await counter.settle(lost(id_))
    assert (settled.counts, settled.dead_letters) == ({"lost_trimmed": 1}, [(id_, "lost_trimmed")])
    assert (results(client), pending(client)) == ([], 0)


async def test_a_script_that_redis_forgot_is_given_again(counter: Counter, client: redis.Redis) -> None:
    client.script_flush()
    assert (await counter.settle(*decided(counter, delivered(client)))).counts == {"skipped_drain": 1}


async def test_the_memory_of_plans_is_bounded(counter: Counter, client: redis.Redis) -> None:
    client.zadd(MEMORIES[0], {"1-0": 1})
    (id_,) = delivered(client)
    await counter.settle(*decided(counter, [id_]))
    assert client.zrange(MEMORIES[0], 0, -1) == [id_]
    assert 600_000 < client.pttl(MEMORIES[0]) <= 620_000  # type: ignore[operator]  # an integer


@pytest.mark.parametrize(("apart_ms", "status"), [(5000, "skipped_duplicate"), (5001, "skipped_drain")])
async def test_twins_are_at_most_the_window_apart(
    counter: Counter, client: redis.Redis, apart_ms: int, status: str
) -> None:
    now_ms = int(client.time()[0]) * 1000  # type: ignore[index]  # seconds and microseconds
    ids = [str(client.xadd(STREAM, {"a": "b"}, id=f"{at}-0")) for at in (now_ms - apart_ms, now_ms)]
    client.xreadgroup(GROUP, "a", {STREAM: ">"})
    for id_ in reversed(ids):  # the later one first: a twin is a twin on both sides
        await counter.settle(*decided(counter, [id_]))
    assert [result["status"] for result in results(client)] == ["skipped_drain", status]


async def test_results_are_trimmed_and_dead_letters_are_not(
    redis_server: RedisServer, client: redis.Redis
) -> None:
    variables = {"TRADE_INTENT_CUTOVER_ID": "0-0", "TRADE_INTENT_RESULT_MAXLEN": "100"}
    async with Connection(redis_server.url, None, 5) as connection:
        counter = Counter(connection, context_for(settings.from_environment(variables)))
        await counter.settler.load(connection)
        ids = delivered(client, 600)
        await counter.settle(*[decide(id_, {b"symbol": b"x"}, 2**60, far(counter)) for id_ in ids])
    assert 100 <= client.xlen(RESULTS) < 400  # type: ignore[operator]  # an integer
    assert client.xlen(LETTERS) == 600


async def test_a_memory_of_a_wrong_type_holds_up_what_needs_it_alone(
    counter: Counter, client: redis.Redis
) -> None:
    ids = delivered(client, 3)
    client.set(MEMORIES[1], "not a sorted set")
    settled = await counter.settle(*decided(counter, ids))
    ((held_up, why),) = settled.held_up
    assert (held_up, why.split()[0], MEMORIES[1] in why) == (ids[1], "WRONGTYPE", True)
    assert [result["intent_id"] for result in results(client)] == [ids[0], ids[2]]
    assert pending(client) == 1
    client.delete(MEMORIES[1])
    assert (await counter.settle(*decided(counter, ids)[1:2])).counts == {"skipped_drain": 1}


# What was decided stays decided, in whatever order it came to its end


def held(*ids: str) -> list[Decision]:
    return [Decision(id_, "skipped_hold", "HOLD", id_) for id_ in ids]


def handed_out_again(client: redis.Redis) -> None:
    """Set the group back, so that all is delivered a second time."""
    client.xgroup_setid(STREAM, GROUP, "0")
    client.xreadgroup(GROUP, "a", {STREAM: ">"})


async def test_what_is_decided_behind_one_that_waits_is_known(counter: Counter, client: redis.Redis) -> None:
    waiting, second, third = delivered(client, 3)
    await counter.settle(*held(third))
    await counter.settle(*held(second))
    handed_out_again(client)
    settled = await counter.settle(*held(waiting, second, third))
    assert settled.counts == {"skipped_hold": 1}
    assert settled.again == [second, third]


async def test_one_that_waits_behind_thousands_is_remembered_by_itself(
    counter: Counter, client: redis.Redis
) -> None:
    waiting, *others = delivered(client, 10_050)
    for n in range(0, len(others), 1000):
        await counter.settle(*held(*others[n : n + 1000]))
    assert client.smembers(OPEN) == {waiting}
    assert client.zcard(AHEAD) <= 10_000
    handed_out_again(client)
    known = [await counter.settle(*held(*others[n : n + 1000])) for n in range(0, len(others), 1000)]
    assert [id_ for settled in known for id_ in settled.again] == others
    assert (await counter.settle(*held(waiting))).counts == {"skipped_hold": 1}
    assert (await counter.settle(*held(waiting))).elsewhere == [waiting]
    assert client.scard(OPEN) == 0


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 3, 0, 1), (1, 0, 3, 2)])
async def test_from_before_the_cutover_each_is_told_once_in_any_order(
    redis_server: RedisServer, client: redis.Redis, order: tuple[int, ...]
) -> None:
    ids = delivered(client, 4)
    variables = {"TRADE_INTENT_CUTOVER_ID": ids[-1], "TRADE_INTENT_REDIS_URL": redis_server.url}
    async with Connection(redis_server.url, None, 5) as connection:
        counter = Counter(connection, context_for(settings.from_environment(variables)))
        await counter.settler.load(connection)
        for which in order:
            assert (await counter.settle(*held(ids[which]))).counts == {"skipped_hold": 1}
        handed_out_again(client)
        assert (await counter.settle(*held(*ids))).again == ids
