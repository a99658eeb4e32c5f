"""Verify and deploy a sound sandbox again and again, under its producers and bursts: is any alarm false?

    python tests/bench/steady_runs.py [verifies] [deploys]

Prints a line for each run as a row of a table. Publishes bursts on the sandbox's own stream only.
"""

from __future__ import annotations

import json
import sys
import time

from tests.support import stack
from tests.support.playbooks import Project, red

#: Entries of a burst before every run, as fast as Redis takes them.
BURST = 500


def burst(number: int) -> None:
    """Publish entries in a moment, each a symbol of its own, so that none is a twin."""
    pipe = stack.redis_client().pipeline(transaction=False)
    for count in range(BURST):
        intent = {
            "symbol": f"L{number}X{count}USDT",
            "side": "BUY",
            "position_size_usd": 100,
            "entry_price": 2,
        }
        pipe.xadd(stack.STREAM, {"payload": json.dumps(intent)})
    pipe.execute()


def run(project: Project, number: int, *command: str) -> str:
    """Run once; return a row: when, what, verdict, what gated, seconds."""
    burst(number)
    began = time.monotonic()
    project.run(*command)
    evidence = project.evidence()
    wrong = ", ".join(sorted(red(evidence))) or "nothing"
    about = evidence["subject"]
    seconds = time.monotonic() - began
    return f"| {about['finished']} | {about['kind']} | {evidence['verdict']} | {wrong} | {seconds:.0f} s |"


def main() -> None:
    """Print the table."""
    verifies, deploys = (int(word) for word in (*sys.argv[1:], "30", "10")[:2])
    project = Project()
    sys.stdout.write("| finished | run | verdict | what did not pass | took |\n|---|---|---|---|---|\n")
    for number in range(verifies + deploys):
        is_deploy = number % 4 == 3 and number // 4 < deploys
        command = ("deploy.yml", "-e", "safe_drain=true") if is_deploy else ("playbooks/verify.yml",)
        sys.stdout.write(run(project, number, *command) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
