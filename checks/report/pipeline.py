"""The way of an entry, published to acknowledged, drawn with the numbers that this run measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from checks.report import accounts, words
from checks.report.accounts import Latency

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from checks.judge.accounting import Accounting
    from checks.report.seen import Seen

_BOUNDS_MS = (1, 2, 5, 10, 20, 50, 100, 1_000)


@dataclass(frozen=True, slots=True)
class Stage:
    """One station of the pipeline: how many entries came this far, and where the number is from."""

    title: str
    count: str
    source: str


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """Publish to decision, for one set of entries."""

    which: str
    count: str
    p50: str
    p99: str
    most: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: a label, a value, and its length in percent of the longest one."""

    label: str
    value: str
    width: float


@dataclass(frozen=True, slots=True)
class Box:
    """A stage at its place in a drawing."""

    stage: Stage
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """Where everything stands in a drawing of the pipeline, in units of its own view box."""

    width: int
    height: int
    box_width: int
    box_height: int
    boxes: tuple[Box, ...]
    arrows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Stages, latencies, and how the latencies are spread."""

    stages: tuple[Stage, ...]
    latencies: tuple[LatencyRow, ...]
    spread: tuple[Bar, ...]
    spread_of: str
    text: tuple[str, ...]
    wide: Drawing
    tall: Drawing


def pipeline(seen: Seen, account: Accounting | None) -> Pipeline:
    """Measure the pipeline. Latencies are differences of ids, both given by Redis's one clock."""
    stages = _stages(seen, account)
    waited = accounts.durations(seen)
    live = accounts.since_start(seen, waited)
    proofs = accounts.proof_durations(seen)
    spread, spread_of = (live, "entries published while it was reading") if live else (waited, "all entries")
    return Pipeline(
        stages=stages,
        latencies=(
            _latency("proof events", proofs.values()),
            _latency("entries published while it was reading", live.values()),
            _latency(
                f"all {accounts.counted(seen)}, those that waited for the start included", waited.values()
            ),
        ),
        spread=_spread(tuple(spread.values())),
        spread_of=spread_of,
        text=_text(stages),
        wide=_across(stages),
        tall=_downwards(stages),
    )


def bars(counted: Sequence[tuple[str, int]]) -> tuple[Bar, ...]:
    """Draw counts as bars against the largest of them."""
    most = max((count for _, count in counted), default=0)
    return tuple(
        Bar(label, f"{count:,}", round(100 * count / most, 1) if most else 0) for label, count in counted
    )


def _stages(seen: Seen, account: Accounting | None) -> tuple[Stage, ...]:
    published = None if account is None else account.entries
    behind = accounts.lag(seen)
    delivered = None if published is None or behind is None else published - behind
    decided = None if account is None else len(account.decided)
    acknowledged = None if delivered is None or account is None else delivered - len(account.pending)
    return (
        Stage("published", words.number(published), accounts.counted(seen)),
        Stage("read", words.number(delivered), "up to the group's position"),
        Stage("decided", words.number(decided), "with a decision"),
        Stage("acknowledged", words.number(acknowledged), "no longer pending"),
    )


def _latency(which: str, durations: Iterable[float]) -> LatencyRow:
    sums = Latency.of(durations)
    p50, p99, most = (words.milliseconds(value) for value in (sums.p50, sums.p99, sums.most))
    return LatencyRow(which, words.number(sums.count), p50, p99, most)


def _spread(durations: Sequence[float]) -> tuple[Bar, ...]:
    """Count durations by bucket, up to the last bucket that has any."""
    edges = zip((-1, *_BOUNDS_MS), (*_BOUNDS_MS, float("inf")), strict=True)
    counted = [
        (_bucket(low, high), sum(low < duration <= high for duration in durations)) for low, high in edges
    ]
    last = max((n for n, (_, count) in enumerate(counted) if count), default=-1)
    return bars(counted[: last + 1])


def _bucket(low: float, high: float) -> str:
    return f"over {words.milliseconds(low)}" if high == float("inf") else f"to {words.milliseconds(high)}"


def _text(stages: Sequence[Stage]) -> tuple[str, ...]:
    """Draw the pipeline in characters."""
    rows = ((stage.title, stage.count, stage.source) for stage in stages)
    titles, counts, sources = zip(*([text.ljust(27) for text in row] for row in rows), strict=True)
    return ("──▶ ".join(titles).rstrip(), "    ".join(counts).rstrip(), "    ".join(sources).rstrip())


def _across(stages: Sequence[Stage]) -> Drawing:
    width, height, gap = 208, 116, 44
    boxes = tuple(Box(stage, 4 + n * (width + gap), 4) for n, stage in enumerate(stages))
    middle = 4 + height // 2
    arrows = tuple(f"M{box.x + width + 6} {middle} H{box.x + width + gap - 8}" for box in boxes[:-1])
    return Drawing(len(stages) * (width + gap) - gap + 8, height + 8, width, height, boxes, arrows)


def _downwards(stages: Sequence[Stage]) -> Drawing:
    width, height, gap = 300, 116, 36
    boxes = tuple(Box(stage, 4, 4 + n * (height + gap)) for n, stage in enumerate(stages))
    arrows = tuple(
        f"M{4 + width // 2} {box.y + height + 5} V{box.y + height + gap - 7}" for box in boxes[:-1]
    )
    return Drawing(width + 8, len(stages) * (height + gap) - gap + 8, width, height, boxes, arrows)
