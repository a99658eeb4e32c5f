"""The account: balances, positions, settings, income."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.exchange import account, shapes
from sandbox.exchange.errors import ExchangeError, Refusal
from sandbox.exchange.listing import Filter
from sandbox.exchange.positions import Position
from sandbox.exchange.prices import mark
from sandbox.exchange.records import Setting
from sandbox.exchange.shapes import number
from sandbox.exchange.symbols import SYMBOLS, listed

if TYPE_CHECKING:
    from sandbox.exchange.ledger import Ledger
    from sandbox.exchange.parameters import Parameters
    from sandbox.exchange.records import Trade

_DONE = {"code": 200, "msg": "success"}
_FEATURES = {
    "feeTier": 0,
    "canTrade": True,
    "canDeposit": True,
    "canWithdraw": True,
    "feeBurn": False,
    "multiAssetsMargin": False,
}


def account_v2(ledger: Ledger, _parameters: Parameters, now_ms: int) -> shapes.Body:
    """GET /v2/account: every symbol's position, with leverage."""
    held = account.open_positions(ledger)
    places = [*held, *((name, "BOTH") for name in SYMBOLS if (name, "BOTH") not in held)]
    positions = [
        _position_v2(ledger, symbol, side, held.get((symbol, side), Position())) for symbol, side in places
    ]
    return _FEATURES | {"updateTime": now_ms} | _totals(ledger, now_ms) | {"positions": positions}


def account_v3(ledger: Ledger, _parameters: Parameters, now_ms: int) -> shapes.Body:
    """GET /v3/account: only positions that are held, without leverage."""
    positions = [_position_v3(ledger, *place, one) for place, one in account.open_positions(ledger).items()]
    return _totals(ledger, now_ms) | {"positions": positions}


def balances(ledger: Ledger, _parameters: Parameters, now_ms: int) -> list[shapes.Body]:
    """GET /v3/balance."""
    held = account.balance(ledger)
    return [
        {
            "accountAlias": "sandbox",
            "asset": "USDT",
            "balance": number(held.wallet),
            "crossWalletBalance": number(held.wallet),
            "crossUnPnl": number(held.unrealized),
            "availableBalance": number(held.available),
            "maxWithdrawAmount": number(held.available),
            "marginAvailable": True,
            "updateTime": now_ms,
        }
    ]


def position_risk_v2(ledger: Ledger, parameters: Parameters, _now_ms: int) -> list[shapes.Body]:
    """GET /v2/positionRisk: every symbol's position, with leverage and margin type."""
    wanted = Filter.of(parameters)
    held = account.open_positions(ledger)
    places = [*held, *((name, "BOTH") for name in SYMBOLS if (name, "BOTH") not in held)]
    return [
        _risk(ledger, *place, held.get(place, Position()))
        | {
            "leverage": str(account.leverage(ledger, place[0])),
            "marginType": "cross" if account.margin_type(ledger, place[0]) == "CROSSED" else "isolated",
        }
        for place in places
        if wanted.symbol in (None, place[0])
    ]


def position_risk_v3(ledger: Ledger, parameters: Parameters, _now_ms: int) -> list[shapes.Body]:
    """GET /v3/positionRisk: symbols with a position or an open order, without leverage or margin type."""
    wanted = Filter.of(parameters)
    held = account.open_positions(ledger)
    with_orders = dict.fromkeys((order.symbol, order.position_side) for order in ledger.open_orders)
    return [
        _risk(ledger, *place, held.get(place, Position()))
        for place in {**dict.fromkeys(held), **with_orders}
        if wanted.symbol in (None, place[0])
    ]


def config(ledger: Ledger, _parameters: Parameters, now_ms: int) -> shapes.Body:
    """GET /accountConfig."""
    return _FEATURES | {"dualSidePosition": account.is_hedged(ledger), "updateTime": now_ms}


def symbol_config(ledger: Ledger, parameters: Parameters, _now_ms: int) -> list[shapes.Body]:
    """GET /symbolConfig, of one symbol or of all."""
    wanted = Filter.of(parameters)
    return [
        {
            "symbol": name,
            "marginType": account.margin_type(ledger, name),
            "isAutoAddMargin": False,
            "leverage": account.leverage(ledger, name),
            "maxNotionalValue": "1000000",
        }
        for name in SYMBOLS
        if wanted.symbol in (None, name)
    ]


def position_mode(ledger: Ledger, _parameters: Parameters, _now_ms: int) -> shapes.Body:
    """GET /positionSide/dual."""
    return {"dualSidePosition": account.is_hedged(ledger)}


def change_position_mode(ledger: Ledger, parameters: Parameters, _now_ms: int) -> shapes.Body:
    """POST /positionSide/dual; refused while orders or positions are open."""
    parameters.text("dualSidePosition")
    wanted = parameters.boolean("dualSidePosition")
    if wanted == account.is_hedged(ledger):
        raise ExchangeError(Refusal.SAME_POSITION_MODE)
    if ledger.open_orders or ledger.open_algo_orders:
        raise ExchangeError(Refusal.MODE_HAS_ORDERS)
    if account.open_positions(ledger):
        raise ExchangeError(Refusal.MODE_HAS_POSITION)
    ledger.put(Setting("dual", "true" if wanted else "false"))
    return _DONE


def change_leverage(ledger: Ledger, parameters: Parameters, _now_ms: int) -> shapes.Body:
    """POST /leverage."""
    symbol = listed(parameters.text("symbol"))
    parameters.text("leverage")
    wanted = parameters.integer("leverage") or 0
    if not 1 <= wanted <= symbol.max_leverage:
        raise ExchangeError(Refusal.BAD_LEVERAGE, wanted)
    ledger.put(Setting(f"leverage:{symbol.name}", str(wanted)))
    return {"leverage": wanted, "maxNotionalValue": "1000000", "symbol": symbol.name}


def change_margin_type(ledger: Ledger, parameters: Parameters, _now_ms: int) -> shapes.Body:
    """POST /marginType; refused while the symbol has orders or a position."""
    symbol = listed(parameters.text("symbol")).name
    wanted = parameters.text("marginType")
    if wanted not in ("ISOLATED", "CROSSED"):
        raise ExchangeError(Refusal.MANDATORY, "marginType")
    if wanted == account.margin_type(ledger, symbol):
        raise ExchangeError(Refusal.SAME_MARGIN_TYPE)
    waiting = {order.symbol for order in ledger.open_orders} | {
        order.symbol for order in ledger.open_algo_orders
    }
    if symbol in waiting:
        raise ExchangeError(Refusal.MARGIN_TYPE_HAS_ORDERS)
    if any(place[0] == symbol for place in account.open_positions(ledger)):
        raise ExchangeError(Refusal.MARGIN_TYPE_HAS_POSITION)
    ledger.put(Setting(f"margin_type:{symbol}", wanted))
    return _DONE


def income(ledger: Ledger, parameters: Parameters, _now_ms: int) -> list[shapes.Body]:
    """GET /income: the realized profit and the commission of each fill, oldest first."""
    wanted = Filter.of(parameters)
    kind = parameters.get("incomeType")
    found = [
        item
        for one in ledger.trades
        if wanted.has(one.symbol, one.time_ms)
        for item in _incomes(one)
        if kind in (None, item["incomeType"])
    ]
    return wanted.latest(found)


def _incomes(trade: Trade) -> list[shapes.Body]:
    amounts = {"REALIZED_PNL": trade.realized_pnl, "COMMISSION": -trade.commission}
    return [
        {
            "symbol": trade.symbol,
            "incomeType": kind,
            "income": number(amount),
            "asset": "USDT",
            "info": kind,
            "time": trade.time_ms,
            "tranId": trade.trade_id,
            "tradeId": str(trade.trade_id),
        }
        for kind, amount in amounts.items()
        if amount
    ]


def _totals(ledger: Ledger, now_ms: int) -> dict[str, Any]:
    held = account.balance(ledger)
    margin = held.position_margin + held.order_margin
    totals = {
        "InitialMargin": margin,
        "MaintMargin": held.position_margin / 2,
        "WalletBalance": held.wallet,
        "UnrealizedProfit": held.unrealized,
        "MarginBalance": held.wallet + held.unrealized,
        "PositionInitialMargin": held.position_margin,
        "OpenOrderInitialMargin": held.order_margin,
        "CrossWalletBalance": held.wallet,
        "CrossUnPnl": held.unrealized,
    }
    available = {"availableBalance": number(held.available), "maxWithdrawAmount": number(held.available)}
    asset = {name[0].lower() + name[1:]: number(value) for name, value in totals.items()}
    return {
        **{f"total{name}": number(value) for name, value in totals.items()},
        **available,
        "assets": [{"asset": "USDT", "updateTime": now_ms, **asset, **available}],
    }


def _position_v3(ledger: Ledger, symbol: str, side: str, position: Position) -> shapes.Body:
    notional = position.amount * mark(symbol)
    margin = abs(notional) / account.leverage(ledger, symbol)
    return {
        "symbol": symbol,
        "positionSide": side,
        "positionAmt": number(position.amount),
        "unrealizedProfit": number(account.unrealized(symbol, position)),
        "isolatedMargin": "0",
        "notional": number(notional),
        "isolatedWallet": "0",
        "initialMargin": number(margin),
        "maintMargin": number(margin / 2),
        "updateTime": position.updated_ms,
    }


def _position_v2(ledger: Ledger, symbol: str, side: str, position: Position) -> shapes.Body:
    return _position_v3(ledger, symbol, side, position) | {
        "leverage": str(account.leverage(ledger, symbol)),
        "isolated": account.margin_type(ledger, symbol) == "ISOLATED",
        "entryPrice": number(position.entry_price),
        "breakEvenPrice": number(position.entry_price),
    }


def _risk(ledger: Ledger, symbol: str, side: str, position: Position) -> shapes.Body:
    base = _position_v3(ledger, symbol, side, position)
    profit = base.pop("unrealizedProfit")
    return base | {
        "entryPrice": number(position.entry_price),
        "breakEvenPrice": number(position.entry_price),
        "markPrice": number(mark(symbol)),
        "unRealizedProfit": profit,
        "liquidationPrice": "0",
        "marginAsset": "USDT",
        "positionInitialMargin": base["initialMargin"],
        "openOrderInitialMargin": "0",
        "adl": 0,
        "bidNotional": "0",
        "askNotional": "0",
    }
