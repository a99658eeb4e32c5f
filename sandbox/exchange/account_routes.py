"""The account: balances, positions, income."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.exchange.core import account
from sandbox.exchange.core.positions import FLAT, HeldPosition
from sandbox.exchange.core.prices import mark
from sandbox.exchange.core.symbols import SYMBOLS
from sandbox.exchange.listing import Filter
from sandbox.exchange.settings_routes import features
from sandbox.exchange.shapes import number

if TYPE_CHECKING:
    from sandbox.exchange import shapes
    from sandbox.exchange.core.ledger import Ledger
    from sandbox.exchange.core.parameters import Parameters
    from sandbox.exchange.core.records import Trade


def account_v2(ledger: Ledger, _parameters: Parameters, now_ms: int) -> shapes.Body:
    """GET /v2/account: every symbol's position, with leverage."""
    held = ledger.open_positions
    places = [*held, *((name, "BOTH") for name in SYMBOLS if (name, "BOTH") not in held)]
    positions = [
        _position_v2(ledger, symbol, side, held.get((symbol, side), FLAT)) for symbol, side in places
    ]
    return features(ledger) | {"updateTime": now_ms} | _totals(ledger, now_ms) | {"positions": positions}


def account_v3(ledger: Ledger, _parameters: Parameters, now_ms: int) -> shapes.Body:
    """GET /v3/account: only positions that are held, without leverage."""
    positions = [_position_v3(ledger, *place, position) for place, position in ledger.open_positions.items()]
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
    held = ledger.open_positions
    places = [*held, *((name, "BOTH") for name in SYMBOLS if (name, "BOTH") not in held)]
    return [
        _risk(ledger, *place, held.get(place, FLAT))
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
    held = ledger.open_positions
    with_orders = dict.fromkeys((order.symbol, order.position_side) for order in ledger.open_orders)
    return [
        _risk(ledger, *place, held.get(place, FLAT))
        for place in {**dict.fromkeys(held), **with_orders}
        if wanted.symbol in (None, place[0])
    ]


def income(ledger: Ledger, parameters: Parameters, now_ms: int) -> list[shapes.Body]:
    """GET /income: the realized profit and the commission of each fill, oldest first."""
    wanted = Filter.of_days(parameters, now_ms)
    kind = parameters.get("incomeType")
    listed = [
        item
        for trade in ledger.trades
        if wanted.has(trade.symbol, trade.time_ms)
        for item in _incomes(trade)
        if kind in (None, item["incomeType"])
    ]
    return wanted.latest(listed)


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


def _position_v3(ledger: Ledger, symbol: str, side: str, position: HeldPosition) -> shapes.Body:
    notional = position.amount * mark(ledger, symbol)
    margin = account.margin(ledger, symbol, position)
    return {
        "symbol": symbol,
        "positionSide": side,
        "positionAmt": number(position.amount),
        "unrealizedProfit": number(account.unrealized(ledger, symbol, position)),
        "isolatedMargin": "0",
        "notional": number(notional),
        "isolatedWallet": "0",
        "initialMargin": number(margin),
        "maintMargin": number(margin / 2),
        "updateTime": position.updated_ms,
    }


def _position_v2(ledger: Ledger, symbol: str, side: str, position: HeldPosition) -> shapes.Body:
    return _position_v3(ledger, symbol, side, position) | {
        "leverage": str(account.leverage(ledger, symbol)),
        "isolated": account.margin_type(ledger, symbol) == "ISOLATED",
        "entryPrice": number(position.entry_price),
        "breakEvenPrice": number(position.entry_price),
    }


def _risk(ledger: Ledger, symbol: str, side: str, position: HeldPosition) -> shapes.Body:
    base = _position_v3(ledger, symbol, side, position)
    profit = base.pop("unrealizedProfit")
    return base | {
        "entryPrice": number(position.entry_price),
        "breakEvenPrice": number(position.entry_price),
        "markPrice": number(mark(ledger, symbol)),
        "unRealizedProfit": profit,
        "liquidationPrice": "0",
        "marginAsset": "USDT",
        "positionInitialMargin": base["initialMargin"],
        "openOrderInitialMargin": "0",
        "adl": 0,
        "bidNotional": "0",
        "askNotional": "0",
    }
