from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from checks.errors import ChecksError, InvalidEvidenceError
from checks.evidence import bundle as evidence
from checks.judge import judge
from checks.model import Verdict, run_verdict
from tests.support.deploy_run import FINISHED, RUN_ID, baseline, bundle, gathered, junit, switch
from tests.support.incident import IncidentRun, incident

if TYPE_CHECKING:
    from pathlib import Path


def stored(folder: Path, **changes: Any) -> Path:
    path = folder / "evidence.json"
    path.write_text(json.dumps(json.loads(evidence.dump(bundle())) | changes))
    return path


def test_a_sound_deploy_on_the_incidents_stack_passes() -> None:
    assert bundle().verdict is Verdict.PASS


def test_the_incidents_findings_are_in_it_without_gating() -> None:
    notes = {finding.check for finding in bundle().findings if finding.verdict is not Verdict.PASS}
    assert notes == {
        "A.2.stack_containers",
        "A.4.no_ghost_consumers",
        "A.5.no_stranded_pending",
        "C.2.skipped_entries_counted",
    }


def test_a_failing_gating_check_fails_the_run() -> None:
    run = incident()
    run["D:consumer.state"]["mode"] = "live"
    assert bundle(run).verdict is Verdict.FAIL


def test_an_observation_that_is_missing_is_never_a_pass() -> None:
    run = incident()
    del run["E:results.decisions"]
    assert bundle(run).verdict is Verdict.INCONCLUSIVE


def test_a_line_of_the_checklist_that_failed_fails_the_run() -> None:
    assert bundle(checklist=junit(lag_is_zero="failure")).verdict is Verdict.FAIL


def test_a_switch_that_rolled_back_fails_the_run() -> None:
    assert bundle(switch=switch("rolled_back")).verdict is Verdict.FAIL


def test_a_baseline_is_judged_by_phase_a_alone() -> None:
    made = baseline()
    assert {finding.phase for finding in made.findings} == {"A"}
    assert made.verdict is Verdict.PASS
    assert "phase B" in " ".join(unchecked.what for unchecked in made.not_checked)


def test_it_is_bound_to_what_was_looked_at() -> None:
    subject = bundle().subject
    desired = incident().desired
    assert subject.image_id == desired["image"]["id"]
    assert subject.config_digest == desired["config_digest"]
    assert subject.redis_run_id == "r" * 40
    assert subject.finished == FINISHED


def test_it_expires_a_day_after_it_was_gathered() -> None:
    assert bundle().subject.expires == "2025-12-25T16:44:40.000Z"


def test_observations_of_another_run_are_refused() -> None:
    run = incident()
    known = evidence.run(run_id="20251224T164300Z-ffff", kind="deploy", desired=run.desired)
    with pytest.raises(ChecksError, match="not of 20251224T164300Z-ffff"):
        evidence.build(gathered(run), known, judge)


def test_the_same_run_gives_the_same_bytes() -> None:
    assert evidence.dump(bundle()) == evidence.dump(bundle())


def test_its_text_is_canonical() -> None:
    text = evidence.dump(bundle()).decode("ascii")
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")) + "\n"


def test_what_was_written_is_read_again_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    path.write_bytes(evidence.dump(bundle()))
    assert evidence.load(path) == bundle()


def test_it_is_judged_again_from_its_file_with_the_same_result(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    path.write_bytes(evidence.dump(bundle()))
    loaded = evidence.load(path)
    assert evidence.judge_again(loaded, judge) == loaded.findings


def test_judging_again_does_not_depend_on_the_order_of_names(tmp_path: Path) -> None:
    run = incident()
    run["E:results.decisions"] = dict(reversed(run["E:results.decisions"].items()))
    run["B:image.packages"] = {"zope": "1", "typing_extensions": "0", "redis": "0", "alpha": "1"}
    path = tmp_path / "evidence.json"
    path.write_bytes(evidence.dump(bundle(run)))
    loaded = evidence.load(path)
    assert evidence.judge_again(loaded, judge) == loaded.findings


def test_judging_again_finds_what_was_taken_out(tmp_path: Path) -> None:
    kept = [
        observation
        for observation in json.loads(evidence.dump(bundle()))["observations"]
        if observation["id"] != "exchange.orders"
    ]
    loaded = evidence.load(stored(tmp_path, observations=kept))
    assert run_verdict(evidence.judge_again(loaded, judge)) is Verdict.INCONCLUSIVE


def test_a_verdict_that_its_findings_do_not_amount_to_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidEvidenceError, match="amount to pass"):
        evidence.load(stored(tmp_path, verdict="fail"))


def test_a_pass_without_a_finding_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidEvidenceError, match="amount to inconclusive"):
        evidence.load(stored(tmp_path, findings=[]))


def test_an_unknown_field_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidEvidenceError, match="waived"):
        evidence.load(stored(tmp_path, waived=["D.3.settings_are_desired"]))


def test_timings_that_are_no_timings_are_refused() -> None:
    with pytest.raises(ChecksError, match="timings"):
        evidence.run(run_id=RUN_ID, kind="deploy", desired={}, timings=[{"step": "image"}])


def test_without_a_key_for_the_exchange_its_record_is_listed_as_not_checked() -> None:
    run = without_exchange()
    made = bundle(run)
    assert made.verdict is Verdict.PASS
    assert any("exchange" in unchecked.what for unchecked in made.not_checked)


def without_exchange() -> IncidentRun:
    run = incident()
    run.desire(exchange=None)
    del run["E:exchange.orders"]
    return run


def test_a_secret_in_what_was_desired_does_not_reach_the_bundle() -> None:
    run = incident()
    run.desired["settings"] = run.desired["settings"] | {
        "TRADE_INTENT_REDIS_URL": "redis://u:planted@quantum_redis/0"
    }
    assert b"planted" not in evidence.dump(bundle(run))
