from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING

import pytest

from consumer.live.journal import (
    BodyChangedError,
    IntentFinishedError,
    JournalError,
    OrderChangedError,
    OrderPhase,
    OrderStateError,
)
from consumer.live.journal.lease import Lease, LeaseLostError
from consumer.live.journal.rows import DOUBTFUL

if TYPE_CHECKING:
    from consumer.live.journal import Journal, OrderRow

S = OrderPhase


def intent(journal: Journal, origin_id: str, symbol: str = "BTCUSDT", direction: str = "long") -> None:
    journal.begin_intent(origin_id, "body", origin_id, symbol, direction, "{}", 1, "promotion")


def lease(journal: Journal) -> int:
    """Hold a lease that never ends, and return its token."""
    held = Lease(journal.store, "me", lease_ms=10**9, recv_window_ms=0)
    held.acquire(0)
    return held.check(0)


def order(journal: Journal, client_id: str = "entry") -> OrderRow:
    row = journal.order(client_id)
    assert row
    return row


class TestIntents:
    def test_a_new_intent_is_written_as_it_is(self, journal: Journal) -> None:
        row = journal.begin_intent(
            "1766602892766-5", "b0d1", "1766602899999-0", "BTCUSDT", "long", "{}", 7, "n"
        )
        assert row._asdict() == {
            "origin_id": "1766602892766-5",
            "body_sha256": "b0d1",
            "entry_id": "1766602899999-0",
            "origin_ms": 1766602892766,
            "symbol": "BTCUSDT",
            "direction": "long",
            "promotion": "n",
            "plan": "{}",
            "created_ms": 7,
            "outcome": None,
            "amendment": None,
            "settled": False,
            "closed_ms": None,
        }
        assert journal.intent("1766602892766-5") == row

    def test_an_intent_that_was_never_begun_is_none(self, journal: Journal) -> None:
        assert journal.intent("1-0") is None

    def test_an_intent_that_comes_again_stays_as_it_was(self, begun: Journal) -> None:
        again = begun.begin_intent("100-0", "body", "999-0", "BTCUSDT", "long", '{"other":1}', 999)
        assert (again.entry_id, again.plan, again.created_ms) == ("100-0", "{}", 100)

    def test_the_same_id_with_another_body_is_refused_and_nothing_is_changed(self, begun: Journal) -> None:
        before = begun.intent("100-0")
        with pytest.raises(BodyChangedError, match="100-0 was journaled with body body"):
            begun.begin_intent("100-0", "another", "100-0", "BTCUSDT", "long", "{}", 100)
        assert begun.intent("100-0") == before

    def test_an_id_that_is_none_is_not_journaled(self, journal: Journal) -> None:
        with pytest.raises(ValueError, match="no-id"):
            journal.begin_intent("no-id", "body", "1-0", "BTCUSDT", "long", "{}", 1)

    def test_an_outcome_is_kept(self, begun: Journal) -> None:
        begun.finish_intent("100-0", '{"status":"filled"}')
        row = begun.intent("100-0")
        assert row
        assert row.is_finished
        assert row.outcome == '{"status":"filled"}'

    def test_an_intent_without_an_outcome_is_not_finished(self, begun: Journal) -> None:
        row = begun.intent("100-0")
        assert row
        assert not row.is_finished

    def test_the_same_outcome_again_is_fine(self, begun: Journal) -> None:
        begun.finish_intent("100-0", "{}")
        begun.finish_intent("100-0", "{}")

    def test_a_second_outcome_is_refused(self, begun: Journal) -> None:
        begun.finish_intent("100-0", "{}")
        with pytest.raises(IntentFinishedError):
            begun.finish_intent("100-0", '{"status":"failed"}')
        row = begun.intent("100-0")
        assert row
        assert row.outcome == "{}"

    def test_what_was_never_begun_cannot_be_finished(self, journal: Journal) -> None:
        with pytest.raises(IntentFinishedError):
            journal.finish_intent("1-0", "{}")

    @pytest.mark.parametrize("step", ["settle", "amend", "close"])
    def test_what_is_not_finished_cannot_be_settled_amended_or_closed(
        self, begun: Journal, step: str
    ) -> None:
        steps = {
            "settle": lambda: begun.mark_settled("100-0"),
            "amend": lambda: begun.amend_intent("100-0", "{}"),
            "close": lambda: begun.close_intent("100-0", 1),
        }
        with pytest.raises(IntentFinishedError):
            steps[step]()

    def test_what_became_known_later_stands_beside_the_outcome(self, begun: Journal) -> None:
        begun.finish_intent("100-0", '"unknown"')
        begun.amend_intent("100-0", '"filled"')
        row = begun.intent("100-0")
        assert row
        assert (row.outcome, row.amendment) == ('"unknown"', '"filled"')

    def test_intents_pass_from_unresolved_over_unsettled_to_closed(self, begun: Journal) -> None:
        def lists() -> tuple[int, int, int]:
            return len(begun.unresolved()), len(begun.unsettled()), len(begun.open_intents())

        seen = [lists()]
        begun.finish_intent("100-0", "{}")
        seen.append(lists())
        begun.mark_settled("100-0")
        seen.append(lists())
        begun.close_intent("100-0", 5)
        seen.append(lists())
        assert seen == [(1, 0, 1), (0, 1, 1), (0, 0, 1), (0, 0, 0)]

    def test_the_oldest_comes_first(self, journal: Journal) -> None:
        for origin_id in ("9-0", "100-0", "20-0"):
            intent(journal, origin_id)
        assert [row.origin_id for row in journal.unresolved()] == ["9-0", "20-0", "100-0"]


class TestTwins:
    @pytest.fixture
    def journal(self, journal: Journal) -> Journal:
        intent(journal, "1000-0")
        return journal

    @pytest.mark.parametrize(("origin_ms", "others"), [
        (900, ["1000-0"]), (899, []), (1100, ["1000-0"]), (1101, []), (1000, ["1000-0"]),
    ])  # fmt: skip # a table, or a call that is read as one
    def test_a_twin_lies_at_most_a_window_apart(
        self, journal: Journal, origin_ms: int, others: list[str]
    ) -> None:
        assert journal.twins("BTCUSDT", "long", origin_ms, 100) == others

    def test_another_symbol_is_no_twin(self, journal: Journal) -> None:
        assert journal.twins("ETHUSDT", "long", 1000, 100) == []

    def test_another_direction_is_no_twin(self, journal: Journal) -> None:
        assert journal.twins("BTCUSDT", "short", 1000, 100) == []

    def test_an_intent_is_not_its_own_twin(self, journal: Journal) -> None:
        assert journal.twins("BTCUSDT", "long", 1000, 100, "1000-0") == []


class TestOrders:
    def test_a_new_order_is_written_as_it_is(self, prepared: Journal) -> None:
        assert order(prepared)._asdict() == {
            "client_id": "entry",
            "origin_id": "100-0",
            "leg": "e",
            "attempt": 0,
            "kind": "order",
            "request": '{"quantity":"1"}',
            "state": S.PREPARED,
            "prepared_ms": 101,
            "changed_ms": 101,
            "sent_at_ms": None,
            "times_sent": 0,
            "last_asked_ms": None,
            "fencing": None,
            "exchange_id": None,
            "executed": None,
            "average_price": None,
            "detail": None,
        }

    def test_an_order_without_an_intent_is_refused(self, journal: Journal) -> None:
        with pytest.raises(JournalError, match="FOREIGN KEY"):
            journal.prepare_order("entry", "1-0", "e", 0, "order", "{}", 1)

    def test_an_order_that_is_prepared_again_stays_as_it_was(self, prepared: Journal) -> None:
        again = prepared.prepare_order("entry", "100-0", "e", 0, "order", '{"quantity":"1"}', 999)
        assert again.prepared_ms == 101

    @pytest.mark.parametrize(
        ("origin_id", "kind", "request_"),
        [
            ("200-0", "order", '{"quantity":"1"}'),
            ("100-0", "algo", '{"quantity":"1"}'),
            ("100-0", "order", "{}"),
        ],
    )
    def test_the_same_id_for_another_request_is_refused(
        self, prepared: Journal, origin_id: str, kind: str, request_: str
    ) -> None:
        with pytest.raises(OrderChangedError):
            prepared.prepare_order("entry", origin_id, "e", 0, kind, request_, 101)  # type: ignore[arg-type]  # either kind
        assert order(prepared).request == '{"quantity":"1"}'

    def test_an_order_is_sent_under_the_lease(self, prepared: Journal) -> None:
        token = lease(prepared)
        prepared.mark_sent("entry", 105, token)
        row = order(prepared)
        assert (row.state, row.sent_at_ms, row.times_sent, row.fencing, row.changed_ms) == (
            S.SENT, 105, 1, token, 105,
        )  # fmt: skip # a table, or a call that is read as one

    @pytest.mark.parametrize("fencing", [None, 0, 99])
    def test_an_entry_is_not_sent_without_the_lease(self, prepared: Journal, fencing: int | None) -> None:
        lease(prepared)
        with pytest.raises(LeaseLostError):
            prepared.mark_sent("entry", 105, fencing)
        assert order(prepared).state is S.PREPARED

    def test_an_entry_is_not_sent_while_nobody_holds_the_lease(self, prepared: Journal) -> None:
        with pytest.raises(LeaseLostError, match="nobody holds the lease"):
            prepared.mark_sent("entry", 105, 1)

    def test_an_entry_is_not_sent_while_a_predecessors_may_still_arrive(self, prepared: Journal) -> None:
        Lease(prepared.store, "before").acquire(0)
        held = Lease(prepared.store, "after")
        held.acquire(10_999)
        with pytest.raises(LeaseLostError, match="for 1 ms"):
            prepared.mark_sent("entry", 10_999, held.check(10_999))
        prepared.mark_sent("entry", 11_000, held.check(11_000))

    @pytest.mark.parametrize("leg", ["s", "1", "2", "3", "x"])
    def test_whatever_makes_a_position_safer_needs_no_lease(self, begun: Journal, leg: str) -> None:
        begun.prepare_order("exit", "100-0", leg, 0, "algo", "{}", 101)
        begun.mark_sent("exit", 105, None)
        assert order(begun, "exit").state is S.SENT

    def test_nothing_is_sent_twice(self, prepared: Journal) -> None:
        token = lease(prepared)
        prepared.mark_sent("entry", 105, token)
        with pytest.raises(OrderStateError, match="entry is SENT and cannot become SENT"):
            prepared.mark_sent("entry", 106, token)

    def test_what_certainly_was_not_sent_may_be_sent_again(self, prepared: Journal) -> None:
        token = lease(prepared)
        prepared.mark_sent("entry", 105, token)
        prepared.record("entry", "PREPARED", 106, detail="no connection")
        prepared.mark_sent("entry", 107, token)
        row = order(prepared)
        assert (row.times_sent, row.sent_at_ms, row.detail) == (2, 107, "no connection")

    def test_what_is_known_of_an_earlier_sending_is_not_written_over_a_later_one(
        self, prepared: Journal
    ) -> None:
        token = lease(prepared)
        first = prepared.mark_sent("entry", 105, token)
        prepared.record("entry", S.PREPARED, 106, times_sent=first.times_sent)
        second = prepared.mark_sent("entry", 107, token)
        with pytest.raises(OrderStateError, match="entry is SENT, sent 2 times, and cannot become PREPARED"):
            prepared.record("entry", S.PREPARED, 108, times_sent=first.times_sent)
        assert order(prepared) == second

    def test_an_order_that_was_never_prepared_is_not_sent(self, journal: Journal) -> None:
        with pytest.raises(OrderStateError, match="not journaled"):
            journal.mark_sent("entry", 1, None)

    def test_what_became_of_an_order_is_added_to_what_is_known(self, prepared: Journal) -> None:
        prepared.mark_sent("entry", 105, lease(prepared))
        prepared.record("entry", S.ACCEPTED, 106, exchange_id="77", executed=Decimal("1E-7"))
        prepared.record("entry", S.FILLED, 107, average_price=Decimal("100.50"), detail="done")
        row = order(prepared)
        assert (row.state, row.exchange_id, row.executed, row.average_price, row.detail, row.changed_ms) == (
            S.FILLED, "77", Decimal("0.0000001"), Decimal("100.50"), "done", 107,
        )  # fmt: skip # a table, or a call that is read as one

    def test_a_state_that_there_is_not_is_refused(self, prepared: Journal) -> None:
        with pytest.raises(ValueError, match="ODD"):
            prepared.record("entry", "ODD", 1)

    def test_when_the_exchange_was_asked_is_kept(self, prepared: Journal) -> None:
        prepared.asked("entry", 500)
        assert order(prepared).last_asked_ms == 500

    def test_the_exchange_is_not_asked_about_what_was_never_prepared(self, journal: Journal) -> None:
        with pytest.raises(OrderStateError):
            journal.asked("entry", 1)

    def test_an_intents_orders_come_in_the_order_in_which_they_were_prepared(self, prepared: Journal) -> None:
        prepared.prepare_order("stop", "100-0", "s", 0, "algo", "{}", 102)
        prepared.prepare_order("another", "100-0", "s", 1, "algo", "{}", 102)
        assert [row.client_id for row in prepared.orders("100-0")] == ["entry", "stop", "another"]
        assert prepared.orders("200-0") == []


#: From left to right: what may follow. Written out here once more, so that the table in the code is compared.
ENDS = {S.FILLED, S.CANCELED, S.EXPIRED, S.REFUSED, S.GONE}
ANSWERS = {S.ACCEPTED, S.FILLED, S.CANCELED, S.EXPIRED}
FOLLOWS: dict[OrderPhase, set[OrderPhase]] = {
    S.PREPARED: {S.SENT, S.GONE},
    S.SENT: {S.PREPARED, S.UNKNOWN} | ANSWERS | ENDS,
    S.UNKNOWN: {S.PREPARED, S.UNKNOWN} | ANSWERS | ENDS,
    S.ACCEPTED: {S.ACCEPTED, S.FILLED, S.CANCELED, S.EXPIRED, S.GONE},
    S.FILLED: {S.FILLED},
    S.CANCELED: {S.CANCELED, S.FILLED},
    S.EXPIRED: {S.EXPIRED, S.FILLED},
    S.REFUSED: {S.REFUSED} | ANSWERS,
    S.GONE: {S.GONE} | ANSWERS,
}
#: How to bring an order from PREPARED into a state.
WAYS: dict[OrderPhase, list[OrderPhase]] = {S.PREPARED: [], S.SENT: [S.SENT]} | {
    state: [S.SENT, state] for state in OrderPhase if state not in (S.PREPARED, S.SENT)
}


@pytest.mark.parametrize(("before", "after"), list(product(OrderPhase, OrderPhase)))
def test_an_order_takes_the_steps_that_there_are_and_no_other(
    begun: Journal, before: OrderPhase, after: OrderPhase
) -> None:
    begun.prepare_order("exit", "100-0", "x", 0, "order", "{}", 101)
    for state in WAYS[before]:
        begun.record("exit", state, 102)
    if after in FOLLOWS[before]:
        begun.record("exit", after, 103)
        assert order(begun, "exit").state is after
    else:
        with pytest.raises(OrderStateError):
            begun.record("exit", after, 103)
        assert order(begun, "exit").state is before


@pytest.mark.parametrize("state", OrderPhase)
def test_a_state_is_an_end_or_something_is_still_expected(begun: Journal, state: OrderPhase) -> None:
    begun.prepare_order("exit", "100-0", "x", 0, "order", "{}", 101)
    for step in WAYS[state]:
        begun.record("exit", step, 102)
    assert order(begun, "exit").state is state
    assert (state in DOUBTFUL) == (state in {S.SENT, S.UNKNOWN})
    assert state.is_end == (state in ENDS)


class TestCounts:
    @pytest.mark.parametrize("state", OrderPhase)
    def test_an_entry_counts_unless_it_certainly_never_was(
        self, prepared: Journal, state: OrderPhase
    ) -> None:
        if state is not S.PREPARED:
            prepared.mark_sent("entry", 105, lease(prepared))
            if state is not S.SENT:
                prepared.record("entry", state, 106)
        counts = int(state not in {S.PREPARED, S.GONE, S.REFUSED})
        assert prepared.entries_sent("promotion") == counts
        assert prepared.executions("BTCUSDT", 105) == counts

    def test_entries_are_counted_by_promotion(self, prepared: Journal) -> None:
        prepared.mark_sent("entry", 105, lease(prepared))
        assert prepared.entries_sent("another") == 0

    def test_executions_are_counted_by_symbol_from_a_time_on(self, prepared: Journal) -> None:
        prepared.mark_sent("entry", 105, lease(prepared))
        assert prepared.executions("ETHUSDT", 0) == 0
        assert prepared.executions("BTCUSDT", 106) == 0

    def test_a_stop_is_no_entry_but_an_order(self, begun: Journal) -> None:
        begun.prepare_order("stop", "100-0", "s", 0, "algo", "{}", 101)
        begun.mark_sent("stop", 105, None)
        assert begun.entries_sent("promotion") == 0
        assert begun.executions("BTCUSDT", 0) == 0
        assert begun.orders_sent(105) == 1
        assert begun.orders_sent(106) == 0


class TestHalts:
    def test_a_new_journal_is_not_halted(self, journal: Journal) -> None:
        assert journal.halt() is None

    def test_the_oldest_halt_is_the_one_in_force(self, journal: Journal) -> None:
        journal.set_halt("HALT_A", "a", 1)
        journal.set_halt("HALT_B", "b", 2)
        assert journal.halt() == (1, "HALT_A", "a", 1)
        assert [halt.code for halt in journal.halts()] == ["HALT_A", "HALT_B"]

    def test_a_halt_that_is_in_force_stays_as_it_is(self, journal: Journal) -> None:
        journal.set_halt("HALT_A", "first", 1)
        journal.set_halt("HALT_A", "second", 2)
        assert journal.halts() == [(1, "HALT_A", "first", 1)]

    def test_lifting_lifts_them_all(self, journal: Journal) -> None:
        journal.set_halt("HALT_A", "a", 1)
        journal.set_halt("HALT_B", "b", 2)
        journal.lift_halt("looked at it", 3)
        assert journal.halts() == []

    def test_a_halt_can_be_set_again_after_it_was_lifted(self, journal: Journal) -> None:
        journal.set_halt("HALT_A", "a", 1)
        journal.lift_halt("looked at it", 2)
        journal.set_halt("HALT_A", "again", 3)
        assert journal.halt() == (2, "HALT_A", "again", 3)

    def test_who_lifted_a_halt_and_why_is_kept(self, journal: Journal) -> None:
        journal.set_halt("HALT_A", "a", 1)
        journal.lift_halt("looked at it", 2)
        journal.lift_halt("once more", 3)
        with journal.store.reading() as statements:
            row = statements.execute("SELECT lifted_ms, lifted_because FROM halts", {}).fetchone()
        assert row == (2, "looked at it")


class TestMeta:
    def test_what_was_never_noted_is_none(self, journal: Journal) -> None:
        assert journal.meta("redis_run_id") is None

    def test_the_latest_value_counts(self, journal: Journal) -> None:
        journal.set_meta("redis_run_id", "a")
        journal.set_meta("redis_run_id", "b")
        assert journal.meta("redis_run_id") == "b"

    def test_a_new_journal_has_settled_nothing(self, journal: Journal) -> None:
        assert journal.highest_settled() == (0, 0)

    def test_the_highest_settled_id_only_rises(self, journal: Journal) -> None:
        for entry_id in ("9-0", "100-2", "100-1", "20-0"):
            journal.note_settled(entry_id)
        assert journal.highest_settled() == (100, 2)
