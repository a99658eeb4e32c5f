from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.report.findings import FAIL, NOTE, OPEN, PASS
from checks.report.view import View, view
from checks.report.words import NOT_SEEN
from tests.support.deploy_run import baseline, bundle, junit
from tests.support.incident import GROUP, OLD_GROUP

if TYPE_CHECKING:
    from tests.support.incident import IncidentRun


def shown(run: IncidentRun) -> View:
    return view(bundle(run))


def changes(seen: View, of: str) -> dict[str, tuple[str, str]]:
    (section,) = [change for change in seen.changes if change.of == of]
    return {row.what: (row.before, row.after) for row in section.rows}


def criteria(seen: View) -> dict[str, tuple[str, str]]:
    return {criterion.requirement: (criterion.actual, criterion.tone.name) for criterion in seen.criteria}


def test_what_does_not_gate_and_is_no_pass_is_a_note_at_the_top(run: IncidentRun) -> None:
    seen = shown(run)
    assert {finding.tone.name for finding in seen.attention} == {NOTE}
    assert any("34 ghost consumers" in finding.actual for finding in seen.attention)
    assert any("test-consumer" in finding.actual for finding in seen.attention)
    assert any("quantum_nginx" in finding.actual for finding in seen.attention)
    assert any("10,010 entries" in finding.actual for finding in seen.attention)


def test_what_stops_the_run_stands_before_what_does_not(run: IncidentRun) -> None:
    run["D:consumer.state"]["mode"] = "live"
    del run["E:results.decisions"]
    order = [finding.tone.name for finding in shown(run).attention]
    assert order == sorted(order, key=(FAIL, OPEN, NOTE).index)
    assert {FAIL, OPEN, NOTE} == set(order)


def test_a_number_of_one_group_is_never_set_against_another_groups(run: IncidentRun) -> None:
    seen = shown(run)
    assert changes(seen, GROUP)["Pending"] == ("no such group", "0")
    assert changes(seen, OLD_GROUP)["Pending"] == ("1", "1")
    assert changes(seen, OLD_GROUP)["Ghost consumers"] == ("34", "34")


def test_a_lag_that_redis_does_not_know_is_not_zero(run: IncidentRun) -> None:
    assert changes(shown(run), OLD_GROUP)["Lag, as Redis reports it"] == (
        "unknown to Redis",
        "unknown to Redis",
    )


def test_what_was_not_seen_is_never_shown_as_a_number(run: IncidentRun) -> None:
    for ref in ("E:redis.groups", "E:results.decisions", "E:exchange.orders", "E:container.stats"):
        del run[ref]
    seen = shown(run)
    assert {after for _, after in changes(seen, GROUP).values()} == {"not seen"}
    assert seen.headlines[0].value == "not seen"
    assert dict(seen.performance)["memory"] == "not seen"


def test_a_run_in_which_nothing_was_seen_can_still_be_read(run: IncidentRun) -> None:
    for ref in list(run.values):
        del run[ref]
    seen = shown(run)
    assert seen.tone.name == OPEN
    assert {value.value for value in seen.headlines} == {"not seen"}


def test_entries_decided_twice_do_not_count_as_decided_once(run: IncidentRun) -> None:
    decisions = run["E:results.decisions"]
    first = next(iter(decisions))
    decisions[first] = [*decisions[first], *decisions[first]]
    assert shown(run).headlines[0].value == f"{len(decisions) - 1} / {len(decisions)}"


def test_the_pipeline_counts_what_came_how_far(run: IncidentRun) -> None:
    stages = shown(run).pipeline.stages
    total = str(len(run["E:results.decisions"]))
    assert [stage.count for stage in stages] == [total] * 4


def test_an_entry_that_is_still_pending_is_read_and_not_acknowledged(run: IncidentRun) -> None:
    last = list(run["E:results.decisions"])[-1]
    del run["E:results.decisions"][last]
    run["E:stream.entries_since_cutover"]["group"]["pending_ids"] = [last]
    counts = [int(stage.count) for stage in shown(run).pipeline.stages]
    assert counts == [counts[0], counts[0], counts[0] - 1, counts[0] - 1]


def test_an_order_on_the_exchange_is_counted_in_the_headline(run: IncidentRun) -> None:
    run["E:exchange.orders"]["orders"] = [{"orderId": 1, "symbol": "NEARUSDT"}]
    assert shown(run).headlines[1].value == "1"


def test_a_position_of_zero_is_no_position(run: IncidentRun) -> None:
    run["E:exchange.orders"]["positions"] = [{"symbol": "NEARUSDT", "positionAmt": "0.0"}]
    assert shown(run).headlines[1].value == "0"


def test_a_sound_run_meets_every_criterion(run: IncidentRun) -> None:
    assert {tone for _, tone in criteria(shown(run)).values()} == {PASS}


def test_a_criterion_is_met_only_as_far_as_its_checks_passed(run: IncidentRun) -> None:
    stretch = run["E:stream.entries_since_cutover"]
    stretch["group"]["last_delivered_id"] = stretch["entries"][-3]["id"]
    assert criteria(shown(run))["No backlog"] == ("2", FAIL)


def test_criteria_of_phases_that_did_not_run_are_not_met() -> None:
    seen = view(baseline())
    assert criteria(seen)["No trade"][1] == OPEN
    assert seen.checklist == ()


def test_a_baseline_is_headed_by_what_the_stack_is_like() -> None:
    headlines = {headline.label: headline.value for headline in view(baseline()).headlines}
    assert headlines["ghost consumers"] == "34"
    assert headlines["pending"] == "1"


@pytest.mark.parametrize("outcome", ["failure", "skipped"])
def test_a_line_of_the_checklist_that_did_not_pass_stands_out(outcome: str) -> None:
    seen = view(bundle(checklist=junit(lag_is_zero=outcome)))
    assert [line.id for line in seen.checklist if line.tone.name != PASS] == ["lag_is_zero"]
    assert seen.checklist_score == "26 of 27 passed"


def test_a_failed_run_says_what_to_do_next(run: IncidentRun) -> None:
    run["D:container.inspect"]["published"] = ["0.0.0.0:9108->9108/tcp"]
    seen = shown(run)
    assert seen.next_steps
    assert not any("soak" in step for step in seen.next_steps)


def test_the_steps_that_the_switch_took_stand_below_it(run: IncidentRun) -> None:
    assert [(bar.label, bar.value) for bar in shown(run).timings] == [
        ("prechecks", "3.2 s"),
        ("switch", "11.6 s"),
        ("switch: start_new", "900 ms"),
    ]


def test_a_decision_about_something_that_is_no_entry_leaves_the_report_readable(run: IncidentRun) -> None:
    run["E:results.decisions"]["made up"] = [{"decision_id": "1-0", "fields": {}}]
    assert shown(run).tone.name != PASS


def headline(run: IncidentRun) -> tuple[str, str]:
    first = shown(run).headlines[0]
    return first.value, first.note


def test_a_count_that_is_not_certain_is_not_shown_large(run: IncidentRun) -> None:
    assert headline(run) == ("6 / 6", "entries since the cutover")
    run["E:stream.entries_since_cutover"]["intact"] = False
    assert headline(run)[0] == NOT_SEEN
    assert "not certain" in headline(run)[1]


def test_the_count_says_of_which_entries_it_is(run: IncidentRun) -> None:
    run["E:stream.entries_since_cutover"]["begins_at"] = "closed"
    assert headline(run)[1] == "entries since the last run that passed"
