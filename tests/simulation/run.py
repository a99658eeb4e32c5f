"""`python -m tests.simulation.run`: live through many seeds, and say what broke and what was injected.

Exit code 0 only if nothing broke and every fault that there is was injected. A failure names its seed;
`--seed N` lives through it again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.crash.points import POINTS
from tests.simulation.stage import consumer, staged
from tests.simulation.variants import VARIANTS
from tests.simulation.venue import DOUBTS, REFUSALS, STOP_REFUSALS
from tests.simulation.world import SeedOutcome, SeedWorld
from tests.support import reliability
from tests.support.reliability import table

if TYPE_CHECKING:
    from collections.abc import Iterable


#: What must have been injected for a run of many seeds to mean anything.
REQUIRED = {
    *(f"crash {point}" for point in POINTS),
    *("crash before commit", "crash after commit", "killed at any moment", "process died"),
    *("journal write refused", "Redis command lost", "Redis reply lost", "Redis went back in time"),
    *("partition", "request into a partition", "lost request", "lost reply", "two instances"),
    *("late request carried out", "late request refused by matching engine"),
    *("frozen at any moment", "frozen before sending", "stalled request held back"),
    *("disk hung", "asked to stop", "stop taken away by hand", "price jumped", "CLOSE", "replay"),
    "symbol that cannot be asked about",
    *REFUSALS,
    *STOP_REFUSALS,
    *DOUBTS,
}
#: From so many seeds on, everything is bound to have happened; and from so many so often.
ENOUGH, MANY, LEAST = 500, 5000, 50


def live_through(seed: int, variant: str = "") -> SeedOutcome:
    """Live through one seed, as the product is or in a variant that is broken on purpose."""
    with staged(), VARIANTS[variant]() as traits:
        return SeedWorld(seed, consumer, **traits).run()


def _many(job: tuple[range, str]) -> list[SeedOutcome]:
    # The frames of the dead are unwound somewhere, and what they say then means nothing.
    sys.unraisablehook = lambda _what: None
    seeds, variant = job
    return [live_through(seed, variant) for seed in seeds]


def outcomes(seeds: range, variant: str, workers: int) -> Iterable[SeedOutcome]:
    """Live through many seeds, on so many cores."""
    jobs = [(seeds[at : at + 25], variant) for at in range(0, len(seeds), 25)]
    if workers == 1:
        for job in jobs:
            yield from _many(job)
        return
    with ProcessPoolExecutor(workers) as pool:
        for batch in pool.map(_many, jobs):
            yield from batch


def figures(seeds: range, variant: str, workers: int) -> dict[str, Any]:
    """Return what the seeds came to, as JSON."""
    began = time.monotonic()
    fired, decisions, entries, runs = Counter[str](), Counter[str](), 0, 0
    broken: dict[int, list[str]] = {}
    bare_ms: list[int] = []
    for outcome in outcomes(seeds, variant, workers):
        runs += 1
        fired += outcome.fired
        decisions += outcome.decisions
        entries += outcome.entries
        bare_ms += outcome.unprotected_ms
        if outcome.broken:
            broken[outcome.seed] = outcome.broken
    kinds = Counter(kind for lines in broken.values() for kind in {line.split()[0] for line in lines})
    least = LEAST if runs >= MANY else 1
    never = sorted(name for name in REQUIRED if fired[name] < least)
    return {
        "variant": variant or "as it is",
        "seeds": runs,
        "first_seed": seeds.start,
        "entries": entries,
        "decisions": dict(decisions.most_common()),
        "unprotected_s": unprotected(bare_ms),
        "broken_seeds": len(broken),
        "broken_by_invariant": dict(sorted(kinds.items())),
        "fired": dict(sorted(fired.items())),
        "never_fired": never,
        "broken": {str(seed): lines for seed, lines in list(broken.items())[:50]},
        "seconds": round(time.monotonic() - began, 1),
    }


def unprotected(bare_ms: list[int]) -> dict[str, float]:
    """Return, in seconds, how long entries were bare while a stop could have been sent: half, 99 %, most."""
    ordered = sorted(bare_ms) or [0]
    ranks = {"median": 0.5, "p99": 0.99, "longest": 1.0}
    return {
        name: ordered[min(int(len(ordered) * rank), len(ordered) - 1)] / 1000 for name, rank in ranks.items()
    }


def report(all_figures: list[dict[str, Any]]) -> list[str]:
    """Return the figures as they stand in docs/reliability.md."""
    columns = (
        "variant", "seeds", "entries", "unprotected s: median, 99 %, longest",
        "seeds that broke", "by invariant", "wall time",
    )  # fmt: skip # a table, or a call that is read as one
    rows: list[tuple[object, ...]] = [
        (
            variant["variant"],
            f"{variant['first_seed']} to {variant['first_seed'] + variant['seeds'] - 1}",
            variant["entries"],
            ", ".join(f"{seconds:.2f}" for seconds in variant["unprotected_s"].values()),
            variant["broken_seeds"],
            ", ".join(f"{name} {count}" for name, count in variant["broken_by_invariant"].items()) or "-",
            f"{variant['seconds']:.0f} s",
        )
        for variant in all_figures
    ]
    injected = sorted((count, name) for name, count in all_figures[0]["fired"].items())
    return [
        *table(columns, rows),
        "",
        f"Never injected: {', '.join(all_figures[0]['never_fired']) or 'nothing'}.",
        "",
        *table(("injected, as it is", "times"), [(name, count) for count, name in reversed(injected)]),
    ]


def main(arguments: list[str]) -> int:
    """Run and report."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.run", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, help="one seed only")
    parser.add_argument("--variant", choices=sorted(VARIANTS), default="")
    parser.add_argument("--variants", type=int, default=0, help="also this many seeds of each broken variant")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("build/simulation.json"))
    asked = parser.parse_args(arguments)
    if asked.seed is not None:
        asked.first, asked.seeds, asked.workers = asked.seed, 1, 1
    all_figures = [figures(range(asked.first, asked.first + asked.seeds), asked.variant, asked.workers)]
    all_figures += [
        figures(range(asked.variants), name, asked.workers) for name in VARIANTS if name and asked.variants
    ]
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(all_figures, indent=2) + "\n")
    if asked.variants and asked.seeds >= ENOUGH:
        reliability.write("simulation", report(all_figures))
    for variant in all_figures:
        sys.stdout.write(json.dumps(variant, indent=2) + "\n")
    missed = all_figures[0]["never_fired"] if asked.seeds >= ENOUGH else []
    unnoticed = [variant["variant"] for variant in all_figures[1:] if not variant["broken"]]
    return 1 if missed or unnoticed or bool(all_figures[0]["broken"]) != bool(asked.variant) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
