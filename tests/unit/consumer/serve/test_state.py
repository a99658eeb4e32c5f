"""Health is about progress: what makes a consumer unhealthy, and what does not."""

from __future__ import annotations

import pytest

from consumer.base.settings import Settings
from consumer.serve.metrics import rendered
from consumer.serve.state import ServiceState
from consumer.stream.result_writer import Settled


@pytest.fixture
def state() -> ServiceState:
    """A consumer that makes progress."""
    state = ServiceState(Settings())
    state.clock.offset_ms = 3
    state.turned()
    return state


def test_a_consumer_that_turns_is_healthy(state: ServiceState) -> None:
    assert state.complaints() == []


def test_before_its_first_turn_a_consumer_is_not_healthy() -> None:
    assert any("STARTING" in text for text in ServiceState(Settings()).complaints())


def test_a_loop_that_no_longer_turns_is_not_healthy(state: ServiceState) -> None:
    state._last_turn -= state.patience_s + 1
    assert state.complaints() == ["the loop has not turned for 5 s"]


def test_a_redis_that_no_longer_answers_is_not_healthy(state: ServiceState) -> None:
    state._last_answer -= state.patience_s + 1
    assert state.complaints() == ["Redis has not answered for 5 s"]


@pytest.mark.parametrize(
    ("offset_ms", "is_healthy"), [(5000, True), (-5000, True), (5001, False), (-5001, False)]
)
def test_a_clock_that_is_off_is_not_healthy(state: ServiceState, offset_ms: int, is_healthy: bool) -> None:
    state.clock.offset_ms = offset_ms
    assert (state.complaints() == []) == is_healthy


def test_trouble_passes_with_the_next_turn(state: ServiceState) -> None:
    assert state.troubled("GROUP_MISSING", "no group")
    assert not state.troubled("GROUP_MISSING", "no group")
    assert state.complaints() == ["GROUP_MISSING: no group"]
    state.turned()
    assert state.complaints() == []


def test_a_fault_stays(state: ServiceState) -> None:
    assert state.faults.add("WENT_BACK", "1-0 after 2-0")
    assert not state.faults.add("WENT_BACK", "again")
    state.turned()
    assert state.complaints() == ["WENT_BACK: 1-0 after 2-0"]


def test_a_fault_counts_the_entries_that_it_is_about(state: ServiceState) -> None:
    state.faults.add("WENT_BACK", "given again", ["9-1", "10-0"])
    state.faults.add("WENT_BACK", "given again", ["8-0"])
    assert state.complaints() == ["WENT_BACK: given again (3: 8-0 to 10-0)"]


def test_an_entry_that_waits_is_told_until_it_is_settled(state: ServiceState) -> None:
    state.turned()
    state.held_up(["1-0", "2-0"], [("2-0", "WRONGTYPE it is a string [quantum:dlq]")])
    assert state.complaints() == [
        "KEY_WRONG_TYPE: WRONGTYPE it is a string [quantum:dlq] (1 wait, the first is 2-0)"
    ]
    state.held_up(["2-0"], [])
    assert state.complaints() == []


def test_the_metrics_have_counters_and_problems(state: ServiceState) -> None:
    state.settled(Settled({"skipped_drain": 3}))
    state.troubled("REDIS_OOM", "no memory")
    lines = rendered(state).splitlines()
    assert 'trade_intent_decisions_total{status="skipped_drain"} 3' in lines
    assert 'trade_intent_problem{code="REDIS_OOM"} 1' in lines
    assert {"trade_intent_healthy 0", "trade_intent_halted 0", "trade_intent_read_total 0"} <= {*lines}


def test_batches_are_counted(state: ServiceState) -> None:
    state.settled(Settled({"skipped_drain": 3, "invalid": 1}, ["3-0", "4-0"], 1, [("1-0", "INVALID_JSON:x")]))
    wanted = {"skipped_drain": 3, "invalid": 1, "settle_lost": 2, "put_off": 1, "dead_lettered": 1}
    assert {name: state.counters[name] for name in wanted} == wanted
