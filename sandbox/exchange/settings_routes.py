"""The account's settings: told, and changed where nothing stands against it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.exchange.core import account
from sandbox.exchange.core.errors import ExchangeError, RefusalCode
from sandbox.exchange.core.symbols import SYMBOLS, listed
from sandbox.exchange.listing import Filter

if TYPE_CHECKING:
    from sandbox.exchange import shapes
    from sandbox.exchange.core.ledger import Ledger
    from sandbox.exchange.core.parameters import Parameters
    from sandbox.exchange.core.symbols import Symbol

_DONE = {"code": 200, "msg": "success"}
_FEATURES = {
    "feeTier": 0,
    "canTrade": True,
    "canDeposit": True,
    "canWithdraw": True,
    "feeBurn": False,
}


def features(ledger: Ledger) -> dict[str, Any]:
    """Return what the account may do."""
    return _FEATURES | {"multiAssetsMargin": account.is_multi_assets(ledger)}


def config(ledger: Ledger, _parameters: Parameters, now_ms: int) -> shapes.Body:
    """GET /accountConfig."""
    return features(ledger) | {"dualSidePosition": account.is_hedged(ledger), "updateTime": now_ms}


def symbol_config(ledger: Ledger, parameters: Parameters, _now_ms: int) -> list[shapes.Body]:
    """GET /symbolConfig, of one symbol or of all."""
    wanted = Filter.of(parameters)
    return [
        {
            "symbol": name,
            "marginType": account.margin_type(ledger, name),
            "isAutoAddMargin": False,
            "leverage": account.leverage(ledger, name),
            "maxNotionalValue": str(symbol.largest_notional(account.leverage(ledger, name))),
        }
        for name, symbol in SYMBOLS.items()
        if wanted.symbol in (None, name)
    ]


def position_mode(ledger: Ledger, _parameters: Parameters, _now_ms: int) -> shapes.Body:
    """GET /positionSide/dual."""
    return {"dualSidePosition": account.is_hedged(ledger)}


def multi_assets(ledger: Ledger, _parameters: Parameters, _now_ms: int) -> shapes.Body:
    """GET /multiAssetsMargin."""
    return {"multiAssetsMargin": account.is_multi_assets(ledger)}


def change_position_mode(ledger: Ledger, parameters: Parameters, _now_ms: int) -> shapes.Body:
    """POST /positionSide/dual; refused while orders or positions are open."""
    parameters.text("dualSidePosition")
    wanted = parameters.boolean("dualSidePosition")
    if wanted == account.is_hedged(ledger):
        raise ExchangeError(RefusalCode.SAME_POSITION_MODE)
    if ledger.open_orders or ledger.open_algo_orders:
        raise ExchangeError(RefusalCode.MODE_HAS_ORDERS)
    if ledger.open_positions:
        raise ExchangeError(RefusalCode.MODE_HAS_POSITION)
    ledger.put(account.hedged_setting(wanted=wanted))
    return _DONE


def change_leverage(ledger: Ledger, parameters: Parameters, _now_ms: int) -> shapes.Body:
    """POST /leverage."""
    symbol = listed(parameters.text("symbol"))
    parameters.text("leverage")
    wanted = parameters.integer("leverage") or 0
    if not 1 <= wanted <= symbol.max_leverage:
        raise ExchangeError(RefusalCode.BAD_LEVERAGE, wanted)
    _check_new_leverage(ledger, symbol, wanted)
    ledger.put(account.leverage_setting(symbol.name, wanted))
    return {
        "leverage": wanted,
        "maxNotionalValue": str(symbol.largest_notional(wanted)),
        "symbol": symbol.name,
    }


def _check_new_leverage(ledger: Ledger, symbol: Symbol, wanted: int) -> None:
    """Refuse less leverage than the margin allows, or than an isolated position has; or too much for it."""
    used = account.leverage(ledger, symbol.name)
    held = [position for place, position in ledger.open_positions.items() if place[0] == symbol.name]
    if held and wanted < used and account.margin_type(ledger, symbol.name) == "ISOLATED":
        raise ExchangeError(RefusalCode.ISOLATED_LEVERAGE)
    margin = sum((account.margin(ledger, symbol.name, position) for position in held), Decimal(0))
    if margin * used / wanted - margin > account.balance(ledger).available:
        raise ExchangeError(RefusalCode.LEVERAGE_TOO_SMALL)
    if margin * used > symbol.largest_notional(wanted):
        raise ExchangeError(RefusalCode.POSITION_TOO_LARGE)


def brackets(_ledger: Ledger, parameters: Parameters, _now_ms: int) -> list[shapes.Body]:
    """GET /leverageBracket, of one symbol or of all."""
    wanted = Filter.of(parameters)
    return [
        {
            "symbol": name,
            "brackets": [
                {
                    "bracket": number,
                    "initialLeverage": bracket.leverage,
                    "notionalCap": bracket.cap,
                    "notionalFloor": bracket.floor,
                    "maintMarginRatio": float(1 / (2 * Decimal(bracket.leverage))),
                    "cum": 0.0,
                }
                for number, bracket in enumerate(symbol.brackets, start=1)
            ],
        }
        for name, symbol in SYMBOLS.items()
        if wanted.symbol in (None, name)
    ]


def change_margin_type(ledger: Ledger, parameters: Parameters, _now_ms: int) -> shapes.Body:
    """POST /marginType; refused while the symbol has orders or a position."""
    symbol = listed(parameters.text("symbol")).name
    wanted = parameters.text("marginType")
    if wanted not in ("ISOLATED", "CROSSED"):
        raise ExchangeError(RefusalCode.MANDATORY, "marginType")
    if wanted == account.margin_type(ledger, symbol):
        raise ExchangeError(RefusalCode.SAME_MARGIN_TYPE)
    waiting = {order.symbol for order in ledger.open_orders} | {
        order.symbol for order in ledger.open_algo_orders
    }
    if symbol in waiting:
        raise ExchangeError(RefusalCode.MARGIN_TYPE_HAS_ORDERS)
    if any(place[0] == symbol for place in ledger.open_positions):
        raise ExchangeError(RefusalCode.MARGIN_TYPE_HAS_POSITION)
    ledger.put(account.margin_type_setting(symbol, wanted))
    return _DONE
