"""`python -m sandbox VERB ...`: the programs that the sandbox's containers run."""

from __future__ import annotations

import importlib
import sys

#: Verb → module that offers `main(arguments) -> exit code`. Imported on demand, so that a stand-in
#: does not carry the exchange in memory.
VERBS = {
    "exchange": "sandbox.exchange.serve",
    "ask-exchange": "sandbox.exchange.ask",
    "reset-exchange": "sandbox.exchange.reset",
    "producers": "sandbox.producers.cli",
    "seed-stream": "sandbox.stream.cli",
    "standin": "sandbox.standin",
}


def main(arguments: list[str]) -> int:
    """Run one verb and return its exit code; 2 with the list of verbs for any other word."""
    verb, *rest = arguments or [""]
    if verb not in VERBS:
        sys.stderr.write(f"usage: python -m sandbox {{{','.join(VERBS)}}} [options]\n")
        return 2
    return int(importlib.import_module(VERBS[verb]).main(rest))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
