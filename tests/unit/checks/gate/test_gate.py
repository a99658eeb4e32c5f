from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from checks import gate
from checks.evidence import bundle as evidence
from checks.evidence.clock import parse_time
from checks.evidence.later_runs import LaterRun
from checks.evidence.signature import Signature
from checks.judge import judge
from tests.support.deploy_run import FINISHED, baseline, bundle, junit
from tests.support.incident import CONFIG_DIGEST, IMAGE, IncidentRun, incident

SIGNED = Signature("trade-intent-controller", None)
RUNS = {"image_id": IMAGE, "config_digest": CONFIG_DIGEST}


def asked(
    made: evidence.Bundle,
    *,
    signed: Signature = SIGNED,
    after_s: float = 60,
    max_age_s: float = 3_600,
    later: tuple[LaterRun, ...] = (),
    **expect: str,
) -> list[str]:
    """Give the codes of the refusals."""
    now = parse_time(FINISHED) + timedelta(seconds=after_s)
    question = gate.Question(now, timedelta(seconds=max_age_s), RUNS | expect, later)
    return [
        refusal.code for refusal in gate.refusals(made, signed, evidence.judge_again(made, judge), question)
    ]


def without(ref: str) -> IncidentRun:
    run = incident()
    del run[ref]
    return run


def test_a_signed_fresh_pass_about_what_runs_opens_the_gate() -> None:
    assert asked(bundle()) == []


def test_a_fail_does_not() -> None:
    assert "not_a_pass" in asked(bundle(checklist=junit(lag_is_zero="failure")))


def test_an_inconclusive_run_does_not() -> None:
    assert "not_a_pass" in asked(bundle(without("E:results.decisions")))


def test_evidence_that_nobody_signed_does_not() -> None:
    assert asked(bundle(), signed=Signature(None, "evidence.json.sig does not exist.")) == ["not_signed"]


@pytest.mark.parametrize("verdict", ["fail", "inconclusive", "unreadable"])
def test_a_pass_that_was_followed_by_anything_but_a_pass_does_not(verdict: str) -> None:
    later = (LaterRun("r2", "pass", "the log"), LaterRun("r3", verdict, "the log"))
    assert asked(bundle(), later=later) == ["revoked"]


def test_a_pass_that_was_followed_by_passes_does() -> None:
    assert asked(bundle(), later=(LaterRun("r2", "pass", "the log"),)) == []


def test_an_accounting_that_gave_entries_up_does_not() -> None:
    run = incident()
    run["E:stream.entries_since_cutover"]["begins_at"] = "trimmed"
    assert asked(bundle(run)) == ["given_up"]


def test_evidence_that_is_too_old_does_not() -> None:
    assert asked(bundle(), after_s=3_601) == ["too_old"]


def test_evidence_that_expired_does_not_however_old_it_may_be() -> None:
    assert asked(bundle(), after_s=86_400, max_age_s=1e9) == ["expired"]


def test_evidence_from_the_future_does_not() -> None:
    assert asked(bundle(), after_s=-6) == ["from_the_future"]


@pytest.mark.parametrize("name", ["image_id", "config_digest", "host", "code_digest"])
def test_evidence_about_something_else_does_not(name: str) -> None:
    assert asked(bundle(), **{name: "another"}) == ["other_subject"]


def test_a_question_that_does_not_say_what_runs_is_answered_no() -> None:
    question = gate.Question(parse_time(FINISHED), timedelta(hours=1), {})
    made = bundle()
    refused = gate.refusals(made, SIGNED, made.findings, question)
    assert [refusal.code for refusal in refused] == ["not_asked", "not_asked"]


def test_a_binding_that_evidence_does_not_have_is_not_met() -> None:
    assert asked(bundle(), colour="green") == ["unknown_binding"]


def test_findings_that_the_observations_do_not_bear_out_do_not_open_it() -> None:
    made = bundle()
    prettier = [replace(finding, actual="all is well") for finding in made.findings]
    assert asked(made.model_copy(update={"findings": tuple(prettier)})) == ["judged_differently"]


def test_a_pass_from_which_a_check_vanished_is_not_the_whole_proof() -> None:
    made = bundle()
    fewer = tuple(finding for finding in made.findings if finding.check != "E.2.accounted_once")
    assert "not_whole" in asked(made.model_copy(update={"findings": fewer}))


def test_a_pass_without_the_exchanges_own_record_is_not_the_whole_proof() -> None:
    run = without("E:exchange.orders")
    run.desire(exchange=None)
    made = bundle(run)
    assert made.verdict == "pass"
    assert asked(made) == ["not_whole"]


def test_a_baseline_proves_nothing() -> None:
    assert "baseline" in asked(baseline())


def test_every_refusal_says_what_would_open_the_gate() -> None:
    made = bundle(checklist=junit(lag_is_zero="failure"))
    question = gate.Question(parse_time("2027-01-01"), timedelta(hours=1), {"image_id": "another"})
    refused = gate.refusals(made, Signature(None, "no"), made.findings, question)
    assert len(refused) > 4
    assert all(refusal.remedy for refusal in refused)
