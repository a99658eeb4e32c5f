"""The user data stream: what happens to the account's orders, as it happens, to whoever has a listen key.

Only the fields that say what an event is of are sent, under the documentation's names.
https://developers.binance.com/docs/derivatives/usds-margined-futures/user-data-streams
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from sandbox.exchange import listen_keys
from sandbox.exchange.core.records import AlgoOrder, Order, Trade

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from sandbox.exchange.clock import MarketClock
    from sandbox.exchange.core.ledger import Ledger

PATH = "/private/ws"
_EVERY_S = 0.05


def handler(ledger: Ledger, clock: MarketClock) -> Handler:
    """Return what serves the stream of a ledger."""

    async def stream(request: web.Request) -> web.StreamResponse:
        if not listen_keys.is_alive(ledger, clock.now_ms(), request.query.get("listenKey", "")):
            return web.Response(status=401)
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(request)
        seen = len(ledger.history)
        while not socket.closed:
            seen = min(seen, len(ledger.history))  # a reset begins anew
            for record in ledger.history[seen:]:
                await socket.send_json(event(ledger, record, clock.now_ms()))
            seen = len(ledger.history)
            if not listen_keys.is_alive(ledger, clock.now_ms(), request.query["listenKey"]):
                await socket.send_json({"e": "listenKeyExpired", "E": clock.now_ms()})
                break
            if await _is_closed(socket):
                break
        await socket.close()
        return socket

    return stream


def event(ledger: Ledger, record: Order | AlgoOrder | Trade, now_ms: int) -> dict[str, Any]:
    """Return what is told of a change."""
    if isinstance(record, Trade):
        amount = ledger.position(record.symbol, record.position_side).amount
        position = {"s": record.symbol, "pa": f"{amount:f}", "ps": record.position_side}
        return {"e": "ACCOUNT_UPDATE", "E": now_ms, "T": record.time_ms, "a": {"m": "ORDER", "P": [position]}}
    common = {"s": record.symbol, "S": record.side, "ps": record.position_side, "X": record.status}
    if isinstance(record, AlgoOrder):
        of = {**common, "caid": record.client_id, "aid": record.algo_id}
        return {"e": "ALGO_UPDATE", "E": now_ms, "T": record.updated_ms, "o": of}
    of = {**common, "c": record.client_id, "i": record.order_id, "z": f"{record.executed:f}"}
    return {"e": "ORDER_TRADE_UPDATE", "E": now_ms, "T": record.updated_ms, "o": of}


async def _is_closed(socket: web.WebSocketResponse) -> bool:
    """Wait a moment; tell whether the other side has gone."""
    try:
        message = await socket.receive(timeout=_EVERY_S)
    except TimeoutError:
        return False
    return message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)
