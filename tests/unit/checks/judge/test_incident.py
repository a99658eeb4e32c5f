"""On the incident's stack a sound consumer passes, and the report still says what is wrong around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.judge import all_checks
from checks.model import Verdict, run_verdict
from tests.support.incident import not_passed

if TYPE_CHECKING:
    from tests.support.incident import IncidentRun


def test_a_sound_consumer_on_the_incidents_stack_passes(run: IncidentRun) -> None:
    assert run_verdict(run.judged().values()) is Verdict.PASS


def test_the_incidents_findings_are_stated_without_gating(run: IncidentRun) -> None:
    findings = run.judged()

    stated = {id_: findings[id_].actual for id_ in not_passed(findings)}

    assert stated.keys() == {
        "A.2.stack_containers",
        "A.4.no_ghost_consumers",
        "A.5.no_stranded_pending",
        "C.2.skipped_entries_counted",
    }
    assert stated["A.2.stack_containers"] == "quantum_nginx is unhealthy"
    assert stated["A.4.no_ghost_consumers"].startswith("34 ghost consumers in quantum:group:execution")
    assert "test-consumer" in stated["A.5.no_stranded_pending"]
    assert stated["C.2.skipped_entries_counted"].startswith(
        "10,010 entries (1766500000000-0 to 1766594572014-0)"
    )


def test_a_stack_without_remains_passes_every_check(spotless: IncidentRun) -> None:
    assert not_passed(spotless.judged()) == set()


def test_a_run_has_one_finding_for_each_check_of_its_phases(run: IncidentRun) -> None:
    assert list(run.judged()) == [check.id for check in all_checks()]


def test_the_same_observations_give_the_same_findings(run: IncidentRun) -> None:
    assert run.judged() == run.judged()


def test_without_an_exchange_its_record_is_not_checked_and_does_not_gate(run: IncidentRun) -> None:
    run.desired["exchange"] = None
    del run["E:exchange.orders"]

    finding = run.judged()["E.4.exchange_shows_no_order"]

    assert (finding.verdict, finding.gates) == (Verdict.INCONCLUSIVE, False)
    assert finding.actual == "not checked: no exchange was desired"


def test_an_exchange_that_was_desired_and_not_asked_gates(run: IncidentRun) -> None:
    del run["E:exchange.orders"]

    finding = run.judged()["E.4.exchange_shows_no_order"]

    assert (finding.verdict, finding.gates) == (Verdict.INCONCLUSIVE, True)


def test_an_order_from_before_the_cutover_is_not_the_consumers(run: IncidentRun) -> None:
    run["E:exchange.orders"]["orders"].append({"symbol": "NEARUSDT", "orderId": 1, "time": 1_766_500_000_000})

    assert run.judged()["E.4.exchange_shows_no_order"].verdict is Verdict.PASS


def test_without_a_real_entry_the_real_ones_are_not_checked(run: IncidentRun) -> None:
    run["E:stream.entries_since_cutover"]["entries"] = run["E:stream.entries_since_cutover"]["entries"][3:]

    findings = run.judged()

    assert findings["E.1.real_entries_decoded"].verdict is Verdict.INCONCLUSIVE
    assert not findings["E.1.real_entries_decoded"].gates
    assert findings["E.1.real_shapes_seen"].verdict is Verdict.INCONCLUSIVE


def test_a_trimmed_stretch_is_inconclusive(run: IncidentRun) -> None:
    run["E:stream.entries_since_cutover"]["intact"] = False

    finding = run.judged()["E.2.accounted_once"]

    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "trimmed" in finding.actual


def test_one_sample_is_no_window(run: IncidentRun) -> None:
    del run["E:container.window"][1:]

    assert run.judged()["E.5.no_restarts"].verdict is Verdict.INCONCLUSIVE


def test_a_shape_that_was_not_rehearsed_is_inconclusive(run: IncidentRun) -> None:
    run["B:image.rehearsal"]["cases"].pop()

    assert (
        run.judged()["B.2.rehearsal_decodes_every_shape"].actual == "no entry in the shape flat was rehearsed"
    )


def test_what_was_desired_stands_in_the_finding(run: IncidentRun) -> None:
    assert run.judged()["B.3.network_found"].expected.startswith("network quantum_trader_quantum_trader with")


def test_a_refusal_is_told_in_the_programs_own_words(run: IncidentRun) -> None:
    tried = run["B:image.refusals"][0]
    tried["stdout_tail"] = (
        '{"event": "refused", "reason": "Live needs a promotion record.", "level": "error"}'
    )

    finding = run.judged()["B.2.refuses_live"]

    assert finding.actual == "exit code 1 in 0.4 s: refused: Live needs a promotion record."


def test_what_was_expected_is_said_even_if_it_could_not_be_seen(run: IncidentRun) -> None:
    del run["D:container.inspect"]

    assert run.judged()["D.2.on_the_right_network"].expected == "quantum_trader_quantum_trader"


def test_something_missing_from_what_was_desired_is_inconclusive(run: IncidentRun) -> None:
    del run.desired["network"]

    assert run.judged()["B.3.network_found"].verdict is Verdict.INCONCLUSIVE


def test_entries_pending_at_the_cutover_may_be_skipped_later(run: IncidentRun) -> None:
    skipped = {"intent_id": "1766500000000-0", "status": "skipped_before_cutover", "reason": "BEFORE_CUTOVER"}
    run["C:cutover.record"]["pending_before"]["count"] = 1
    run["C:redis.results_before_cutover"]["decisions"] = [skipped]

    assert run.judged()["C.3.nothing_before_cutover_decided"].verdict is Verdict.PASS


def test_decisions_from_before_a_second_cutover_stand(run: IncidentRun) -> None:
    decided = {"intent_id": "1766500000000-0", "status": "skipped_drain", "reason": "DRAIN"}
    run["C:cutover.record"]["old_position"] = {"last_delivered_id": "1766500000001-0"}
    run["C:redis.results_before_cutover"]["decisions"] = [decided]

    assert run.judged()["C.3.nothing_before_cutover_decided"].verdict is Verdict.PASS


def test_more_skipped_entries_than_can_be_counted_are_stated(run: IncidentRun) -> None:
    run["C:cutover.record"]["skipped"]["count"] = None

    assert run.judged()["C.2.skipped_entries_counted"].verdict is Verdict.FAIL
