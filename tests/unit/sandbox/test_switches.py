from pathlib import Path

import pytest

from sandbox.exchange.core.ledger import Ledger
from sandbox.exchange.core.switches import SwitchError, Switches
from sandbox.exchange.store import FileStore


@pytest.mark.parametrize(
    "changes",
    [
        {"unheard_of": 1},
        {"read_lag_ms": "1"},
        {"overloaded": 1},
        {"ack_mode": "no"},
        {"fill_fraction": "1.5"},
    ],
    ids=str,
)
def test_a_switch_that_cannot_be_set_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(SwitchError):
        Switches().changed(changes)


def test_switches_outlive_a_restart_and_end_with_a_reset(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    Ledger(FileStore(path)).set_switches(Switches(read_lag_ms=5))
    again = Ledger(FileStore(path))
    assert again.switches.read_lag_ms == 5
    again.reset()
    assert again.switches == Switches()
