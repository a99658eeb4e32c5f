"""`python -m tests.mutation.score`: what the last `mutmut run` came to, by file.

Exit code 0 only if every mutant that survived is named in equivalent.json, with the reason why it changes
nothing that is sent.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

from tests.support import reliability
from tests.support.reliability import table

_EQUIVALENT = Path(__file__).with_name("equivalent.json")
_OUT = Path("build/mutation.json")
#: What mutmut says of a mutant that no test could tell from the product; a timeout tells it.
_SURVIVED = ("survived", "no tests", "suspicious")
_FILES = {
    "consumer.live.risk.rules.": "consumer/live/risk/rules.py",
    "consumer.live.exchange.errors.": "consumer/live/exchange/errors.py",
    "consumer.intents.grid.": "consumer/intents/grid.py",
    "consumer.intents.plan.": "consumer/intents/plan.py",
    "consumer.intents.planner.": "consumer/intents/planner.py",
}


def main() -> int:
    """Print the score."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    survivors: list[str] = []
    for name, verdict in _results():
        counts[_file(name)][verdict] += 1
        if verdict in _SURVIVED:
            survivors.append(name)
    known = json.loads(_EQUIVALENT.read_text())
    unnamed = sorted(set(survivors) - known.keys())
    score = {
        "files": {file: dict(verdicts) for file, verdicts in sorted(counts.items())},
        "survived": len(survivors),
        "equivalent": len(survivors) - len(unnamed),
        "unnamed": unnamed,
    }
    _OUT.parent.mkdir(exist_ok=True)
    _OUT.write_text(json.dumps(score, indent=2) + "\n")
    reliability.write("mutation", _report(counts, known, survivors))
    sys.stdout.write(_OUT.read_text())
    return 1 if unnamed or not counts else 0


def _report(counts: dict[str, Counter[str]], known: dict[str, str], survivors: list[str]) -> list[str]:
    """Return the score as it stands in docs/reliability.md."""
    rows: list[tuple[object, ...]] = [
        (
            file,
            verdicts.total(),
            verdicts.total() - sum(verdicts[verdict] for verdict in _SURVIVED),
            sum(verdicts[verdict] for verdict in _SURVIVED),
        )
        for file, verdicts in sorted(counts.items())
    ]
    named = [
        (survivor, known.get(survivor, "not named: write the test that kills it")) for survivor in survivors
    ]
    return [
        *table(("file", "mutants", "killed", "survived"), rows),
        "",
        *(table(("survivor", "why it changes nothing that is sent"), named) if named else ["None survived."]),
    ]


def _results() -> list[tuple[str, str]]:
    said = subprocess.run(
        [sys.executable, "-m", "mutmut", "results", "--all", "true"],
        capture_output=True,
        text=True,
        check=True,
    )
    pairs = (line.strip().split(": ", 1) for line in said.stdout.splitlines() if ": " in line)
    return [(name, verdict) for name, verdict in pairs if verdict != "not checked"]


def _file(mutant: str) -> str:
    return next(file for prefix, file in _FILES.items() if mutant.startswith(prefix))


if __name__ == "__main__":
    sys.exit(main())
