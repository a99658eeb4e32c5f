from __future__ import annotations

import asyncio

import pytest

from consumer.live.orders.sender import NotNowError
from consumer.live.workers import SymbolWorkers


def ignore(_what: str, _error: Exception) -> None:
    """Nobody is told."""


async def test_one_symbol_does_one_thing_at_a_time_in_the_order_of_the_calls() -> None:
    workers, done = SymbolWorkers(ignore), []

    async def work(number: int) -> None:
        await asyncio.sleep(0.01 if number == 0 else 0)
        done.append(number)

    await asyncio.gather(*(workers.do("ADAUSDT", lambda number=number: work(number)) for number in range(5)))
    assert done == [0, 1, 2, 3, 4]


async def test_one_symbol_does_not_wait_for_another_one() -> None:
    workers, stuck = SymbolWorkers(ignore), asyncio.Event()
    waiting = asyncio.create_task(workers.do("ADAUSDT", stuck.wait))
    await asyncio.sleep(0)

    async def answer() -> int:
        return 42

    assert await workers.do("SEIUSDT", answer) == 42
    assert list(workers.in_hand) == ["ADAUSDT"]
    stuck.set()
    await waiting
    assert workers.in_hand == {}


async def test_whoever_has_waited_long_enough_gives_up() -> None:
    workers, stuck = SymbolWorkers(ignore), asyncio.Event()
    waiting = asyncio.create_task(workers.do("ADAUSDT", stuck.wait))
    await asyncio.sleep(0)
    with pytest.raises(NotNowError, match="ADAUSDT was busy"):
        await workers.do("ADAUSDT", stuck.wait, patience_s=0.01)
    with pytest.raises(NotNowError, match="ADAUSDT has been busy"):
        await workers.do("ADAUSDT", stuck.wait, patience_s=0.001)
    stuck.set()
    await waiting


async def test_what_was_begun_goes_on_when_whoever_waits_for_it_is_cancelled() -> None:
    workers, done = SymbolWorkers(ignore), asyncio.Event()

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.set()

    waiting = asyncio.create_task(workers.do("ADAUSDT", work))
    await asyncio.sleep(0)
    waiting.cancel()
    await workers.finish(1)
    assert done.is_set()


async def test_the_same_is_not_offered_twice_while_it_waits() -> None:
    workers, stuck, times = SymbolWorkers(ignore), asyncio.Event(), []

    async def work() -> None:
        times.append(1)

    waiting = asyncio.create_task(workers.do("ADAUSDT", stuck.wait))
    await asyncio.sleep(0)
    for _ in range(3):
        workers.offer("ADAUSDT", "looked_after", work)
    stuck.set()
    await waiting
    await workers.finish(1)
    assert times == [1]
    workers.offer("ADAUSDT", "looked_after", work)
    await workers.finish(1)
    assert times == [1, 1]


async def test_what_nobody_waits_for_tells_of_its_failure() -> None:
    told: list[tuple[str, str]] = []
    workers = SymbolWorkers(lambda what, error: told.append((what, str(error))))

    async def work() -> None:
        raise ValueError("no")

    workers.offer("ADAUSDT", "looked_after", work)
    await workers.finish(1)
    assert told == [("looked_after", "no")]


async def test_what_has_not_ended_in_time_is_cancelled() -> None:
    workers = SymbolWorkers(ignore)
    waiting = asyncio.create_task(workers.do("ADAUSDT", asyncio.Event().wait))
    await asyncio.sleep(0)
    await workers.finish(0.01)
    with pytest.raises(asyncio.CancelledError):
        await waiting
