"""`python -m tests.crash.matrix`: kill the consumer at every ordered pair of points; the exchange judges.

Exit code 0 only if every pair was clean and every point really fired, both as the first and as the second.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from tests.crash import points
from tests.crash.surroundings import lanes
from tests.support import reliability
from tests.support.reliability import table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.crash.lane import CaseRun, Lane


def run_all(
    cases: Iterable[tuple[str, ...]], workers: int, tell: Callable[[CaseRun], None] = lambda _run: None
) -> list[CaseRun]:
    """Run the cases on so many lanes at once and return what they came to, in any order."""
    queue: SimpleQueue[tuple[str, ...]] = SimpleQueue()
    for case in cases:
        queue.put(case)
    runs: list[CaseRun] = []

    def work(lane: Lane) -> None:
        while True:
            try:
                case = queue.get_nowait()
            except Empty:
                return
            runs.append(lane.run(case))
            tell(runs[-1])

    with (
        tempfile.TemporaryDirectory(prefix="ti_crash_") as folder,
        lanes(Path(folder), workers) as open_lanes,
    ):
        threads = [threading.Thread(target=work, args=(lane,)) for lane in open_lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return runs


def figures(runs: list[CaseRun], seconds: float) -> dict[str, Any]:
    """Return what a matrix showed, as JSON."""
    fired = Counter(point for run in runs for point in run.fired)
    return {
        "runs": len(runs),
        "crashes": fired.total(),
        "fired": {point: fired[point] for point in points.POINTS},
        "never_fired": [point for point in points.POINTS if not fired[point]],
        "doubled": sum(run.verdict.doubled for run in runs),
        "lost": sum(run.verdict.lost for run in runs),
        "naked": sum(run.verdict.naked for run in runs),
        "longest_naked_ms": max((run.verdict.longest_naked_ms for run in runs), default=0),
        "longest_naked_since_start_ms": max((run.verdict.longest_since_start_ms for run in runs), default=0),
        "decisions_wrong": sum(run.verdict.decisions_wrong for run in runs),
        "not_clean": [
            {"points": run.points, "fired": run.fired, "error": run.error, "verdict": run.verdict.notes}
            for run in runs
            if not run.is_clean
        ],
        "seconds": round(seconds, 1),
    }


def report(result: dict[str, Any]) -> list[str]:
    """Return the figures as they stand in docs/reliability.md."""
    unclean = [
        f"{' → '.join(run['points'])}: {run['error'] or run['verdict']}" for run in result["not_clean"]
    ]
    return [
        *table(
            (
                "ordered pairs",
                "kills",
                "doubled",
                "lost",
                "bare > 5 s",
                "longest bare",
                "decisions ≠ 1",
                "wall time",
            ),
            [
                (
                    result["runs"],
                    result["crashes"],
                    result["doubled"],
                    result["lost"],
                    result["naked"],
                    f"{result['longest_naked_ms']} ms",
                    result["decisions_wrong"],
                    f"{result['seconds']:.0f} s",
                )
            ],
        ),
        "",
        *table(("point", "fired"), list(result["fired"].items())),
        "",
        f"Not clean: {len(unclean)}.",
        *(f"- {line}" for line in unclean),
    ]


def main(arguments: list[str]) -> int:
    """Run the whole matrix, or the pairs that begin with some points."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.matrix", description=__doc__)
    parser.add_argument(
        "--workers", type=int, default=2, help="lanes; most of a run is waiting for the lease"
    )
    parser.add_argument("--out", type=Path, default=Path("build/crash-matrix.json"))
    parser.add_argument("--only", nargs="*", help="first points; default: all")
    parser.add_argument("--singles", action="store_true", help="one crash per run instead of two")
    asked = parser.parse_args(arguments)
    cases = points.singles() if asked.singles else points.pairs()
    cases = [case for case in cases if not asked.only or case[0] in asked.only]
    began = time.monotonic()
    done = 0

    def tell(run: CaseRun) -> None:
        nonlocal done
        done += 1
        word = "clean" if run.is_clean else f"NOT CLEAN {run.error} {run.verdict.notes}"
        sys.stderr.write(f"{done}/{len(cases)} {' → '.join(run.points)}: {word} ({run.seconds:.1f} s)\n")

    runs = run_all(cases, asked.workers, tell)
    result = figures(runs, time.monotonic() - began)
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(result, indent=2) + "\n")
    if len(runs) == len(points.pairs()):
        reliability.write("crash-matrix", report(result))
    sys.stdout.write(json.dumps({**result, "not_clean": len(result["not_clean"])}, indent=2) + "\n")
    return 0 if not result["not_clean"] and len(runs) == len(cases) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
