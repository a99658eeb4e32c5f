"""A check that is not complete is refused, and one that breaks hides neither itself nor the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from checks.judge import all_checks, judge
from checks.judge.evidence import Evidence, Facts
from checks.judge.outcome import Outcome, passed
from checks.judge.registry import CheckRefusedError, Registry
from checks.model import Observation, Verdict

if TYPE_CHECKING:
    from checks.judge.registry import Judgement
    from tests.support.incident import IncidentRun

COMPLETE: dict[str, Any] = {
    "claim": "Redis answers.",
    "expected": "an answer",
    "remedy": "Start Redis.",
    "needs": ("A:redis.server",),
    "sabotage": "Redis is stopped",
}
SEEN = Evidence.of([Observation("A", "redis.server", "PING", "", 0.1, ok=True, value={"version": "7.0.15"})])


def answers(facts: Facts) -> Outcome:
    return passed(facts["A:redis.server"]["version"])


def registered(judgement: Judgement = answers, check: str = "A.3.answers", **changes: Any) -> Registry:
    registry = Registry()
    registry.check(check, **(COMPLETE | changes))(judgement)
    return registry


@pytest.mark.parametrize("part", ["claim", "expected", "remedy", "needs", "sabotage"])
def test_a_check_that_lacks_a_part_is_refused(part: str) -> None:
    with pytest.raises(CheckRefusedError, match=part):
        registered(**{part: type(COMPLETE[part])()})


@pytest.mark.parametrize("name", ["A.3", "answers", "A.3.Answers", "a.3.answers", "A.3.with-dash"])
def test_an_id_that_is_not_row_and_name_is_refused(name: str) -> None:
    with pytest.raises(CheckRefusedError):
        registered(check=name)


def test_an_unknown_phase_is_refused() -> None:
    with pytest.raises(CheckRefusedError, match="phase"):
        registered(phase="F")


def test_an_id_that_is_taken_is_refused() -> None:
    registry = registered()

    with pytest.raises(CheckRefusedError, match="twice"):
        registry.check("A.3.answers", **COMPLETE)(answers)


def test_a_check_belongs_to_the_phase_of_its_row_unless_it_says_otherwise() -> None:
    assert registered().of({"A"})
    assert registered(phase="B").of({"B"})
    assert not registered(phase="B").of({"A"})


def test_a_finding_carries_the_checks_words_and_the_facts_behind_it() -> None:
    (finding,) = registered().judge(SEEN, {}, {"A"})

    assert (finding.check, finding.row, finding.phase) == ("A.3.answers", "A.3", "A")
    assert (finding.claim, finding.expected, finding.actual) == ("Redis answers.", "an answer", "7.0.15")
    assert finding.observations == ("A:redis.server",)


def test_what_passed_needs_no_remedy() -> None:
    (finding,) = registered().judge(SEEN, {}, {"A"})

    assert finding.remedy == ""


def test_what_was_desired_is_written_into_the_expectation() -> None:
    (finding,) = registered(expected="{redis[host]} on {networks}").judge(
        SEEN, {"redis": {"host": "quantum_redis"}, "networks": ["one", "two"]}, {"A"}
    )

    assert finding.expected == "quantum_redis on one, two"


def test_a_check_that_breaks_is_inconclusive_and_names_the_error() -> None:
    def breaks(_facts: Facts) -> Outcome:
        raise ZeroDivisionError("division by zero")

    (finding,) = registered(breaks).judge(SEEN, {}, {"A"})

    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.actual == "could not be judged: ZeroDivisionError: division by zero"


def test_a_check_sees_only_what_it_declared() -> None:
    def peeks(facts: Facts) -> Outcome:
        return passed(facts["A:redis.groups"])

    (finding,) = registered(peeks).judge(SEEN, {}, {"A"})

    assert finding.verdict is Verdict.INCONCLUSIVE


def test_a_failed_observation_is_inconclusive_with_its_error() -> None:
    error = {"type": "TimeoutError", "message": "timed out"}
    failed = Evidence.of([Observation("A", "redis.server", "PING", "", 5000, ok=False, error=error)])

    (finding,) = registered().judge(failed, {}, {"A"})

    assert finding.verdict is Verdict.INCONCLUSIVE
    assert finding.actual == "A:redis.server could not be observed: TimeoutError: timed out"


def test_an_observation_that_was_never_made_is_inconclusive() -> None:
    (finding,) = registered().judge(Evidence.of([]), {}, {"A"})

    assert finding.actual == "A:redis.server could not be observed: Missing: it was not observed in this run"


def test_an_observation_made_twice_is_not_believed() -> None:
    (finding,) = registered().judge(Evidence.of([*SEEN.by_ref.values()] * 2), {}, {"A"})

    assert finding.verdict is Verdict.INCONCLUSIVE
    assert "more than once" in finding.actual


def test_a_check_that_is_not_asked_for_does_not_gate() -> None:
    (finding,) = registered(only_with="exchange").judge(SEEN, {"exchange": None}, {"A"})

    assert (finding.verdict, finding.gates) == (Verdict.INCONCLUSIVE, False)


def test_whether_it_is_asked_for_must_be_known() -> None:
    (finding,) = registered(only_with="exchange").judge(SEEN, {}, {"A"})

    assert (finding.verdict, finding.gates) == (Verdict.INCONCLUSIVE, True)


def test_only_the_phases_asked_for_are_judged(run: IncidentRun) -> None:
    findings = judge(run.observations(), run.desired, {"A"})

    assert {finding.phase for finding in findings} == {"A"}


def test_phase_a_gates_on_redis_network_clocks_and_disk_alone() -> None:
    gating = {check.id for check in all_checks() if check.phase == "A" and check.gates}

    redis = {"A.3.redis_reachable", "A.3.redis_evicts_no_stream", "A.3.users_have_no_more_rights"}
    assert gating == {"A.1.clocks_agree", "A.1.disk_has_room", "B.3.network_found"} | redis


@pytest.mark.parametrize("row", ["B.2", "C.1", "C.3", "D.1", "D.2", "D.3", "E.1", "E.2", "E.3", "E.4", "E.5"])
def test_every_row_that_a_gate_asks_for_has_a_gating_check(row: str) -> None:
    assert any(check.row == row and check.gates for check in all_checks())


def test_every_row_from_a_to_e_has_a_check() -> None:
    rows = {f"A.{n}" for n in range(1, 8)} | {f"B.{n}" for n in range(1, 5)} | {"C.1", "C.2", "C.3"}
    rows |= {"D.1", "D.2", "D.3"} | {f"E.{n}" for n in range(1, 6)}

    assert rows == {check.row for check in all_checks()}
