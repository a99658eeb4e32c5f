"""`python -m sandbox reset-exchange`: empty the ledger of the exchange in this container."""

from __future__ import annotations

from sandbox.exchange import ask


def main(arguments: list[str]) -> int:
    """Ask the exchange on loopback to forget everything."""
    return ask.main(["POST", "/sandbox/reset", *arguments])
