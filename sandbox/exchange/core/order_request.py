"""An order as it is asked for: the parameters of a request, typed, before the symbol's filters."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from sandbox.exchange.core.errors import ExchangeError, RefusalCode
from sandbox.exchange.core.records import CLOSING_HEDGED
from sandbox.exchange.core.symbols import Symbol, listed

if TYPE_CHECKING:
    from sandbox.exchange.core.parameters import Parameters

_SIDES = ("BUY", "SELL")
_POSITION_SIDES = ("BOTH", "LONG", "SHORT")
_TIMES_IN_FORCE = ("GTC", "IOC", "FOK", "GTX")
_PLAIN_TYPES = ("LIMIT", "MARKET")
_CLOSING_TYPES = ("STOP_MARKET", "TAKE_PROFIT_MARKET")
CONDITIONAL_TYPES = (*_CLOSING_TYPES, "STOP", "TAKE_PROFIT", "TRAILING_STOP_MARKET")
_ZERO = Decimal(0)


@dataclass(frozen=True)
class OrderRequest:
    """A plain order or a conditional one; what does not apply is zero, empty or false.

    says_reduce_only: whether the parameter was sent at all, which hedge mode does not allow.
    """

    symbol: Symbol
    side: str
    position_side: str
    type: str
    time_in_force: str
    quantity: Decimal
    price: Decimal
    reduce_only: bool
    client_id: str | None
    trigger_price: Decimal = _ZERO
    close_position: bool = False
    working_type: str = "CONTRACT_PRICE"
    price_protect: bool = False
    activate_price: Decimal = _ZERO
    callback_rate: Decimal = _ZERO
    says_reduce_only: bool = False

    @property
    def closes_hedged(self) -> bool:
        """Whether it closes in hedge mode, where nothing else says so."""
        return (self.position_side, self.side) in CLOSING_HEDGED

    @property
    def sign(self) -> int:
        """1 for a buy, -1 for a sell."""
        return 1 if self.side == "BUY" else -1


def plain_order(parameters: Parameters) -> OrderRequest:
    """Read a request for POST /order. Conditional types belong to the other endpoint."""
    symbol = listed(parameters.text("symbol"))
    side = parameters.choice("side", _SIDES, RefusalCode.BAD_SIDE)
    if parameters.text("type") in CONDITIONAL_TYPES:
        raise ExchangeError(RefusalCode.USE_ALGO_ENDPOINT)
    kind = parameters.choice("type", _PLAIN_TYPES, RefusalCode.BAD_TYPE)
    is_limit = kind == "LIMIT"
    time_in_force = "GTC"
    if is_limit:
        time_in_force = parameters.choice("timeInForce", _TIMES_IN_FORCE, RefusalCode.BAD_TIME_IN_FORCE)
    return OrderRequest(
        symbol=symbol,
        side=side,
        position_side=_position_side(parameters),
        type=kind,
        time_in_force=time_in_force,
        quantity=_mandatory(parameters, "quantity"),
        price=_mandatory(parameters, "price") if is_limit else _absent(parameters, "price"),
        reduce_only=parameters.boolean("reduceOnly"),
        client_id=parameters.client_id("newClientOrderId"),
        says_reduce_only="reduceOnly" in parameters,
    )


def conditional_order(parameters: Parameters) -> OrderRequest:
    """Read a request for POST /algoOrder."""
    if parameters.text("algoType") != "CONDITIONAL":
        raise ExchangeError(RefusalCode.MANDATORY, "algoType")
    symbol = listed(parameters.text("symbol"))
    side = parameters.choice("side", _SIDES, RefusalCode.BAD_SIDE)
    kind = parameters.choice("type", CONDITIONAL_TYPES, RefusalCode.BAD_TYPE)
    closes = _close_position(parameters, kind)
    trails = kind == "TRAILING_STOP_MARKET"
    return OrderRequest(
        symbol=symbol,
        side=side,
        position_side=_position_side(parameters),
        type=kind,
        time_in_force=parameters.choice(
            "timeInForce", _TIMES_IN_FORCE, RefusalCode.BAD_TIME_IN_FORCE, default="GTC"
        ),
        quantity=_ZERO if closes else _mandatory(parameters, "quantity"),
        price=_mandatory(parameters, "price") if kind in ("STOP", "TAKE_PROFIT") else _ZERO,
        reduce_only=parameters.boolean("reduceOnly"),
        client_id=parameters.client_id("clientAlgoId"),
        says_reduce_only="reduceOnly" in parameters,
        trigger_price=_ZERO if trails else _mandatory(parameters, "triggerPrice"),
        close_position=closes,
        working_type=parameters.get("workingType", "CONTRACT_PRICE"),
        price_protect=parameters.boolean("priceProtect"),
        activate_price=parameters.decimal("activatePrice") or _ZERO,
        callback_rate=_mandatory(parameters, "callbackRate") if trails else _ZERO,
    )


def _position_side(parameters: Parameters) -> str:
    return parameters.choice(
        "positionSide", _POSITION_SIDES, RefusalCode.POSITION_SIDE_MISMATCH, default="BOTH"
    )


def _close_position(parameters: Parameters, kind: str) -> bool:
    closes = parameters.boolean("closePosition")
    if closes and kind not in _CLOSING_TYPES:
        raise ExchangeError(RefusalCode.NOT_REQUIRED, "closePosition")
    if closes and "quantity" in parameters:
        raise ExchangeError(RefusalCode.QUANTITY_WITH_CLOSE)
    if closes and "reduceOnly" in parameters:
        raise ExchangeError(RefusalCode.NOT_REQUIRED, "reduceOnly")
    return closes


def _mandatory(parameters: Parameters, name: str) -> Decimal:
    value = parameters.decimal(name)
    if value is None:
        raise ExchangeError(RefusalCode.MANDATORY, name)
    return value


def _absent(parameters: Parameters, name: str) -> Decimal:
    if name in parameters:
        raise ExchangeError(RefusalCode.NOT_REQUIRED, name)
    return _ZERO
