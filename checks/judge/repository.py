"""Phase D: what runs, against the code that lies on the controller when the run is judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.judge.outcome import Outcome, failed, passed
from checks.judge.registry import check

if TYPE_CHECKING:
    from checks.judge.evidence import Facts


@check(
    "D.1.repository_has_what_runs",
    gates=False,
    claim="The repository that this was judged from has the code that runs.",
    expected="code digest {image[code_digest]}",
    remedy="Nothing, if a deploy is to follow. What runs is the named release, not what lies here.",
    needs=("D:controller.code",),
    sabotage="the consumer's code is changed after the deploy",
)
def repository_has_what_runs(facts: Facts) -> Outcome:
    """Compare the digest of the controller's own `consumer/` with the one that was deployed."""
    here, runs = facts["D:controller.code"]["code_digest"], facts.desired["image"]["code_digest"]
    if here == runs:
        return passed(f"code digest {here}")
    release = facts.desired.get("release", "unknown")
    return failed(f"what runs is release {release}, code {runs[:12]}; the repository has code {here[:12]}")
