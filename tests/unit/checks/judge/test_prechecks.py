"""Prechecks name every problem at once, and each cause once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from checks.judge import judge_prechecks
from checks.model import Verdict
from tests.support.incident import not_passed

if TYPE_CHECKING:
    from tests.support.incident import IncidentRun


def gating_without(run: IncidentRun, *refs: str) -> list[str]:
    """Return the gating problems of a host on which some looks failed."""
    error = {"type": "ConnectionError", "message": "Connection refused"}
    observations = [
        replace(observation, ok=False, value=None, error=error) if observation.ref in refs else observation
        for observation in run.observations()
    ]
    findings = judge_prechecks(observations, run.desired)
    return [finding.check for finding in findings if finding.gates and finding.verdict is not Verdict.PASS]


def test_a_fit_host_has_no_problem(run: IncidentRun) -> None:
    assert not_passed(run.prechecked()) == set()


def test_no_rights_on_docker_is_one_problem(run: IncidentRun) -> None:
    assert gating_without(run, "A:docker.engine") == ["O.1.docker_answers"]


def test_redis_away_is_one_problem(run: IncidentRun) -> None:
    refs = [ref for ref in run.values if ref.startswith("A:redis.")]

    assert gating_without(run, *refs) == ["O.1.redis_answers"]


def test_a_missing_network_is_one_problem(run: IncidentRun) -> None:
    assert gating_without(run, "A:docker.network") == ["O.1.network_exists"]


def test_an_absent_reference_container_is_one_problem(run: IncidentRun) -> None:
    assert gating_without(run, "A:docker.reference") == ["O.1.reference_on_network"]


def test_a_refused_look_at_the_stream_names_the_users_rights(run: IncidentRun) -> None:
    assert gating_without(run, "A:redis.groups") == ["O.1.redis_lets_the_checks_look"]


def test_several_problems_are_named_together(run: IncidentRun) -> None:
    run["A:docker.engine"]["version"] = "19.03.15"
    run["A:host.facts"]["selinux"] = "enforcing"

    assert not_passed(run.prechecked()) == {"O.1.docker_is_new_enough", "O.1.selinux_not_enforcing"}


def test_a_later_check_points_to_the_first_that_lacks_the_same(run: IncidentRun) -> None:
    del run["A:docker.engine"]

    finding = run.prechecked()["O.1.docker_is_rootful"]

    assert finding.actual == "not looked at: A:docker.engine is missing, see O.1.docker_answers"


def test_an_unknown_system_is_a_note_and_no_problem(run: IncidentRun) -> None:
    run["A:host.facts"] |= {"os_id": "alpine", "os_version": "3.22"}

    finding = run.prechecked()["O.1.host_is_supported"]

    assert (finding.verdict, finding.gates) == (Verdict.INCONCLUSIVE, False)


def test_the_time_that_asking_took_is_not_held_against_the_host(run: IncidentRun) -> None:
    run["A:controller.clock"] |= {"now_ms": run["A:host.facts"]["now_ms"] - 9_000}
    run["A:controller.clock"]["after_ms"] = run["A:controller.clock"]["now_ms"] + 12_000

    assert run.prechecked()["O.1.clocks_agree"].verdict is Verdict.PASS


@pytest.mark.parametrize("mode", ["live", "canary", "unknown"])
def test_a_release_in_any_other_mode_than_safe_drain_is_refused(run: IncidentRun, mode: str) -> None:
    run["A:release.current"] = {"mode": mode}

    assert run.prechecked()["O.1.not_live"].verdict is Verdict.FAIL
