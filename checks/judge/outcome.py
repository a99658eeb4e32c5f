"""What a check says about its claim, before it becomes a finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict and what was seen, in words with values and units."""

    verdict: Verdict
    actual: str


def passed(actual: str) -> Outcome:
    """Say that the claim holds."""
    return Outcome(Verdict.PASS, actual)


def failed(actual: str) -> Outcome:
    """Say that the claim does not hold."""
    return Outcome(Verdict.FAIL, actual)


def inconclusive(actual: str) -> Outcome:
    """Say that nobody can know whether the claim holds."""
    return Outcome(Verdict.INCONCLUSIVE, actual)


def unless(problems: Sequence[str], otherwise: str) -> Outcome:
    """Fail naming every problem; without one, pass saying what was seen."""
    return failed("; ".join(problems)) if problems else passed(otherwise)


def some(names: Sequence[str]) -> str:
    """Name the first few and count the rest, so that a finding stays readable."""
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Count a noun in words: `1 entry`, `3 entries`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
