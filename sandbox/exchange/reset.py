"""`python -m sandbox reset-exchange`: empty the ledger of the exchange in this container."""

from __future__ import annotations

import argparse
import sys
import urllib.request


def main(arguments: list[str]) -> int:
    """Ask the exchange on loopback to forget everything."""
    parser = argparse.ArgumentParser(prog="python -m sandbox reset-exchange", description=__doc__)
    parser.add_argument("--port", type=int, default=8080)
    asked = parser.parse_args(arguments)
    request = urllib.request.Request(f"http://127.0.0.1:{asked.port}/sandbox/reset", method="POST")
    with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - the same
        sys.stdout.write(answer.read().decode() + "\n")
    return 0
