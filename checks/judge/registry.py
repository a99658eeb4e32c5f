"""The list of all checks. One that is not complete, sabotage included, is refused when it is imported."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import Any

from checks.judge.evidence import Evidence, Facts, NotAskedError, UnseenError
from checks.judge.outcome import Outcome, inconclusive
from checks.model import Finding, Verdict


class _Words(Formatter):
    """Fills what was desired into a sentence; a list is named element by element."""

    def format_field(self, value: Any, format_spec: str) -> str:
        """Write one value."""
        return ", ".join(map(str, value)) if isinstance(value, list) else str(format(value, format_spec))


def _in_words(expected: str, desired: Mapping[str, Any]) -> str:
    """Fill in what was desired; what does not say it leaves the sentence as it stands."""
    try:
        return _Words().vformat(expected, (), desired)
    except (LookupError, TypeError, ValueError):
        return expected


type Judgement = Callable[[Facts], Outcome]

PRECHECK = "pre"
PHASES = ("A", "B", "C", "D", "E", PRECHECK)

_ID = re.compile(r"[A-Z]\.\d+\.[a-z][a-z0-9_]*")


class CheckRefusedError(Exception):
    """Raised when a check is not complete: it could pass without anybody knowing what would turn it red."""


@dataclass(frozen=True, slots=True)
class Check:
    """One claim about the system, what would prove it, and the fault that would disprove it.

    `expected` may name parts of what was desired in braces, such as `{network}`. `needs` are the refs of the
    observations it looks at; a missing one makes the finding inconclusive. `sabotage` names the fault that
    turns it red. `only_with` names a part of what was desired that may be null; then nothing is to check.
    """

    id: str
    row: str
    phase: str
    gates: bool
    claim: str
    expected: str
    remedy: str
    needs: tuple[str, ...]
    sabotage: str
    judgement: Judgement
    only_with: str = ""

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.id) or not self.id.startswith(f"{self.row}."):
            raise CheckRefusedError(f"{self.id!r} is not <row>.<snake_name> of row {self.row!r}.")
        if self.phase not in PHASES:
            raise CheckRefusedError(f"{self.id} has no phase: {self.phase!r} is none of {', '.join(PHASES)}.")
        lacking = [
            name for name in ("claim", "expected", "remedy", "needs", "sabotage") if not getattr(self, name)
        ]
        if lacking:
            raise CheckRefusedError(f"{self.id} is not done: it has no {', no '.join(lacking)}.")

    def judge(self, evidence: Evidence, desired: Mapping[str, Any]) -> Finding:
        """Judge the claim. Whatever keeps the check from seeing makes it inconclusive, with the reason."""
        try:
            self._must_be_asked(desired)
            return self._finding(self.judgement(Facts.of(self.needs, evidence, desired)), desired)
        except NotAskedError as reason:
            return self._finding(inconclusive(f"not checked: {reason}"), desired, gates=False)
        except UnseenError as reason:
            return self._finding(inconclusive(str(reason)), desired)
        except (KeyError, IndexError) as lack:
            return self._finding(inconclusive(f"the evidence or what was desired lacks {lack}"), desired)
        except Exception as error:  # noqa: BLE001 - a check that breaks must say so, and must not hide the others
            return self._finding(
                inconclusive(f"could not be judged: {type(error).__name__}: {error}"), desired
            )

    def _must_be_asked(self, desired: Mapping[str, Any]) -> None:
        if self.only_with and desired[self.only_with] is None:
            raise NotAskedError(f"no {self.only_with} was desired")

    def _finding(self, outcome: Outcome, desired: Mapping[str, Any], *, gates: bool = True) -> Finding:
        """Write the outcome down as a finding; what passed needs no remedy."""
        return Finding(
            check=self.id,
            row=self.row,
            phase="A" if self.phase == PRECHECK else self.phase,
            verdict=outcome.verdict,
            gates=self.gates and gates,
            claim=self.claim,
            expected=_in_words(self.expected, desired),
            actual=outcome.actual,
            remedy="" if outcome.verdict is Verdict.PASS else self.remedy,
            observations=self.needs,
        )


@dataclass(frozen=True, slots=True)
class Registry:
    """Checks by id, in the order in which they were written."""

    by_id: dict[str, Check] = field(default_factory=dict)

    def check(
        self,
        id_: str,
        *,
        phase: str = "",
        gates: bool = True,
        claim: str,
        expected: str,
        remedy: str,
        needs: tuple[str, ...],
        sabotage: str,
        only_with: str = "",
    ) -> Callable[[Judgement], Judgement]:
        """Register a judgement as a check; the row is the id without its name. Raises CheckRefusedError."""
        if id_ in self.by_id:
            raise CheckRefusedError(f"{id_} is registered twice.")

        def register(judgement: Judgement) -> Judgement:
            row = id_.rpartition(".")[0]
            self.by_id[id_] = Check(
                id_,
                row,
                phase or row[:1],
                gates,
                claim,
                expected,
                remedy,
                needs,
                sabotage,
                judgement,
                only_with,
            )
            return judgement

        return register

    def of(self, phases: Iterable[str]) -> tuple[Check, ...]:
        """Return the checks of the phases."""
        wanted = set(phases)
        return tuple(check for check in self.by_id.values() if check.phase in wanted)

    def judge(self, evidence: Evidence, desired: Mapping[str, Any], phases: Iterable[str]) -> list[Finding]:
        """Make exactly one finding for each check of the phases."""
        return [check.judge(evidence, desired) for check in self.of(phases)]


REGISTRY = Registry()
check = REGISTRY.check
