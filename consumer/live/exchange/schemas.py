"""The exchange's answers as the types of the port. What cannot be read raises: it counts as unknown."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from consumer.intents import filters
from consumer.live.exchange.port import AlgoState, OrderState, Position, SymbolConfig, Trade

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.intents.filters import Filters

#: Kinds of income that are results of trading; the others move money in and out.
EARNED = frozenset({"REALIZED_PNL", "FUNDING_FEE", "COMMISSION", "INSURANCE_CLEAR"})


def order(found: Mapping[str, Any]) -> OrderState:
    """Read an order; an average price of zero stands for none."""
    average = Decimal(found.get("avgPrice") or 0)
    return OrderState(
        symbol=found["symbol"],
        client_id=found["clientOrderId"],
        order_id=int(found["orderId"]),
        status=found["status"],
        side=found["side"],
        position_side=found["positionSide"],
        executed=Decimal(found["executedQty"]),
        average_price=average or None,
        reduce_only=boolean(found["reduceOnly"]),
        type=found["type"],
        price=Decimal(found["price"]),
        quantity=Decimal(found["origQty"]),
        time_ms=int(found["updateTime"]),
    )


def algo(found: Mapping[str, Any]) -> AlgoState:
    """Read a conditional order, whose type has a name of its own."""
    return AlgoState(
        symbol=found["symbol"],
        client_id=found["clientAlgoId"],
        algo_id=int(found["algoId"]),
        status=found["algoStatus"],
        side=found["side"],
        position_side=found["positionSide"],
        trigger_price=Decimal(found["triggerPrice"]),
        close_position=boolean(found["closePosition"]),
        order_type=found["orderType"],
        actual_order_id=str(found.get("actualOrderId") or ""),
        time_ms=int(found["updateTime"]),
    )


def positions(found: list[Mapping[str, Any]]) -> list[Position]:
    """Read the positions that are not flat."""
    read = (
        Position(
            symbol=one["symbol"],
            side=one["positionSide"],
            amount=Decimal(one["positionAmt"]),
            entry_price=Decimal(one["entryPrice"]),
            mark_price=Decimal(one["markPrice"]),
            notional=Decimal(one["notional"]),
        )
        for one in found
    )
    return [one for one in read if one.amount]


def modes(found: Mapping[str, Any]) -> tuple[bool, bool]:
    """Read whether the account is hedged, and whether it is in multi-assets mode."""
    return boolean(found["dualSidePosition"]), boolean(found["multiAssetsMargin"])


def money(found: Mapping[str, Any]) -> tuple[Decimal, Decimal]:
    """Read what is available and what is in the wallet, in USDT."""
    return Decimal(found["availableBalance"]), Decimal(found["totalWalletBalance"])


def boolean(value: Any) -> bool:
    """Return a truth value; the text of one is none."""
    if type(value) is not bool:
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def symbol_config(found: Mapping[str, Any]) -> SymbolConfig:
    """Read a symbol's leverage and margin type."""
    return SymbolConfig(found["symbol"], int(found["leverage"]), found["marginType"])


def trade(found: Mapping[str, Any]) -> Trade:
    """Read one fill."""
    return Trade(
        symbol=found["symbol"],
        order_id=int(found["orderId"]),
        side=found["side"],
        position_side=found["positionSide"],
        quantity=Decimal(found["qty"]),
        price=Decimal(found["price"]),
        realized_usd=Decimal(found["realizedPnl"]),
        time_ms=int(found["time"]),
    )


class Income(NamedTuple):
    """One item of income: what tells it from others, what trading earned by it, and when."""

    key: tuple[Any, ...]
    earned: Decimal
    time_ms: int


def income(found: Mapping[str, Any]) -> Income:
    """Read one item; pages overlap, so an item is known by all that tells it from others."""
    key = tuple(found.get(name) for name in ("tranId", "incomeType", "symbol", "time", "income"))
    counts = found["incomeType"] in EARNED and found["asset"] == "USDT"
    return Income(key, Decimal(found["income"]) if counts else Decimal(0), int(found["time"]))


def rules(found: Mapping[str, Any]) -> dict[str, Filters]:
    """Read the symbols that trade; one whose rules cannot be read is left out, and so cannot be traded."""
    rules = {}
    for one in found["symbols"]:
        with suppress(KeyError, ValueError, TypeError, ArithmeticError):
            if (one["status"], one["contractType"]) == ("TRADING", "PERPETUAL"):
                rules[one["symbol"]] = filters.parse(one["filters"])
    return rules
