"""Findings and observations as the report shows them: what is not a pass first."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks import checklist
from checks.model import Verdict
from checks.report import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from checks.model import Finding, Observation

#: The look of a thing in the report: a gating verdict, or a note that does not gate.
PASS, FAIL, OPEN, NOTE = "pass", "fail", "open", "note"
_TONES = {Verdict.PASS: PASS, Verdict.FAIL: FAIL, Verdict.INCONCLUSIVE: OPEN}
_WORDS = {PASS: "pass", FAIL: "fail", OPEN: "inconclusive", NOTE: "note"}
_MARKS = {PASS: "✓", FAIL: "✗", OPEN: "?", NOTE: "!"}
_TITLES = {
    "A": "Baseline: the stack before anything was changed",
    "B": "The code that runs, looked at inside its image",
    "C": "The cutover: new entries only",
    "D": "What was started, against what was desired",
    "E": "Proof of operation",
}
#: Longer values are cut in the report; evidence.json has them whole.
_SHOWN_CHARACTERS = 1_600
_LAID_OUT = json.JSONEncoder(indent=2, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Tone:
    """How a verdict looks and reads."""

    name: str

    @property
    def word(self) -> str:
        """Give the verdict in one word."""
        return _WORDS[self.name]

    @property
    def mark(self) -> str:
        """Give the verdict in one character, so that it does not hang on colour alone."""
        return _MARKS[self.name]


@dataclass(frozen=True, slots=True)
class Fact:
    """One observation behind a finding: how it was obtained, when, how long it took, and what it said."""

    ref: str
    anchor: str
    how: str
    at: str
    took: str
    ok: bool
    value: str


@dataclass(frozen=True, slots=True)
class Shown:
    """One finding with the facts behind it."""

    check: str
    row: str
    tone: Tone
    gates: bool
    claim: str
    expected: str
    actual: str
    remedy: str
    from_checklist: bool
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Phase:
    """The findings of one phase, and how many of its gating ones passed."""

    letter: str
    title: str
    tone: Tone
    score: str
    findings: tuple[Shown, ...]


def tone(verdict: Verdict, *, gates: bool = True) -> Tone:
    """Give the look of a verdict; what does not gate and is no pass is a note."""
    return Tone(_TONES[verdict] if gates or verdict is Verdict.PASS else NOTE)


#: What a reader must know before anything else that does not stop the run.
HALTED = "A.3.not_halted"


def facts(observations: Iterable[Observation]) -> dict[str, Fact]:
    """Show each observation, by its ref."""
    return {observation.ref: _fact(observation) for observation in observations}


def shown(finding: Finding, known: Mapping[str, Fact]) -> Shown:
    """Show a finding with the facts that it names."""
    return Shown(
        check=finding.check,
        row=finding.row,
        tone=tone(finding.verdict, gates=finding.gates),
        gates=finding.gates,
        claim=finding.claim,
        expected=finding.expected,
        actual=finding.actual,
        remedy=finding.remedy,
        from_checklist=finding.row == checklist.ROW,
        facts=tuple(known[ref] for ref in finding.observations if ref in known),
    )


def not_passed(findings: Iterable[Finding], known: Mapping[str, Fact]) -> tuple[Shown, ...]:
    """Show what is not a pass: what stops the run first (failures before doubts), then what does not gate.

    A halt goes before all others that do not gate: under it nothing would be opened.
    """
    order = (FAIL, OPEN, NOTE)
    rows = [shown(finding, known) for finding in findings if finding.verdict is not Verdict.PASS]
    return tuple(sorted(rows, key=lambda row: (order.index(row.tone.name), row.check != HALTED)))


def phases(findings: Iterable[Finding], known: Mapping[str, Fact]) -> tuple[Phase, ...]:
    """Group the findings by phase; the checklist's lines have a section of their own."""
    own = [finding for finding in findings if finding.row != checklist.ROW]
    return tuple(
        _phase(letter, [finding for finding in own if finding.phase == letter], known)
        for letter in sorted({finding.phase for finding in own})
    )


def _phase(letter: str, findings: list[Finding], known: Mapping[str, Fact]) -> Phase:
    gating = [finding for finding in findings if finding.gates]
    worst = max(
        (tone(finding.verdict).name for finding in gating), key=(PASS, OPEN, FAIL).index, default=PASS
    )
    passed = sum(finding.verdict is Verdict.PASS for finding in gating)
    score = f"{passed} of {len(gating)} gating checks passed"
    return Phase(
        letter,
        _TITLES.get(letter, ""),
        Tone(worst),
        score,
        tuple(shown(finding, known) for finding in findings),
    )


def _fact(observation: Observation) -> Fact:
    anchor = "fact-" + observation.ref.replace(":", "-").replace(".", "-")
    value = _value(observation.value) if observation.ok else _error(observation.error)
    return Fact(
        observation.ref,
        anchor,
        observation.how,
        observation.at,
        words.milliseconds(observation.duration_ms),
        observation.ok,
        value,
    )


def _value(value: Any) -> str:
    text = _beginning(value)
    if len(text) <= _SHOWN_CHARACTERS:
        return text
    whole = len(json.dumps(value, separators=(",", ":")))
    return f"{text[:_SHOWN_CHARACTERS]}\n… and so on: {whole:,} characters in evidence.json"


def _beginning(value: Any) -> str:
    """Lay a value out only as far as it is shown: some hold ten thousand entries."""
    text = ""
    for piece in _LAID_OUT.iterencode(value):
        text += piece
        if len(text) > _SHOWN_CHARACTERS:
            break
    return text


def _error(error: Mapping[str, str] | None) -> str:
    said = error or {}
    return f"could not be observed: {said.get('type', 'Error')}: {said.get('message', 'no reason was given')}"
