"""What about the exchange is not known, or goes wrong on demand: each a switch, kept over a restart."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from typing import Any


class SwitchError(ValueError):
    """Raised for a switch that there is not, or a value of the wrong kind."""


@dataclass(frozen=True)
class Switches:
    """Defaults are the documented behaviour, and where nothing is documented the worse one.

    time_skew_ms: what the exchange's clock is ahead of the machine's.
    read_lag_ms: how long a new order or fill stays out of queries and lists.
    matching_delay_ms: how long an order travels from the gateway to the matching engine.
    trigger_delay_ms: how long a conditional order stays TRIGGERING.
    ack_mode: "asked" honours newOrderRespType; "ack" and "result" answer so whatever is asked for.
    avg_price_in_post: whether POST and DELETE /order tell avgPrice and cumQuote, as they once did.
    duplicate_closed_ids_refused: whether -4116 also meets the id of an order that is done.
    duplicate_algo_code: what a second open clientAlgoId meets: -4116, -4015, -4045, or 0 for nothing.
    fill_fraction: what part of a market order finds a counterparty; the rest expires.
    reject_triggered: whether conditional orders are REJECTED when their price comes.
    expire_closing_algos_when_flat: whether closePosition orders go with their position (GTE).
    hedge_close_exempt_from_notional: whether LONG+SELL and SHORT+BUY may be below the smallest notional.
    lists_need_symbol: whether userTrades and allAlgoOrders are refused without a symbol.
    overloaded: whether orders that do not reduce meet -1008.
    weight_limit, orders_10s_limit, orders_1m_limit: the rate limits.
    """

    time_skew_ms: int = 0
    read_lag_ms: int = 0
    matching_delay_ms: int = 0
    trigger_delay_ms: int = 0
    ack_mode: str = "asked"
    avg_price_in_post: bool = False
    duplicate_closed_ids_refused: bool = False
    duplicate_algo_code: int = -4116
    fill_fraction: str = "1"
    reject_triggered: bool = False
    expire_closing_algos_when_flat: bool = True
    hedge_close_exempt_from_notional: bool = False
    lists_need_symbol: bool = False
    overloaded: bool = False
    weight_limit: int = 2_400
    orders_10s_limit: int = 300
    orders_1m_limit: int = 1_200

    def changed(self, changes: dict[str, Any]) -> Switches:
        """Return these switches with others set. Raises SwitchError."""
        for name, value in changes.items():
            if name not in NAMES:
                raise SwitchError(f"there is no switch {name}; there are {', '.join(sorted(NAMES))}")
            if type(value) is not NAMES[name]:
                raise SwitchError(f"{name} wants {NAMES[name].__name__}, not {value!r}")
        if changes.get("ack_mode", "asked") not in ("asked", "ack", "result"):
            raise SwitchError("ack_mode is asked, ack or result")
        if not 0 <= Decimal(changes.get("fill_fraction", 1)) <= 1:
            raise SwitchError("fill_fraction lies between 0 and 1")
        return replace(self, **changes)

    def as_json(self) -> dict[str, Any]:
        """Return every switch by name."""
        return asdict(self)


NAMES: dict[str, type] = {field.name: type(field.default) for field in fields(Switches)}
