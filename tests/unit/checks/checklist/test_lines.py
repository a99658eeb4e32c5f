from __future__ import annotations

import re
from pathlib import Path

import pytest

from checks.checklist import (
    CHECKLIST,
    ChecklistUnreadableError,
    LineOutcome,
    findings,
    in_words,
    nothing_ran,
    read_junit,
)
from checks.model import Verdict, run_verdict
from tests.support.deploy_run import junit


def verdicts(text: str) -> dict[str, Verdict]:
    return {finding.check: finding.verdict for finding in findings(read_junit(text))}


def test_a_checklist_that_passed_whole_passes() -> None:
    assert run_verdict(findings(read_junit(junit()))) is Verdict.PASS


def test_every_line_gates() -> None:
    assert all(finding.gates for finding in findings(read_junit(junit())))


@pytest.mark.parametrize("outcome", ["failure", "error", "skipped"])
def test_a_line_that_did_not_pass_fails_the_run(outcome: str) -> None:
    judged = verdicts(junit(lag_is_zero=outcome))
    assert [check for check, verdict in judged.items() if verdict is not Verdict.PASS] == ["L.lag_is_zero"]


def test_a_line_that_did_not_run_is_a_failure_that_names_its_test() -> None:
    text = junit().replace("test_lag_is_zero", "test_runs_as_non_root")
    by_check = {finding.check: finding for finding in findings(read_junit(text))}
    assert by_check["L.lag_is_zero"].verdict is Verdict.FAIL
    assert "test_lag_is_zero did not run" in by_check["L.lag_is_zero"].actual


def test_no_test_at_all_fails_every_line() -> None:
    assert {line.outcome for line in nothing_ran()} == {LineOutcome.MISSING}
    assert verdicts("<testsuites/>") == {f"L.{id_}": Verdict.FAIL for id_ in CHECKLIST}


def test_a_line_tested_more_than_once_is_as_good_as_its_worst_time() -> None:
    again = (
        '<testcase name="test_lag_is_zero[b]" time="0.1"><failure message="lag 7"/></testcase></testsuite>'
    )
    assert verdicts(junit().replace("</testsuite>", again))["L.lag_is_zero"] is Verdict.FAIL


def test_a_test_that_the_list_does_not_name_fails_though_it_passed() -> None:
    more = '<testcase name="test_something_new" time="0.1"/></testsuite>'
    assert verdicts(junit().replace("</testsuite>", more))["L.something_new"] is Verdict.FAIL


def test_a_file_that_is_no_junit_is_refused() -> None:
    with pytest.raises(ChecklistUnreadableError):
        read_junit("collected 0 items")


def test_the_list_and_its_tests_name_the_same_lines() -> None:
    source = Path("tests/checklist/test_checklist.py").read_text()
    assert set(re.findall(r"^def test_(\w+)", source, re.MULTILINE)) == set(CHECKLIST)


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        ("AssertionError: assert (4, 'a') == (7, 'b')\n  At 0", "it is (4, 'a'), and must be (7, 'b')"),
        ("AssertionError: assert False is True", "it is False, and must be True"),
        ("AssertionError: assert not ['BINANCE_API_KEY']", "there is ['BINANCE_API_KEY']"),
        ("AssertionError: D.2.secrets_private is fail\nassert {'D': 1} == {}", "D.2.secrets_private is fail"),
        ("failed on setup with \"KeyError: 'x'\"", "failed on setup with \"KeyError: 'x'\""),
    ],
)
def test_a_failed_assertion_reads_as_a_sentence(message: str, sentence: str) -> None:
    assert in_words(message) == sentence
