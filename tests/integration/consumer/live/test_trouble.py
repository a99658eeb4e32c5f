"""The exchange, or a person, misbehaves: nothing is sent that makes it worse, and what is wrong is said."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from consumer.live.exchange.breaker import Breaker
from consumer.live.exchange.limiter import WEIGHT
from consumer.live.exchange.standing import ExchangeStanding
from consumer.live.journal import OrderPhase
from consumer.live.journal.thread import JournalThread
from consumer.live.orders import ids
from consumer.live.orders.ids import EXIT, STOP
from tests.integration.consumer.live.conftest import LIMITS, SYMBOL
from tests.support.limits import LEVERAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.integration.consumer.live.conftest import LiveWorld, RunningService

STOPS, ORDERS = "POST /fapi/v1/algoOrder", "POST /fapi/v1/order"


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, int]]:
    """Times and statuses of all that the exchange answers."""
    seen: list[tuple[float, int]] = []
    answered = ExchangeStanding.answered

    def note(standing: ExchangeStanding, status: int, headers: Mapping[str, str]) -> None:
        seen.append((time.monotonic(), status))
        answered(standing, status, headers)

    monkeypatch.setattr(ExchangeStanding, "answered", note)
    return seen


@pytest.fixture
def weights(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How much of the minute's weight is used, as each answer says."""
    seen: list[int] = []
    answered = ExchangeStanding.answered

    def note(standing: ExchangeStanding, status: int, headers: Mapping[str, str]) -> None:
        seen.append(int(headers.get(WEIGHT, "0")))
        answered(standing, status, headers)

    monkeypatch.setattr(ExchangeStanding, "answered", note)
    return seen


async def halted(consumer: RunningService, code: str, within_s: float = 15.0) -> None:
    await consumer.until(lambda: code in str(consumer.live.halts.current()), within_s)


async def test_nothing_is_sent_before_the_exchange_wants_to_be_asked_again(
    world: LiveWorld, answers: list[tuple[float, int]]
) -> None:
    await world.exchange.fault(STOPS, "http", status=429, code=-1003, headers={"Retry-After": "3"}, times=1)
    async with world.running() as consumer:
        decision = await world.decision(await world.publish())
        assert consumer.state["live"]["unprotected"] == {}
    throttled_at = next(at for at, status in answers if status == 429)
    next_at = next(at for at, _ in answers if at > throttled_at)
    assert 3 <= next_at - throttled_at < 8
    refused = [status for _, status in answers if status >= 400]
    assert refused == [400, 429]  # the entry was asked for before it was sent, and was not there
    assert decision["status"] in ("filled", "failed")
    ledger = await world.exchange.ledger()
    assert (await world.position() == "0") or any(algo["status"] == "NEW" for algo in ledger["algo_orders"])


@pytest.mark.parametrize("code", [-4140, -2018, -4411, -1130])
async def test_a_refusal_that_is_final_ends_an_intent_at_once(
    world: LiveWorld, answers: list[tuple[float, int]], code: int
) -> None:
    await world.exchange.fault(ORDERS, "http", status=400, body={"code": code, "msg": "no"}, times=-1)
    async with world.running():
        decision = await world.decision(await world.publish(), within_s=5)
    assert (decision["status"], str(code) in decision["reason"]) == ("rejected_venue", True)
    asked, sent = 400, 400
    assert [status for _, status in answers if status >= 400] == [asked, sent]


async def test_a_key_that_was_taken_away_halts_and_is_named(world: LiveWorld) -> None:
    async with world.running() as consumer:
        body = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action"}
        await world.exchange.fault("GET /fapi/*", "http", status=401, body=body, times=-1)
        await halted(consumer, "HALT_KEY_REFUSED", 30)
        assert any("KEY_REFUSED" in reason for reason in consumer.state["reasons"])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"multi_assets": True}, "multi-assets mode is on"),
        ({"leverage": {SYMBOL: LEVERAGE + 1}}, f"{SYMBOL} has leverage {LEVERAGE + 1}"),
    ],
)
async def test_an_account_that_a_person_sets_otherwise_halts(
    world: LiveWorld, change: dict[str, Any], named: str
) -> None:
    assert SYMBOL in LIMITS["symbols"]
    async with world.running() as consumer:
        await world.exchange.account(**change)
        await halted(consumer, "HALT_ACCOUNT_CHANGED")
        assert named in str(consumer.live.halts.current())


async def test_an_exit_that_is_refused_is_tried_ever_more_slowly_until_it_can_be(
    world: LiveWorld,
) -> None:
    at_once = {"code": -2021, "msg": "would trigger"}
    await world.exchange.fault(STOPS, "http", status=400, body=at_once, times=-1)
    exits = {"side": "SELL"}
    refusal = {"code": -4131, "msg": "PERCENT_PRICE"}
    await world.exchange.fault(ORDERS, "http", status=400, body=refusal, match=exits, times=6)
    async with world.running() as consumer:
        entry = await world.publish()
        await halted(consumer, "HALT_STOP_REFUSED")
        await consumer.until(lambda: "cannot be closed" in str(consumer.state["reasons"]))
        assert SYMBOL in consumer.state["live"]["unprotected"]
        decision = await world.decision(entry, within_s=40)
        assert consumer.state["live"]["unprotected"] == {}
        rows = [row for row in consumer.live.journal.orders(entry) if row.leg == EXIT]
    assert decision["status"] == "failed"
    assert await world.position() == "0"
    times = [row.sent_at_ms or 0 for row in rows]
    assert len(times) == 7
    assert max(times) - min(times) > 6000  # 0.2 + 0.4 + 0.8 + 1.6 + 3.2 + 6.4 s


async def held_back(consumer: RunningService) -> None:
    """Wait until an entry was refused for now."""
    await consumer.until(lambda: consumer.live.state.counters["not_now"] > 0)


BUSY = {"code": -1008, "msg": "Request throttled by system-level protection. Please try again."}


async def test_where_no_market_price_lies_in_the_band_the_exit_goes_to_its_edge(world: LiveWorld) -> None:
    at_once = {"code": -2021, "msg": "would trigger"}
    await world.exchange.fault(STOPS, "http", status=400, body=at_once, times=-1)
    exits, refusal = {"side": "SELL", "type": "MARKET"}, {"code": -4131, "msg": "PERCENT_PRICE"}
    await world.exchange.fault(ORDERS, "http", status=400, body=refusal, match=exits, times=-1)
    async with world.running() as consumer:
        decision = await world.decision(await world.publish())
        assert "HALT_STOP_REFUSED" in str(consumer.live.halts.current())
    assert (decision["status"], await world.position()) == ("failed", "0")
    orders = [order for order in (await world.exchange.ledger())["orders"] if order["type"] == "LIMIT"]
    assert [(order["side"], order["time_in_force"], order["status"]) for order in orders] == [
        ("SELL", "IOC", "FILLED")
    ]


async def test_a_stop_that_is_accepted_at_last_ends_the_exits_that_are_refused(world: LiveWorld) -> None:
    at_once, refusal = {"code": -2021, "msg": "would trigger"}, {"code": -4131, "msg": "PERCENT_PRICE"}
    await world.exchange.fault(STOPS, "http", status=400, body=at_once, times=3)
    await world.exchange.fault(ORDERS, "http", status=400, body=refusal, match={"side": "SELL"}, times=-1)
    async with world.running() as consumer:
        decision = await world.decision(await world.publish(), within_s=30)
        assert "HALT_STOP_REFUSED" in str(consumer.live.halts.current())
        assert consumer.state["live"]["unprotected"] == {}
    assert (decision["status"], decision["reason"].partition(":")[0]) == ("filled", "STOP_LATE")
    assert len(await world.stops()) == 1


async def test_what_is_too_small_to_be_closed_is_named_as_dust(world: LiveWorld) -> None:
    at_once, refusal = {"code": -2021, "msg": "would trigger"}, {"code": -4164, "msg": "too small"}
    await world.exchange.fault(STOPS, "http", status=400, body=at_once, times=-1)
    await world.exchange.fault(ORDERS, "http", status=400, body=refusal, match={"side": "SELL"}, times=-1)
    async with world.running() as consumer:
        await world.publish()
        await consumer.until(lambda: "a person must close" in str(consumer.state["reasons"]))
        await world.exchange.ask("DELETE", "/sandbox/faults")


async def test_twelve_restarts_within_seventy_seconds_bring_no_ban(
    world: LiveWorld, answers: list[tuple[float, int]], weights: list[int]
) -> None:
    async with world.running():
        await world.decision(await world.publish())
    began = time.monotonic()
    for _ in range(12):
        async with world.running():
            await asyncio.sleep(0.5)
    assert time.monotonic() - began < 70
    assert [status for _, status in answers if status in (418, 429)] == []
    assert max(weights) < 1800  # of 2,400, so that a thirteenth could still protect something


@pytest.mark.parametrize("meanwhile", ["a dearer price", "another leverage", "a hand at the symbol"])
async def test_an_entry_that_had_to_wait_is_judged_again_when_it_is_sent(
    world: LiveWorld, meanwhile: str
) -> None:
    await world.exchange.fault(ORDERS, "http", status=503, body=BUSY, match={"quantity": "540"}, times=2)
    mark = await world.mark(SYMBOL)
    async with world.running(claim_idle_ms=500) as consumer:
        entry = await world.publish(entry_price=mark)
        await held_back(consumer)
        if meanwhile == "a dearer price":
            await world.exchange.price(SYMBOL, f"{float(mark) * 1.12:.4f}")
        elif meanwhile == "another leverage":
            await world.exchange.account(leverage={SYMBOL: LEVERAGE + 1})
        else:
            await world.by_hand("BUY", "100")
        decision = await world.decision(entry, within_s=30)
        halts = str(consumer.live.halts.current())
    named = {
        "a dearer price": ("rejected_risk", "RISK_PRICE_COLLAR"),
        "another leverage": ("rejected_risk", "RISK_LEVERAGE"),
        "a hand at the symbol": ("skipped_halted", "HALT_STATE_DIFFERS"),
    }[meanwhile]
    assert (decision["status"], named[1] in decision["reason"]) == (named[0], True), decision["reason"]
    assert ("HALT_STATE_DIFFERS" in halts) == (meanwhile == "a hand at the symbol")
    assert await world.position() == ("100" if meanwhile == "a hand at the symbol" else "0")


async def test_what_a_restart_carries_on_is_judged_again(world: LiveWorld) -> None:
    mark = await world.mark(SYMBOL)
    first = await world.start(failpoint="after_journal_intent")
    entry = await world.publish(entry_price=mark, position_size_usd="950")
    assert await first.died() == -9
    await world.exchange.price(SYMBOL, f"{float(mark) * 1.2:.4f}")
    await world.start()
    decision = await world.decision(entry, 25)
    assert (decision["status"], await world.position()) == ("rejected_risk", "0")
    assert "judged again" in decision["reason"]


def sides_of_our_stops(consumer: RunningService) -> list[str]:
    """Return which way the stops go that the journal has at the exchange."""
    journal = consumer.live.journal
    rows = [row for intent in journal.open_intents() for row in journal.orders(intent.origin_id)]
    return [row.order.side for row in rows if row.leg == STOP and row.state is OrderPhase.ACCEPTED]


async def test_a_position_that_a_person_turned_halts_and_gets_a_stop(world: LiveWorld) -> None:
    async with world.running() as consumer:
        await world.decision(await world.publish())
        held = float(await world.position())
        await world.by_hand("SELL", f"{2 * held:.0f}")
        await halted(consumer, "HALT_STATE_DIFFERS", 10)
        assert f"not in the journal: position -{held:.0f} {SYMBOL}" in str(consumer.live.halts.current())
        await consumer.until(lambda: "BUY" in sides_of_our_stops(consumer))
    stops = [algo for algo in (await world.exchange.ledger())["algo_orders"] if algo["side"] == "BUY"]
    assert [stop["status"] for stop in stops] == ["NEW"]
    assert float(stops[0]["trigger_price"]) > float(await world.mark(SYMBOL))


@pytest.mark.parametrize(
    ("symbol", "says"), [(SYMBOL, "more than was entered, 540"), ("SEIUSDT", "not in the journal")]
)
async def test_a_position_that_a_person_grew_or_opened_halts(
    world: LiveWorld, symbol: str, says: str
) -> None:
    async with world.running() as consumer:
        await world.decision(await world.publish())
        await world.by_hand("BUY", "100", symbol)
        await halted(consumer, "HALT_STATE_DIFFERS", 10)
        assert says in str(consumer.live.halts.current())


@contextmanager
def locked_journal(world: LiveWorld) -> Iterator[None]:
    """Hold the journal's file, as another process may, until the block ends."""
    connection = sqlite3.connect(world.folder / "journal.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


async def test_a_position_that_a_person_closed_halts_within_ten_seconds(world: LiveWorld) -> None:
    async with world.running() as consumer:
        await world.decision(await world.publish())
        await world.by_hand("SELL", "540")
        await halted(consumer, "HALT_STATE_DIFFERS: closed by another hand: 540", 10)


async def test_a_position_that_we_closed_ourselves_halts_nothing(world: LiveWorld) -> None:
    async with world.running() as consumer:
        await world.decision(await world.publish())
        await world.decision(await world.publish(side="CLOSE"))
        await consumer.until(lambda: not consumer.live.journal.open_intents(), 20)
        assert consumer.live.halts.current() is None


async def test_a_journal_that_is_locked_while_idle_is_named_and_ends_nothing(world: LiveWorld) -> None:
    async with world.running() as consumer:
        with locked_journal(world):
            await consumer.until(lambda: "the journal fails" in str(consumer.state.get("reasons")), 5)
            await asyncio.sleep(4)
        await consumer.until(lambda: "the journal fails" not in str(consumer.state.get("reasons")), 10)
        decision = await world.decision(await world.publish())
    assert decision["status"] == "filled"


async def test_a_position_gets_its_stop_while_the_journal_is_locked(world: LiveWorld) -> None:
    await world.exchange.fault(ORDERS, "delay", match={"quantity": "540"}, delay_ms=1500, times=1)
    async with world.running() as consumer:
        entry = await world.publish()
        await consumer.until(lambda: bool(consumer.live.journal.orders(entry)))
        await asyncio.sleep(0.3)
        with locked_journal(world):
            await asyncio.sleep(8)
            ledger = await world.exchange.ledger()
        decision = await world.decision(entry, within_s=20)
    entered_ms = next(order["updated_ms"] for order in ledger["orders"] if order["type"] == "MARKET")
    (stop,) = ledger["algo_orders"]
    assert stop["created_ms"] - entered_ms < 5000
    assert (decision["status"], await world.position()) == ("filled", "540")


async def test_a_journal_whose_file_was_taken_away_stops_entries_and_is_named(world: LiveWorld) -> None:
    async with world.running() as consumer:
        (world.folder / "journal.db").unlink()
        await consumer.until(lambda: "taken away" in str(consumer.state.get("reasons")), 5)
        await world.publish()
        await asyncio.sleep(3)
    assert (await world.decisions(), await world.position()) == ([], "0")


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let every write to the journal hang for as long as the event is not set."""
    works = threading.Event()
    works.set()
    timed = JournalThread._timed

    def hanging(thread: JournalThread, change: Callable[[], Any]) -> Any:
        def late() -> Any:
            works.wait(60)
            return change()

        return timed(thread, late)

    monkeypatch.setattr(JournalThread, "_timed", hanging)
    yield works
    works.set()


async def test_a_position_gets_its_stop_while_the_disk_hangs(
    world: LiveWorld, slow_disk: threading.Event
) -> None:
    await world.exchange.fault(ORDERS, "delay", delay_ms=300, times=1)
    async with world.running() as consumer:
        entry = await world.publish()
        journal = consumer.live.journal
        await consumer.until(lambda: any(row.times_sent for row in journal.orders(entry)))
        slow_disk.clear()
        await world.until(lambda stops: len(stops) == 1, world.stops, within_s=5)
        assert any("slow" in reason for reason in consumer.state["reasons"])
        slow_disk.set()
        assert (await world.decision(entry))["status"] == "filled"
    assert len(await world.stops()) == 1


async def test_nothing_is_entered_while_the_disk_hangs_and_health_names_it(
    world: LiveWorld, slow_disk: threading.Event
) -> None:
    async with world.running() as consumer:
        slow_disk.clear()
        await consumer.until(lambda: "slow" in consumer.state["live"]["journal"], 5)
        entry = await world.publish()
        await asyncio.sleep(2)
        assert (await world.decisions(), await world.position()) == ([], "0")
        slow_disk.set()
        assert (await world.decision(entry, 20))["status"] == "filled"


async def test_targets_that_are_refused_are_told_and_placed_again(world: LiveWorld) -> None:
    body = {"code": -4014, "msg": "Price not increased by tick size."}
    await world.exchange.fault(ORDERS, "http", status=400, body=body, match={"type": "LIMIT"}, times=-1)
    async with world.running() as consumer:
        decision = await world.decision(await world.publish())
        told = decision["reason"]
        assert (decision["status"], told.partition(":")[0]) == ("filled", "TARGETS_REFUSED")
        assert all(f"take profit {number}: Price not increased" in told for number in "123")
        assert "take profit 1" in consumer.state["live"]["refused_targets"][SYMBOL]
        assert consumer.state["live"]["unprotected"] == {}
        await world.exchange.ask("DELETE", "/sandbox/faults")
        await consumer.until(lambda: not consumer.state["live"]["refused_targets"], 12)
    resting = [order for order in (await world.exchange.ledger())["orders"] if order["status"] == "NEW"]
    assert [order["type"] for order in resting] == ["LIMIT"] * 3


async def test_what_a_stop_left_is_closed_within_five_seconds(world: LiveWorld) -> None:
    async with world.running():
        await world.decision(await world.publish())
        await asyncio.sleep(3)  # the watch has seen the position whole
        await world.exchange.account(fill_fraction="0.5")
        await world.exchange.price(SYMBOL, f"{float(await world.mark(SYMBOL)) * 0.97:.4f}")
        await world.exchange.account(fill_fraction="1")
        began = time.monotonic()
        assert await world.position() == "270"
        while await world.position() != "0":
            assert time.monotonic() - began < 5
            await asyncio.sleep(0.1)


async def entries(world: LiveWorld) -> list[str]:
    """Return the client ids of the entries that the exchange has taken."""
    orders = (await world.exchange.ledger())["orders"]
    own = ((order, ids.own(order["client_id"])) for order in orders)
    return [order["client_id"] for order, mine in own if mine and mine.leg == ids.ENTRY]


@pytest.mark.parametrize("closed_by_hand", [True, False])
async def test_a_journal_that_was_lost_is_noticed_and_enters_nothing_twice(
    world: LiveWorld, *, closed_by_hand: bool
) -> None:
    first = await world.start(failpoint="after_entry_reply")
    entry = await world.publish()
    assert await first.died() == -9
    for file in world.folder.glob("journal.db*"):
        file.unlink()
    if closed_by_hand:
        await world.by_hand("SELL", "540")
    await world.start()
    decision = await world.decision(entry, 25)
    assert "HALT_JOURNAL_LOST" in decision["reason"]
    assert len(await entries(world)) == 1
    assert await world.position() == ("0" if closed_by_hand else "540")
    if not closed_by_hand:
        await world.until(lambda stops: len(stops) == 1, world.stops)


@pytest.mark.parametrize(
    ("asset", "amount", "halt"),
    [
        ("BNFCR", "-500.5", "HALT_DAILY_LOSS: 500.5 is above 500"),
        ("BTC", "-0.1", "HALT_DAILY_LOSS"),
        ("NOPRICE", "-0.1", "HALT_INCOME_UNVALUED: income in NOPRICE has no price"),
    ],
)
async def test_a_loss_counts_in_whatever_asset_it_is_booked(
    world: LiveWorld, asset: str, amount: str, halt: str
) -> None:
    booked = {
        "symbol": SYMBOL, "incomeType": "REALIZED_PNL", "income": amount, "asset": asset, "info": "",
        "time": time.time_ns() // 1_000_000, "tranId": 1, "tradeId": "1",
    }  # fmt: skip # a table, or a call that is read as one
    await world.exchange.fault("GET /fapi/v1/income", "http", status=200, body=[booked], times=-1)
    async with world.running():
        decision = await world.decision(await world.publish())
    assert (decision["status"], halt in decision["reason"]) == ("skipped_halted", True), decision["reason"]


async def test_an_entry_that_was_put_off_often_is_no_entry_that_ends_processes(world: LiveWorld) -> None:
    async with world.running(claim_idle_ms=100) as consumer:
        consumer.live.engine.standing.breaker = Breaker(threshold=1000)
        await world.exchange.fault("GET /fapi/v1/premiumIndex", "http", status=502, body="<html>", times=5)
        entry = await world.publish(entry_price="0.3701")
        decision = await world.decision(entry)
        assert consumer.live.state.counters["not_now"] > 3
    assert decision["status"] == "filled"


async def test_refusals_cost_the_exchange_little_and_do_not_hold_up_a_close(
    world: LiveWorld, answers: list[tuple[float, int]]
) -> None:
    async with world.running(duplicate_window_ms=0) as consumer:
        await world.decision(await world.publish())
        began = time.monotonic()
        refused = []
        for _ in range(100):
            refused.append(await world.publish())
            await asyncio.sleep(0.05)
        decisions = [await world.decision(entry) for entry in refused]
        closing = time.monotonic()
        closed = await world.decision(await world.publish(side="CLOSE"), within_s=5)
        took_s = time.monotonic() - began
        asked = len([at for at, _ in answers if began < at < closing])
        assert consumer.live.halts.current() is None
    assert {decision["status"] for decision in decisions} == {"rejected_risk"}
    assert (closed["status"], await world.position()) == ("filled", "0")
    assert 429 not in [status for _, status in answers]
    assert asked < 60  # for a hundred intents; what looks after the account asks about four times a second
    assert took_s < 15
