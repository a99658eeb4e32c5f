"""All that the exchange knows, in one body: what tests judge by, whatever a client says of itself."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sandbox.exchange.core import account
from sandbox.exchange.core.prices import mark
from sandbox.exchange.core.records import to_json
from sandbox.exchange.core.symbols import SYMBOLS
from sandbox.exchange.shapes import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox.exchange.core.ledger import Ledger
    from sandbox.exchange.core.records import Record


def report(ledger: Ledger, now_ms: int) -> dict[str, Any]:
    """Return the latest state of every record, every state that each had, and the account.

    `history` is in the order of what happened; `requests` are all that were received, refused ones too.
    """
    held = account.balance(ledger)
    return {
        "now_ms": now_ms,
        "orders": _all(ledger.orders.values()),
        "algo_orders": _all(ledger.algo_orders.values()),
        "trades": _all(ledger.trades),
        "positions": [
            {
                "symbol": symbol,
                "position_side": side,
                "amount": number(position.amount),
                "entry_price": number(position.entry_price),
                "updated_ms": position.updated_ms,
            }
            for (symbol, side), position in ledger.open_positions.items()
        ],
        "history": _all(ledger.history),
        "requests": _all(ledger.requests),
        "marks": {name: number(mark(ledger, name)) for name in SYMBOLS},
        "account": {
            "hedge": account.is_hedged(ledger),
            "multi_assets": account.is_multi_assets(ledger),
            "leverage": {name: account.leverage(ledger, name) for name in SYMBOLS},
            "margin_type": {name: account.margin_type(ledger, name) for name in SYMBOLS},
            "balance": _numbers(asdict(held)) | {"available": number(held.available)},
            "switches": ledger.switches.as_json(),
        },
    }


def _all(records: Iterable[Record]) -> list[dict[str, Any]]:
    return [to_json(record) for record in records]


def _numbers(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: number(value) for name, value in values.items()}
