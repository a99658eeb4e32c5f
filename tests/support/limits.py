"""A limits file as live mode wants it, for tests whose point is another one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

LEVERAGE = 5


def limits(symbols: Iterable[str], **changes: Any) -> dict[str, Any]:
    """Return limits that leave room for a few intents of 200 USD on each symbol; `changes` replaces keys."""
    of_symbol = {
        "max_notional_usd": "1000",
        "max_position_usd": "1500",
        "leverage": LEVERAGE,
        "margin_type": "CROSSED",
    }
    return {
        "symbols": dict.fromkeys(symbols, of_symbol),
        "max_order_notional_usd": "1000",
        "max_intent_notional_usd": "1000",
        "max_gross_usd": "5000",
        "orders_per_minute": 60,
        "price_collar": "0.05",
        "leverage_cap": 10,
        "max_open_positions": 4,
        "max_daily_loss_usd": "500",
        "max_executions_per_symbol": {"count": 10, "window_s": 60},
        "signed_off_by": "a test",
        "signed_off_at": "2026-01-01T00:00:00+00:00",
        **changes,
    }
