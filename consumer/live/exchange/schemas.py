"""The exchange's answers as the types of the port. What cannot be read raises: it counts as unknown."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from consumer.intents import filters
from consumer.live.exchange.port import AlgoState, OrderState, Position, SymbolConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from consumer.intents.filters import Filters

#: Kinds of income that are results of trading; the others move money in and out.
EARNED = frozenset({"REALIZED_PNL", "FUNDING_FEE", "COMMISSION", "INSURANCE_CLEAR"})


def order(answer: Mapping[str, Any]) -> OrderState:
    """Read an order; an average price of zero stands for none."""
    average = Decimal(answer.get("avgPrice") or 0)
    return OrderState(
        symbol=answer["symbol"],
        client_id=answer["clientOrderId"],
        order_id=int(answer["orderId"]),
        status=answer["status"],
        side=answer["side"],
        position_side=answer["positionSide"],
        executed=Decimal(answer["executedQty"]),
        average_price=average or None,
        reduce_only=boolean(answer["reduceOnly"]),
        type=answer["type"],
        price=Decimal(answer["price"]),
        quantity=Decimal(answer["origQty"]),
        time_ms=int(answer["updateTime"]),
    )


def algo(answer: Mapping[str, Any]) -> AlgoState:
    """Read a conditional order, whose type has a name of its own."""
    return AlgoState(
        symbol=answer["symbol"],
        client_id=answer["clientAlgoId"],
        algo_id=int(answer["algoId"]),
        status=answer["algoStatus"],
        side=answer["side"],
        position_side=answer["positionSide"],
        trigger_price=Decimal(answer["triggerPrice"]),
        close_position=boolean(answer["closePosition"]),
        order_type=answer["orderType"],
        actual_order_id=str(answer.get("actualOrderId") or ""),
        time_ms=int(answer["updateTime"]),
    )


def positions(answer: list[Mapping[str, Any]]) -> list[Position]:
    """Read the positions that are not flat."""
    read = (
        Position(
            symbol=position["symbol"],
            side=position["positionSide"],
            amount=Decimal(position["positionAmt"]),
            entry_price=Decimal(position["entryPrice"]),
            mark_price=Decimal(position["markPrice"]),
            notional=Decimal(position["notional"]),
        )
        for position in answer
    )
    return [position for position in read if position.amount]


def modes(answer: Mapping[str, Any]) -> tuple[bool, bool]:
    """Read whether the account is hedged, and whether it is in multi-assets mode."""
    return boolean(answer["dualSidePosition"]), boolean(answer["multiAssetsMargin"])


def money(answer: Mapping[str, Any]) -> tuple[Decimal, Decimal]:
    """Read what is available and what is in the wallet, in USDT."""
    return Decimal(answer["availableBalance"]), Decimal(answer["totalWalletBalance"])


def boolean(value: Any) -> bool:
    """Return a truth value; the text of one is none."""
    if type(value) is not bool:
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def symbol_config(answer: Mapping[str, Any]) -> SymbolConfig:
    """Read a symbol's leverage and margin type."""
    return SymbolConfig(answer["symbol"], int(answer["leverage"]), answer["marginType"])


class IncomeItem(NamedTuple):
    """One item of income: what tells it from others, what trading earned by it, in which asset, and when."""

    key: tuple[Any, ...]
    earned: Decimal
    asset: str
    time_ms: int


def income(answer: Mapping[str, Any]) -> IncomeItem:
    """Read one item; pages overlap, so an item is known by all that tells it from others."""
    key = tuple(answer.get(name) for name in ("tranId", "incomeType", "symbol", "time", "income", "asset"))
    counts = answer["incomeType"] in EARNED
    earned = Decimal(answer["income"]) if counts else Decimal(0)
    return IncomeItem(key, earned, answer["asset"], int(answer["time"]))


def rules(answer: Mapping[str, Any]) -> dict[str, Filters]:
    """Read the symbols that trade; one whose rules cannot be read is left out, and so cannot be traded."""
    rules = {}
    for symbol in answer["symbols"]:
        with suppress(KeyError, ValueError, TypeError, ArithmeticError):
            if (symbol["status"], symbol["contractType"]) == ("TRADING", "PERPETUAL"):
                rules[symbol["symbol"]] = filters.parse(symbol["filters"])
    return rules
