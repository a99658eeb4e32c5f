"""The exchange as a program, asked from the command line, with and without an admin key."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.integration.sandbox.conftest import ROOT, Simulator

if TYPE_CHECKING:
    from pathlib import Path

PRICE = json.dumps({"symbol": "ADAUSDT", "mark": "0.3600"})


def ask(exchange: Simulator, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sandbox", "ask-exchange", *words, f"--port={exchange.port}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=20)


def test_without_an_admin_key_whoever_is_on_the_machine_moves_prices(exchange: Simulator) -> None:
    assert ask(exchange, "POST", "/sandbox/price", PRICE).returncode == 0
    told = json.loads(ask(exchange, "GET", "/sandbox/ledger").stdout)
    assert told["marks"]["ADAUSDT"] == "0.3600"


def test_with_an_admin_key_only_who_has_it_does(tmp_path: Path, unused_tcp_port: int) -> None:
    exchange = Simulator(tmp_path, unused_tcp_port)
    key = tmp_path / "admin_key"
    key.write_text("admin\n")
    exchange.start(f"--admin-key-file={key}")
    try:
        refused = ask(exchange, "POST", "/sandbox/price", PRICE)
        assert (refused.returncode, "send the admin key" in refused.stderr) == (1, True)
        assert ask(exchange, "POST", "/sandbox/price", PRICE, f"--admin-key-file={key}").returncode == 0
        assert ask(exchange, "POST", "/sandbox/reset").returncode == 0
    finally:
        exchange.kill()


def test_an_unreadable_admin_key_is_one_sentence(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text("[]")
    words = ["exchange", f"--keys={keys}", f"--ledger={tmp_path / 'ledger'}", f"--admin-key-file={tmp_path}"]
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
