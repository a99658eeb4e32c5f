"""The exchange over HTTP: requests taken as they came, answers sent in the exchange's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.exchange import user_stream
from sandbox.exchange.clock import MarketClock, SystemClock
from sandbox.exchange.control import add_control
from sandbox.exchange.gateway import DroppedError, Gateway, HttpAnswer
from sandbox.exchange.model import Model
from sandbox.exchange.routes import ROUTES, Route
from sandbox.exchange.signing import KEY_HEADER, Call, KnownKey

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from sandbox.exchange.core.ledger import Ledger


def make_app(
    ledger: Ledger,
    keys: dict[str, KnownKey],
    *,
    admin_key: str | None = None,
    clock: MarketClock | None = None,
) -> web.Application:
    """Build the application on a ledger; `keys` by their own text."""
    time = clock or SystemClock()
    gateway = Gateway(Model(ledger, time.now_ms), keys, time)
    app = web.Application()
    for route in ROUTES:
        app.router.add_route(route.method, route.path, _handler(route, gateway))
    app.router.add_get("/healthz", _healthz(ledger))
    app.router.add_get(user_stream.PATH, user_stream.handler(ledger, time))
    add_control(app, gateway, admin_key)

    async def close(_app: web.Application) -> None:
        await gateway.close()

    app.on_shutdown.append(close)
    return app


def _handler(route: Route, gateway: Gateway) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        call = await _call(request)
        try:
            return _response(await gateway.answer(route, call))
        except DroppedError:
            if request.transport:
                request.transport.abort()
            return web.Response()

    return handle


async def _call(request: web.Request) -> Call:
    """Take query and body as they came: the signature is over those bytes, not over what they decode to."""
    body = await request.read()
    return Call(
        raw_query=request.raw_path.partition("?")[2],
        raw_body=body.decode("utf-8", "surrogateescape"),
        api_key=request.headers.get(KEY_HEADER, ""),
        address=request.remote or "unknown",
    )


def _response(answer: HttpAnswer) -> web.Response:
    if isinstance(answer.body, str):
        return web.Response(text=answer.body, status=answer.status, headers=answer.headers)
    return web.json_response(answer.body, status=answer.status, headers=answer.headers)


def _healthz(ledger: Ledger) -> Handler:
    async def handle(_request: web.Request) -> web.Response:
        kept: dict[str, Any] = {"orders": len(ledger.orders), "algo_orders": len(ledger.algo_orders)}
        return web.json_response({"status": "ok", **kept})

    return handle
