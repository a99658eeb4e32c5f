"""A process that was paused wakes up, after another instance has taken its lease and its order over."""

from __future__ import annotations

import asyncio
import contextlib
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from consumer.live.exchange import errors
from consumer.live.exchange.port import MarketOrder
from consumer.live.intent_handler import IntentHandler
from consumer.live.journal import Journal, OrderPhase
from consumer.live.journal.lease import LEASE_MS, RECV_WINDOW_MS, SLACK_MS, Lease
from consumer.live.journal.thread import JournalThread
from consumer.live.orders import ids
from consumer.live.orders.execution_report import ExecutionReport
from consumer.live.orders.executor import Executor
from consumer.live.orders.sender import NotNowError, OrderSender
from consumer.live.risk.engine import No
from tests.support.clocks import ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from consumer.live.journal import IntentRow, OrderRow

ORIGIN, BODY = "1000-0", "0" * 64
QUIET_MS = LEASE_MS + RECV_WINDOW_MS + SLACK_MS

#: Nothing halts here.
HALTS: Any = SimpleNamespace(set=lambda *_given: None, written=lambda: asyncio.sleep(0))


@pytest.fixture
def time() -> ManualClock:
    return ManualClock()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.open(f"sqlite:///{tmp_path / 'journal.sqlite'}")
    yield journal
    journal.close()


def desk_of(name: str, journal: Journal, time: ManualClock, **exchange: Any) -> OrderSender:
    lease, asked = Lease(journal.store, name), SimpleNamespace(**exchange)
    return OrderSender(asked, journal, JournalThread(journal), lease, time, halts=HALTS)  # type: ignore[arg-type]  # only what a test asks for


def begun(journal: Journal) -> IntentRow:
    return journal.begin_intent(ORIGIN, BODY, ORIGIN, "ADAUSDT", "long", "{}", 1)


async def prepared(sender: OrderSender) -> OrderRow:
    intent = begun(sender.journal)
    client_id = sender.client_id(intent, ids.ENTRY, 0)
    request = MarketOrder("ADAUSDT", client_id, "BUY", "BOTH", Decimal(540), reduce_only=False)
    return await sender.prepare(intent, ids.ENTRY, request)


@pytest.mark.parametrize(
    "error",
    [errors.NotSentError("held up"), errors.OrderRefusedError("no", -2019), errors.ThrottledError("later")],
)
async def test_how_a_paused_sending_ended_says_nothing_of_the_successors_sending(
    journal: Journal, time: ManualClock, error: errors.OutcomeError
) -> None:
    successor = desk_of("successor", journal, time)

    async def paused(request: MarketOrder) -> None:
        time.ms += QUIET_MS
        held = successor.lease.acquire(time.ms)
        await successor.withdraw(successor.row(request.client_id), OrderPhase.PREPARED, "it never arrived")
        journal.mark_sent(request.client_id, time.ms, held.fencing)  # type: ignore[union-attr]  # it is held
        raise error

    first = desk_of("first", journal, time, place=paused)
    first.lease.acquire(time.ms)
    row = await prepared(first)
    with contextlib.suppress(errors.OutcomeError, NotNowError):
        await first.send(row)
    now = first.row(row.client_id)
    assert (now.state, now.times_sent) == (OrderPhase.SENT, 2)


async def test_an_order_that_was_sent_again_is_not_withdrawn_for_the_first_sending(
    journal: Journal, time: ManualClock
) -> None:
    sender = desk_of("one", journal, time)
    held: Any = sender.lease.acquire(time.ms)
    row = await prepared(sender)
    first = journal.mark_sent(row.client_id, time.ms, held.fencing)
    await sender.withdraw(first, OrderPhase.PREPARED)
    journal.mark_sent(row.client_id, time.ms, held.fencing)
    with pytest.raises(NotNowError, match="sent 2 times"):
        await sender.withdraw(first, OrderPhase.PREPARED)


async def test_not_found_counts_from_when_the_question_left_and_not_from_when_its_answer_was_read(
    journal: Journal, time: ManualClock
) -> None:
    async def lagging(_symbol: str, _client_id: str) -> None:
        time.ms += RECV_WINDOW_MS + SLACK_MS + 1

    sender = desk_of("one", journal, time, order=lagging)
    held: Any = sender.lease.acquire(time.ms)
    row = await prepared(sender)
    journal.mark_sent(row.client_id, time.ms, held.fencing)
    for is_conclusive in (False, True):
        assert await sender.ask(sender.row(row.client_id)) is None
        assert sender.row(row.client_id).absence_is_conclusive is is_conclusive


async def test_an_intent_that_another_instance_has_begun_meanwhile_is_not_refused(
    journal: Journal, time: ManualClock
) -> None:
    class Judging:
        async def judge(self, _request: object) -> No:
            begun(journal)
            return No("rejected_risk", "RISK_POSITION_OPEN:ADAUSDT has an open order", {})

    context: Any = SimpleNamespace(settings=SimpleNamespace(duplicate_window_ms=5000))
    halts: Any = SimpleNamespace(current=lambda: None)
    risk_engine: Any = Judging()
    executor: Any = None
    permission: Any = SimpleNamespace(halted=lambda: None)
    intake = IntentHandler(
        context,
        desk_of("one", journal, time),
        risk_engine,
        executor,
        halts,
        permission=permission,
        promotion="",
    )
    intent = SimpleNamespace(symbol="ADAUSDT", direction="long", side="BUY", kind="open")
    examined: Any = SimpleNamespace(entry_id=ORIGIN, origin_id=ORIGIN, fields={}, intent=intent)
    with pytest.raises(NotNowError, match="another instance"):
        await intake._begun(examined, "digest")


async def test_the_outcome_is_what_was_written_down_first(journal: Journal, time: ManualClock) -> None:
    first = ExecutionReport("filled", "FILLED", {}, 1)

    class Paused(Executor):
        async def _open(self, intent: IntentRow) -> ExecutionReport:
            journal.finish_intent(intent.origin_id, first.text)
            return ExecutionReport("failed", "STOP_REFUSED", {}, 2)

    permission: Any = None
    executor = Paused(desk_of("one", journal, time), permission)
    assert await executor.carry_out(begun(journal)) == first


@pytest.mark.parametrize(("leg", "has_a_time"), [("e", True), ("1", True), ("x", False)])
async def test_only_what_closes_is_sent_however_long_it_was_held_up(
    journal: Journal, time: ManualClock, leg: ids.Leg, *, has_a_time: bool
) -> None:
    sent: list[Any] = []

    async def place(request: MarketOrder) -> None:
        sent.append(request)
        raise errors.NotSentError("held up")

    sender = desk_of("one", journal, time, place=place)
    sender.lease.acquire(time.ms)
    intent = begun(journal)
    request = MarketOrder(
        "ADAUSDT", sender.client_id(intent, leg, 0), "BUY", "BOTH", Decimal(540), reduce_only=False
    )
    with pytest.raises(errors.NotSentError):
        await sender.send(await sender.prepare(intent, leg, request))
    assert bool(sent[0].sent_at_ms) is has_a_time
