"""Whose position it is, when two intents of a symbol have entered one after the other."""

from __future__ import annotations

import json
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from consumer.filters import Filters
from consumer.journal import Journal, State
from consumer.lease import Lease
from consumer.orders import ids
from consumer.orders.desk import Desk
from consumer.orders.quantity import Plan, Sourced, Terms, plan
from consumer.orders.reconcile import Keeper
from consumer.ports import MarketOrder
from consumer.wire import decode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

D = Decimal
ADA = Filters(D("0.0001"), D(1), D(1), D(10_000_000), D(5), 1, 10_000_000)
OLDER, YOUNGER = "1000-0", "2000-0"


class Time:
    def __init__(self) -> None:
        self.ms = 10_000

    def now_ms(self) -> int:
        self.ms += 100
        return self.ms


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    time: Any = Time()
    journal = Journal.open(f"sqlite:///{tmp_path / 'journal.sqlite'}")
    lease = Lease(journal.store, "a test")
    lease.acquire(time.ms)
    yield Desk(SimpleNamespace(), journal, lease, time)  # type: ignore[arg-type]  # nothing is asked here
    journal.close()


def begin(desk: Desk, origin_id: str, side: str) -> None:
    asked = decode({"symbol": "ADAUSDT", "side": side, "position_size_usd": "200"})
    terms = Terms(
        Sourced(D("0.37"), "entry_price"), Sourced(D(5), "limits"), None, ADA, "test", is_hedged=False
    )
    planned = plan(asked, terms, D(1000))
    assert isinstance(planned, Plan)
    document = json.dumps({"orders": planned.document()})
    desk.journal.begin_intent(origin_id, "0" * 64, origin_id, "ADAUSDT", asked.direction, document, 0)


def enter(desk: Desk, origin_id: str) -> None:
    intent = desk.journal.intent(origin_id)
    assert intent is not None
    client_id = desk.client_id(intent, ids.ENTRY, 0)
    request = MarketOrder("ADAUSDT", client_id, "BUY", "BOTH", D(540), reduce_only=False)
    row = desk.prepare(intent, ids.ENTRY, request)
    held = desk.lease.held
    desk.journal.mark_sent(row.client_id, desk.clock.now_ms(), held.fencing if held else None)
    desk.record(row, State.FILLED, executed=D(540))


def test_a_position_is_of_who_entered_last_and_not_of_who_was_published_last(desk: Desk) -> None:
    begin(desk, OLDER, "BUY")
    begin(desk, YOUNGER, "SELL")
    enter(desk, YOUNGER)
    enter(desk, OLDER)
    assert Keeper(desk, SimpleNamespace())._holders() == {OLDER}  # type: ignore[arg-type]  # nothing is carried out
