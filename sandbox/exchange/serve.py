"""`python -m sandbox exchange`: serve until SIGTERM."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from aiohttp import web

from sandbox.exchange.app import make_app
from sandbox.exchange.ledger import Ledger
from sandbox.exchange.signing import load_keys


def main(arguments: list[str]) -> int:
    """Serve; 1 with one sentence when the keys cannot be read."""
    asked = _parser().parse_args(arguments)
    try:
        keys = load_keys(asked.keys)
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"the exchange has no usable keys in {asked.keys}: {error!r}\n")
        return 1
    ledger = Ledger(asked.ledger)
    web.run_app(make_app(ledger, keys), host=asked.host, port=asked.port, access_log=None, print=None)
    ledger.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox exchange", description=__doc__)
    parser.add_argument("--host", default=None, help="address to listen on; default: all")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument(
        "--keys", type=Path, required=True, help='JSON list of {"key", "secret", "may_trade"}'
    )
    parser.add_argument("--ledger", type=Path, required=True, help="file that keeps orders over a restart")
    return parser
