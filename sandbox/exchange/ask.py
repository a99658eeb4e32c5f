"""`python -m sandbox ask-exchange METHOD PATH [JSON]`: a control route of the exchange in this container.

For example `docker exec quantum_exchange python3 -m sandbox ask-exchange POST /sandbox/price
'{"symbol": "ADAUSDT", "mark": "0.3600"}'` moves a price, and `GET /sandbox/ledger` shows the record.
"""

from __future__ import annotations

import argparse
import sys
import urllib.error
import urllib.request
from pathlib import Path

from sandbox.exchange.control import ADMIN_HEADER


def main(arguments: list[str]) -> int:
    """Ask on loopback and print the answer; 1 when the exchange refuses."""
    asked = _parser().parse_args(arguments)
    headers = {"Content-Type": "application/json"}
    if asked.admin_key_file:
        headers[ADMIN_HEADER] = asked.admin_key_file.read_text(encoding="utf-8").strip()
    request = urllib.request.Request(
        f"http://127.0.0.1:{asked.port}{asked.path}",
        data=asked.body.encode() if asked.body else None,
        headers=headers,
        method=asked.method,
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - the same
            sys.stdout.write(answer.read().decode() + "\n")
    except urllib.error.HTTPError as refusal:
        sys.stderr.write(f"the exchange answered {refusal.code}: {refusal.read().decode()}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox ask-exchange", description=__doc__)
    parser.add_argument("method", choices=("GET", "POST", "DELETE"))
    parser.add_argument("path", help="/sandbox/reset, price, script, faults, account or ledger")
    parser.add_argument("body", nargs="?", default="", help="JSON")
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--admin-key-file", type=Path, help="wanted where the exchange was given one")
    return parser
