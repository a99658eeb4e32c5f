"""Whose position it is, and who looks after one whose intent another instance has not finished."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from consumer.intents.filters import Filters
from consumer.intents.planner import Planned, Sourced, Terms, plan
from consumer.intents.wire import decode
from consumer.live.exchange.errors import UnknownError
from consumer.live.exchange.port import MarketOrder, OrderState, Position
from consumer.live.journal import Journal, OrderPhase
from consumer.live.journal.lease import Lease
from consumer.live.journal.thread import JournalThread
from consumer.live.orders import ids
from consumer.live.orders.reconciliation import Keeper
from consumer.live.orders.sender import OrderSender
from consumer.live.risk.account_picture import AccountPicture
from tests.support.clocks import ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from consumer.live.journal import IntentRow, OrderRow

D = Decimal
ADA = Filters(D("0.0001"), D(1), D(1), D(10_000_000), D(5), 1, 10_000_000)
ALL = D(540)
OLDER, YOUNGER = "1000-0", "2000-0"

#: Nothing halts here.
HALTS: Any = SimpleNamespace(set=lambda *_given: None, written=lambda: asyncio.sleep(0))


@pytest.fixture
def sender(tmp_path: Path) -> Iterator[OrderSender]:
    time = ManualClock(10_000, step_ms=100)
    journal = Journal.open(f"sqlite:///{tmp_path / 'journal.sqlite'}")
    lease = Lease(journal.store, "a test")
    lease.acquire(time.ms)
    yield OrderSender(SimpleNamespace(), journal, JournalThread(journal), lease, time, halts=HALTS)  # type: ignore[arg-type]  # nothing is asked here
    journal.close()


def begin(sender: OrderSender, origin_id: str, side: str, symbol: str = "ADAUSDT") -> None:
    asked = decode({"symbol": symbol, "side": side, "position_size_usd": "200"})
    terms = Terms(
        Sourced(D("0.37"), "entry_price"), Sourced(D(5), "limits"), None, ADA, "test", is_hedged=False
    )
    planned = plan(asked, terms)
    assert isinstance(planned, Planned)
    document = json.dumps({"orders": planned.plan.document()})
    sender.journal.begin_intent(origin_id, "0" * 64, origin_id, symbol, asked.direction, document, 0)


async def enter(
    sender: OrderSender, origin_id: str, state: OrderPhase = OrderPhase.FILLED, executed: Decimal | None = ALL
) -> None:
    intent = sender.journal.intent(origin_id)
    assert intent is not None
    client_id = sender.client_id(intent, ids.ENTRY, 0)
    request = MarketOrder(intent.symbol, client_id, "BUY", "BOTH", ALL, reduce_only=False)
    row = await sender.prepare(intent, ids.ENTRY, request)
    held = sender.lease.held
    sender.journal.mark_sent(row.client_id, sender.clock.now_ms(), held.fencing if held else None)
    await sender.record(row, state, executed=executed)


class FilledAccount:
    """Holds what was entered, and knows the entry as filled."""

    async def order(self, symbol: str, client_id: str) -> OrderState:
        return OrderState(
            symbol=symbol,
            client_id=client_id,
            order_id=1,
            status="FILLED",
            side="BUY",
            position_side="BOTH",
            executed=ALL,
            average_price=D("0.37"),
            reduce_only=False,
            type="MARKET",
            price=D(0),
            quantity=ALL,
            time_ms=0,
        )

    async def positions(self, symbol: str) -> list[Position]:
        return [Position(symbol, "BOTH", ALL, D("0.37"), D("0.37"), D(200))]


class Silent(FilledAccount):
    """An exchange that answers nothing about one symbol."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol

    async def order(self, symbol: str, client_id: str) -> OrderState:
        if symbol == self.symbol:
            raise UnknownError("timeout")
        return await super().order(symbol, client_id)


class Protecting:
    """An executor that only notes whom it was to protect."""

    def __init__(self) -> None:
        self.protected: list[str] = []

    async def protect(self, intent: IntentRow, entry: OrderRow) -> OrderRow:
        self.protected.append(intent.origin_id)
        return entry


def keeper_of(sender: OrderSender, executor: Any) -> Keeper:
    return Keeper(sender, executor, AccountPicture(sender.exchange, sender.clock, sender))


async def test_a_position_is_of_who_entered_last_and_not_of_who_was_published_last(
    sender: OrderSender,
) -> None:
    begin(sender, OLDER, "BUY")
    begin(sender, YOUNGER, "SELL")
    await enter(sender, YOUNGER)
    await enter(sender, OLDER)
    assert keeper_of(sender, SimpleNamespace())._holders() == {OLDER}


async def test_an_entry_that_was_only_acknowledged_is_asked_about_by_whoever_waits(
    sender: OrderSender,
) -> None:
    begin(sender, OLDER, "BUY")
    await enter(sender, OLDER, OrderPhase.ACCEPTED, None)
    executor: Any = Protecting()
    sender.exchange = FilledAccount()  # type: ignore[assignment]  # nothing else is asked here
    keeper = keeper_of(sender, executor)
    for _ in range(12):
        await keeper.rescue("ADAUSDT")
    assert OLDER in executor.protected


async def test_a_symbol_that_the_exchange_does_not_answer_for_costs_no_other_one_its_stop(
    sender: OrderSender,
) -> None:
    begin(sender, OLDER, "BUY", "SEIUSDT")
    await enter(sender, OLDER, OrderPhase.ACCEPTED, None)
    begin(sender, YOUNGER, "BUY")
    await enter(sender, YOUNGER)
    executor: Any = Protecting()
    sender.exchange = Silent("SEIUSDT")  # type: ignore[assignment]  # nothing else is asked here
    keeper = keeper_of(sender, executor)
    for _ in range(12):
        with pytest.raises(UnknownError):
            await keeper.rescue("SEIUSDT")
        await keeper.rescue("ADAUSDT")
    assert set(executor.protected) == {YOUNGER}
