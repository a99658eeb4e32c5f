"""Every check has a fault that turns it red, and no other check but those that the fault implies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.judge import all_checks
from checks.judge.registry import PRECHECK, REGISTRY
from checks.model import Verdict, run_verdict
from tests.support.incident import incident, not_passed
from tests.unit.checks.judge.faults import FAULTS, PlantedFault

if TYPE_CHECKING:
    from checks.judge.registry import Check
    from tests.support.incident import IncidentRun

#: Checks that no value turns red: what they wait for is there, or it could not be observed.
ONLY_INCONCLUSIVE = {"O.1.docker_answers", "O.1.host_is_supported"}


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_the_fault_turns_its_check_red_and_only_implied_ones(
    spotless: IncidentRun, fault: PlantedFault
) -> None:
    fault.plant(spotless)

    findings = spotless.judged() | spotless.prechecked()

    assert findings[fault.check].verdict is Verdict.FAIL, findings[fault.check].actual
    assert not_passed(findings) == {fault.check} | fault.implies


@pytest.mark.parametrize("check", [*all_checks(), *REGISTRY.of({PRECHECK})], ids=lambda check: check.id)
def test_every_check_has_a_fault(check: Check) -> None:
    assert check.id in {fault.check for fault in FAULTS} | ONLY_INCONCLUSIVE


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_red_finding_says_what_was_found_and_what_to_do(spotless: IncidentRun, fault: PlantedFault) -> None:
    fault.plant(spotless)

    finding = (spotless.judged() | spotless.prechecked())[fault.check]

    assert finding.actual
    assert finding.remedy
    assert finding.observations


@pytest.mark.parametrize("ref", sorted(incident().values))
def test_what_could_not_be_observed_is_never_a_pass(spotless: IncidentRun, ref: str) -> None:
    findings = spotless.judged_without(ref)
    blind = {check.id for check in all_checks() if ref in check.needs}

    assert {findings[id_].verdict for id_ in blind} <= {Verdict.INCONCLUSIVE}
    assert not_passed(findings) == blind
    assert all(ref in findings[id_].actual for id_ in blind)


@pytest.mark.parametrize("ref", sorted({ref for check in all_checks() for ref in check.needs}))
def test_empty_data_is_never_a_pass_of_everything(spotless: IncidentRun, ref: str) -> None:
    """Null where a value is expected: nothing that looked at it may pass."""
    spotless[ref] = None

    findings = spotless.judged()
    blind = {check.id for check in all_checks() if ref in check.needs}

    assert {findings[id_].verdict for id_ in blind} == {Verdict.INCONCLUSIVE}


def test_nothing_observed_is_inconclusive_throughout(spotless: IncidentRun) -> None:
    spotless.values.clear()

    findings = spotless.judged().values()

    assert {finding.verdict for finding in findings} == {Verdict.INCONCLUSIVE}
    assert run_verdict(findings) is Verdict.INCONCLUSIVE
