import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from sandbox.exchange.core.ledger import Ledger
from sandbox.exchange.core.records import AccountSetting, Order, Trade, to_json
from sandbox.exchange.store import FileStore

ORDER = Order(
    order_id=8_000_000_041,
    client_id="one",
    symbol="ADAUSDT",
    side="BUY",
    position_side="BOTH",
    type="LIMIT",
    time_in_force="GTC",
    quantity=Decimal(20),
    price=Decimal("0.3700"),
    reduce_only=False,
    status="NEW",
    executed=Decimal(0),
    average_price=Decimal(0),
    created_ms=1,
    updated_ms=1,
)
TRADE = Trade(
    8_000_000_042, ORDER.order_id, "ADAUSDT", "BUY", "BOTH", *map(Decimal, ("20", "0.3700", "0", "0.0037")), 2
)


def ledger_at(folder: Path) -> Ledger:
    return Ledger(FileStore(folder / "ledger.jsonl"))


def test_what_was_kept_is_there_again_after_a_restart(tmp_path: Path) -> None:
    before = ledger_at(tmp_path)
    for record in (ORDER, TRADE, AccountSetting("dual", "true")):
        before.put(record)
    after = ledger_at(tmp_path)
    assert after.orders == {ORDER.order_id: ORDER}
    assert after.trades == [TRADE]
    assert after.settings == {"dual": "true"}


def test_the_latest_state_of_an_order_wins(tmp_path: Path) -> None:
    before = ledger_at(tmp_path)
    before.put(ORDER)
    before.put(replace(ORDER, status="CANCELED"))
    assert ledger_at(tmp_path).open_orders == []


def test_no_id_is_given_twice_over_a_restart_or_a_reset(tmp_path: Path) -> None:
    before = ledger_at(tmp_path)
    before.put(TRADE)
    after = ledger_at(tmp_path)
    assert after.next_id() == TRADE.trade_id + 1
    after.reset()
    assert after.next_id() == TRADE.trade_id + 2


def test_a_line_that_a_crash_cut_off_is_dropped_and_the_next_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    Ledger(FileStore(path)).put(AccountSetting("dual", "true"))
    path.write_bytes(path.read_bytes() + b'{"kind": "order", "ord')
    Ledger(FileStore(path)).put(ORDER)
    again = Ledger(FileStore(path))
    assert (again.settings, list(again.orders)) == ({"dual": "true"}, [ORDER.order_id])


def test_a_reset_forgets_everything_also_on_disk(tmp_path: Path) -> None:
    ledger = ledger_at(tmp_path)
    ledger.put(ORDER)
    ledger.reset()
    assert not ledger.orders
    assert not ledger_at(tmp_path).orders


def test_a_line_may_hold_one_record_or_several(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    path.write_text(json.dumps(to_json(ORDER)) + "\n" + json.dumps([to_json(ORDER), to_json(TRADE)]) + "\n")
    ledger = ledger_at(tmp_path)
    assert (list(ledger.orders), ledger.trades) == ([ORDER.order_id], [TRADE])


def test_records_that_are_kept_together_are_cut_off_together(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger_at(tmp_path).put(ORDER, TRADE)
    path.write_bytes(path.read_bytes()[:-20])
    ledger = ledger_at(tmp_path)
    assert (ledger.orders, ledger.trades) == ({}, [])
