"""What a run did not check, and why: said by the report itself, so that nobody has to guess."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from checks.model import Finding, Observation


@dataclass(frozen=True, slots=True)
class Unchecked:
    """One thing that this run says nothing about."""

    what: str
    why: str


_ALWAYS = (
    Unchecked(
        "Readers of the stream that trade without a consumer group",
        "Redis keeps no trace of XREAD or XREVRANGE: a drained group does not mean that nobody trades.",
    ),
    Unchecked(
        "Anything after this run ended",
        "Evidence is a moment; `playbooks/verify.yml` looks again.",
    ),
    Unchecked("A reboot of the host", "The restart policy was read, the host was not restarted."),
    Unchecked(
        "AppArmor or SELinux confinement of the container",
        "No check reads the profile that the kernel applies.",
    ),
)
_DRAINING = (
    Unchecked(
        "Orders, stops and take profits at an exchange",
        "Safe drain places none; the plan in each decision says what it would have sent.",
    ),
    Unchecked(
        "Today's exchange filters and account",
        "Plans use the pinned filter snapshot and a reference balance, and name both.",
    ),
)
_ROUTE_OUT = Unchecked(
    "That no route leads from the consumer to an exchange",
    "It is on the stack's ordinary network; `consumer_drain_network: isolated` takes the route away.",
)
_PHASE_NAMES = {
    "B": "The image, from inside (phase B)",
    "C": "The cutover (phase C)",
    "D": "The container as created (phase D)",
    "E": "Decisions, proof events and orders (phase E)",
}


def not_checked(
    observations: Iterable[Observation],
    desired: Mapping[str, Any],
    findings: Iterable[Finding],
    phases: Sequence[str],
) -> tuple[Unchecked, ...]:
    """List what the run left open: phases it lacks, findings it could not decide, and known blind spots."""
    seen = {observation.ref: observation for observation in observations if observation.ok}
    return (
        *(
            Unchecked(name, "This kind of run does not have it.")
            for phase, name in _PHASE_NAMES.items()
            if phase not in phases
        ),
        *_undecided(findings),
        *(_DRAINING if desired.get("mode") == "safe_drain" else ()),
        *(() if _isolated(seen) else (_ROUTE_OUT,)),
        *_ALWAYS,
    )


def _undecided(findings: Iterable[Finding]) -> Iterable[Unchecked]:
    for finding in findings:
        if finding.verdict is Verdict.INCONCLUSIVE:
            yield Unchecked(finding.claim, finding.actual)


def _isolated(seen: Mapping[str, Observation]) -> bool:
    network = seen.get("A:docker.network")
    return network is not None and network.value.get("internal") is True
