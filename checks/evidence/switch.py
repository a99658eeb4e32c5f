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
    error = switch.get("error") or {}
    state = f"state {switch.get('state', 'unknown')}"
    return f"{state}: {error['message']}" if error.get("message") else state


def _remedy(switch: Mapping[str, Any]) -> str:
    error = switch.get("error") or {}
    return error.get("remedy") or "Read the switch's steps in this report, repair the cause and deploy again."
