"""What the switch's own record says about the run: only a switch that is done lets a deploy pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checks.model import Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

_VERDICTS = {"done": Verdict.PASS, "running": Verdict.INCONCLUSIVE}


def findings(switch: Mapping[str, Any] | None) -> tuple[Finding, ...]:
    """Judge releases/switch.json of this run; None: nothing had to be switched, and nothing is claimed."""
    if switch is None:
        return ()
    verdict = _VERDICTS.get(switch.get("state", ""), Verdict.FAIL)
    return (
        Finding(
            check="D.1.switch_done",
            row="D.1",
            phase="D",
            verdict=verdict,
            gates=True,
            claim="The switch to the new container ended with the new container running.",
            expected="state done",
            actual=_actual(switch),
            remedy="" if verdict is Verdict.PASS else _remedy(switch),
        ),
    )


def _actual(switch: Mapping[str, Any]) -> str:
    state = f"state {switch.get('state', 'unknown')}"
    return f"{state}: {switch['message']}" if switch.get("message") else state


def _remedy(switch: Mapping[str, Any]) -> str:
    cause = switch.get("cause") or {}
    return cause.get("remedy") or "Read the switch's steps in this report, mend the cause and deploy again."
