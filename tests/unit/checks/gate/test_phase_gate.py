"""Whether one phase by itself lets a deploy go on."""

from __future__ import annotations

from checks import phase_gate
from checks.judge import all_checks
from tests.support.incident import incident


def test_a_phase_that_saw_nothing_stops_the_deploy_at_every_gating_check() -> None:
    named = {finding.check for finding in phase_gate.problems("B", (), {"schema": 1})}
    assert named == {check.id for check in all_checks() if check.phase == "B" and check.gates}


def test_a_phase_that_is_sound_lets_it_go_on() -> None:
    run = incident()
    assert phase_gate.problems("B", run.observations(), run.desired) == ()
