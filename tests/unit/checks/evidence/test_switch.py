from __future__ import annotations

import pytest

from checks.evidence.switch import findings
from checks.model import Verdict
from tests.support.deploy_run import switch


def test_no_switch_claims_nothing() -> None:
    assert findings(None) == ()


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ("done", Verdict.PASS),
        ("running", Verdict.INCONCLUSIVE),
        ("rolled_back", Verdict.FAIL),
        ("failed", Verdict.FAIL),
        ("interrupted", Verdict.FAIL),
        ("", Verdict.FAIL),
    ],
)
def test_only_a_switch_that_is_done_passes(state: str, verdict: Verdict) -> None:
    (finding,) = findings(switch(state))
    assert finding.verdict is verdict
    assert finding.gates


def test_a_switch_that_failed_says_why_and_what_to_do() -> None:
    (finding,) = findings(switch("rolled_back", "the new container restarted"))
    assert "the new container restarted" in finding.actual
    assert finding.remedy == "Read the container's log."
