from __future__ import annotations

import json
from typing import Any

import pytest

from consumer.live import downstream_events
from consumer.live.orders.execution_report import ExecutionReport

AT_MS = 1_766_602_892_766
INTENT = {
    "symbol": "ADAUSDT", "side": "BUY", "source": "ai-engine", "confidence": "0.72", "trace_id": "t-1",
    "volatility_factor": "0.5513", "exchange_divergence": "0", "funding_rate": None,
}  # fmt: skip # a table, or a call that is read as one
SHOWN = {
    "intent": INTENT,
    "leverage": {"value": "5", "source": "limits"},
    "levels": {
        "tp1": "0.0095", "tp2": "0.0137", "tp3": "0.0188", "sl": "0.0075", "lsf": "0.3581", "adjustment": "1",
        "harvest": ["0.3", "0.3", "0.4"],
    },
}  # fmt: skip # a table, or a call that is read as one
ORDERS = {"filled_qty": "540", "requests": [{"leg": "entry", "exchange_id": "8000000001", "side": "BUY"}]}
FILLED = ExecutionReport("filled", "FILLED", ORDERS, AT_MS)
SAID = {"atr_value": "0.02", "regime": "unknown"}


def fields(command: list[str]) -> dict[str, str]:
    flat = command[command.index("*") + 1 :]
    return dict(zip(flat[::2], flat[1::2], strict=True))


def payloads(verdict: ExecutionReport, shown: dict[str, Any] = SHOWN) -> dict[str, Any]:
    commands = downstream_events.commands(shown, SAID, verdict)
    return {
        command[1]: json.loads(fields(command)["payload"]) for command in commands if command[0] == "XADD"
    }


def test_an_execution_has_the_fields_that_are_read_today() -> None:
    assert payloads(FILLED)["quantum:stream:trade.executed"] == {
        "symbol": "ADAUSDT", "side": "BUY", "quantity": 540.0, "source": "ai-engine", "confidence": 0.72,
        "order_id": "8000000001", "executed_at": "2025-12-24T19:01:32.766",
    }  # fmt: skip # a table, or a call that is read as one


def test_an_entry_that_was_seen_only_as_a_position_is_told_under_our_own_id() -> None:
    seen = {"leg": "entry", "exchange_id": None, "client_id": "tiabc", "side": "BUY"}
    written = payloads(ExecutionReport("filled", "FILLED", {"filled_qty": "540", "requests": [seen]}, AT_MS))
    assert written["quantum:stream:trade.executed"]["order_id"] == "tiabc"


def test_levels_are_told_with_what_they_were_made_from() -> None:
    assert payloads(FILLED)["quantum:stream:exitbrain.adaptive_levels"] == {
        "symbol": "ADAUSDT", "order_id": "8000000001", "leverage": 5.0, "volatility_factor": 0.5513,
        "adaptive_levels": {
            "tp1": 0.0095, "tp2": 0.0137, "tp3": 0.0188, "sl": 0.0075, "lsf": 0.3581, "adjustment": 1.0,
        },
        "ilf_metadata": {
            "atr_value": 0.02, "exchange_divergence": 0.0, "funding_rate": None, "regime": "unknown",
        },
    }  # fmt: skip # a table, or a call that is read as one


def test_the_events_are_wrapped_as_the_bus_wraps_them() -> None:
    wrapped = fields(downstream_events.commands(SHOWN, SAID, FILLED)[0])
    assert wrapped | {"payload": ""} == {
        "event_type": "trade.executed", "payload": "", "trace_id": "t-1",
        "timestamp": "2025-12-24T19:01:32.766", "source": "trade_intent_consumer",
    }  # fmt: skip # a table, or a call that is read as one


def test_the_positions_hash_leaves_out_what_is_not_known_and_ends_after_a_day() -> None:
    kept, ends = downstream_events.commands(SHOWN, SAID, FILLED)[2:]
    assert kept[:2] == ["HSET", "quantum:position:ilf:ADAUSDT:8000000001"]
    assert "funding_rate" not in kept
    assert ends == ["EXPIRE", kept[1], "86400"]


@pytest.mark.parametrize("status", ["failed", "rejected_venue", "unknown"])
def test_what_did_not_work_out_is_a_failure_and_nothing_else(status: str) -> None:
    written = payloads(ExecutionReport(status, "STOP_REFUSED:-2021", ORDERS, AT_MS))
    assert written == {
        "quantum:stream:trade.failed": {
            "symbol": "ADAUSDT", "side": "BUY", "source": "ai-engine",
            "error": f"{status}: STOP_REFUSED:-2021",
        }
    }  # fmt: skip # a table, or a call that is read as one


def test_a_close_is_an_execution_without_levels() -> None:
    orders = {"filled_qty": "540", "requests": [{"leg": "exit", "exchange_id": "8000000009", "side": "SELL"}]}
    written = payloads(ExecutionReport("filled", "CLOSED", orders, AT_MS), {"intent": INTENT})
    assert list(written) == ["quantum:stream:trade.executed"]
    assert written["quantum:stream:trade.executed"]["side"] == "SELL"
