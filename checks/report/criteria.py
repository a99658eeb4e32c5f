"""Success criteria: what was aimed at, what was measured, and what the checks made of it.

Whether a criterion is met is the worst verdict of the gating checks of its rows, never a judgement of the
report's own; where none of them ran, it is not met.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.model import worst
from checks.report import accounts, exchange, stream, words
from checks.report.accounts import Latency
from checks.report.findings import Tone, tone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from checks.judge.accounting import Accounting
    from checks.model import Finding
    from checks.report.seen import Seen


@dataclass(frozen=True, slots=True)
class Criterion:
    """One row: target against actual."""

    requirement: str
    target: str
    actual: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Measured:
    """What the criteria read their actual numbers from."""

    seen: Seen
    desired: Mapping[str, Any]
    account: Accounting | None


def criteria(measured: Measured, findings: Iterable[Finding]) -> tuple[Criterion, ...]:
    """Hold each requirement against what was measured and judged."""
    gating = [finding for finding in findings if finding.gates]
    return tuple(
        Criterion(
            requirement,
            target,
            actual(measured),
            tone(worst(finding.verdict for finding in gating if _in(finding, rows))),
        )
        for requirement, target, rows, actual in _CRITERIA
    )


def _in(finding: Finding, rows: tuple[str, ...]) -> bool:
    return finding.row in rows


def _consumer(measured: Measured) -> str:
    return stream.container(measured.seen.last("container.inspect", "ED"))


def _decided(measured: Measured) -> str:
    account = measured.account
    return words.NOT_SEEN if account is None else f"{len(account.decided):,} of {account.entries:,}"


def _latency(measured: Measured) -> str:
    sums = Latency.of(accounts.proof_durations(measured.seen).values())
    p50, most = words.milliseconds(sums.p50), words.milliseconds(sums.most)
    return f"{sums.count} proof events: p50 {p50}, slowest {most}"


def _lag(measured: Measured) -> str:
    return words.number(accounts.lag(measured.seen))


def _orders(measured: Measured) -> str:
    return exchange.text(exchange.counts(measured.seen, "E"))


def _skipped(measured: Measured) -> str:
    skipped = measured.seen("C:cutover.record", "skipped", "count")
    decided = measured.seen("C:redis.results_before_cutover", "decisions")
    said = words.NOT_SEEN if decided is None else f"{len(decided):,} of them decided"
    return f"{words.number(skipped)} entries skipped, {said}"


def _steady(measured: Measured) -> str:
    window = measured.seen("E:container.window")
    if not window:
        return words.NOT_SEEN
    restarts = max(sample.get("restart_count") or 0 for sample in window)
    starts = len({sample.get("started_at") for sample in window})
    return f"{restarts} restarts, {starts} start time{'s' if starts > 1 else ''} in {len(window)} looks"


def _intact(measured: Measured) -> str:
    account = measured.account
    if account is None:
        return words.NOT_SEEN
    whole = "whole" if account.intact else "not whole"
    return f"{whole}; {len(account.vanished)} vanished, {len(account.lost)} lost"


_CRITERIA: tuple[tuple[str, str, tuple[str, ...], Callable[[Measured], str]], ...] = (
    (
        "Consumer at work",
        "1 container, running and healthy by progress",
        ("D.1", "D.2", "D.3", "E.5"),
        _consumer,
    ),
    ("Every entry decided", "each since the cutover, exactly once", ("E.1", "E.2"), _decided),
    ("In real time", "proof events in every wire shape, followed to a decision", ("E.3",), _latency),
    ("No backlog", "a lag of 0 in its own group, counted in the stream", ("E.2",), _lag),
    ("No trade", "the code refuses, and the exchange's record is empty", ("B.2", "E.4"), _orders),
    (
        "New entries only",
        "the backlog skipped, counted, and none of it decided",
        ("C.1", "C.2", "C.3"),
        _skipped,
    ),
    ("Steady", "no restart, one start time, over the whole window", ("E.5",), _steady),
    ("Stream intact", "no entry vanished or lost since the cutover", ("E.2",), _intact),
    (
        "Verified code",
        "image, code and packages are those that were desired",
        ("A.6", "A.7", "B.1", "D.1"),
        lambda measured: words.short((measured.desired.get("image") or {}).get("code_digest")),
    ),
)
