"""Pure judgement: observations and what was desired go in, findings come out. No I/O anywhere in here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from checks.judge import (  # noqa: F401 - importing them registers their checks
    container,
    cutover,
    decided,
    forgery,
    hosts_records,
    image,
    made,
    operation,
    redis_rights,
    redis_server,
    repository,
    stack,
)
from checks.judge.evidence import Evidence
from checks.judge.prechecks import judge_prechecks
from checks.judge.registry import REGISTRY, Check

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from checks.model import Finding, Observation

__all__ = ["all_checks", "judge", "judge_prechecks"]

_DEPLOYED = ("A", "B", "C", "D", "E")


def judge(
    observations: Iterable[Observation], desired: Mapping[str, Any], phases: Iterable[str]
) -> list[Finding]:
    """Judge the claims of the phases: exactly one finding for each of their checks, whatever was observed."""
    return REGISTRY.judge(Evidence.of(observations), desired, phases)


def all_checks() -> tuple[Check, ...]:
    """Return every check of the phases A to E; the prechecks are apart."""
    return REGISTRY.of(_DEPLOYED)
