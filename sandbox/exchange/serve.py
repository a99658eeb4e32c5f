"""`python -m sandbox exchange`: serve until SIGTERM."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from aiohttp import web

from sandbox.exchange.app import make_app
from sandbox.exchange.core.ledger import Ledger
from sandbox.exchange.signing import load_keys
from sandbox.exchange.store import FileStore

#: A request that hangs on purpose does not keep the exchange from stopping.
_PATIENCE_S = 1.0


def main(arguments: list[str]) -> int:
    """Serve; 1 with one sentence when the keys cannot be read."""
    asked = _parser().parse_args(arguments)
    try:
        keys = load_keys(asked.keys)
        admin_key = asked.admin_key_file.read_text(encoding="utf-8").strip() if asked.admin_key_file else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"the exchange cannot read its keys: {error}\n")
        return 1
    store = FileStore(asked.ledger)
    app = make_app(Ledger(store), keys, admin_key=admin_key)
    web.run_app(
        app, host=asked.host, port=asked.port, access_log=None, print=None, shutdown_timeout=_PATIENCE_S
    )
    store.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox exchange", description=__doc__)
    parser.add_argument("--host", default=None, help="address to listen on; default: all")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument(
        "--keys", type=Path, required=True, help='JSON list of {"key", "secret", "may_trade"}'
    )
    parser.add_argument("--ledger", type=Path, required=True, help="file that keeps orders over a restart")
    parser.add_argument(
        "--admin-key-file",
        type=Path,
        help="file with the key of /sandbox/…; default: whoever is on this machine needs none",
    )
    return parser
