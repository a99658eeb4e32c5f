"""The exchange over HTTP: each route authenticated, answered, and refused in the exchange's own words."""

from __future__ import annotations

import ipaddress
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.exchange.errors import ExchangeError
from sandbox.exchange.parameters import Parameters
from sandbox.exchange.routes import ROUTES, Access, Route
from sandbox.exchange.signing import KEY_HEADER, ApiKey, Call, authenticate

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from sandbox.exchange.ledger import Ledger


def make_app(ledger: Ledger, keys: dict[str, ApiKey]) -> web.Application:
    """Build the application on a ledger; `keys` by their own text."""
    app = web.Application()
    for route in ROUTES:
        app.router.add_route(route.method, route.path, _handler(route, ledger, keys))
    app.router.add_get("/healthz", _healthz(ledger))
    app.router.add_post("/sandbox/reset", _reset(ledger))
    return app


def _handler(route: Route, ledger: Ledger, keys: dict[str, ApiKey]) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        now_ms = time.time_ns() // 1_000_000
        call = await _call(request)
        parameters = Parameters.of(call.raw_query, call.raw_body)
        try:
            if route.access is not Access.PUBLIC:
                authenticate(keys, call, parameters, now_ms=now_ms, trades=route.access is Access.TRADE)
            return web.json_response(route.handler(ledger, parameters, now_ms))
        except ExchangeError as error:
            return web.json_response(error.body, status=error.status)

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


def _healthz(ledger: Ledger) -> Handler:
    async def handle(_request: web.Request) -> web.Response:
        kept: dict[str, Any] = {"orders": len(ledger.orders), "algo_orders": len(ledger.algo_orders)}
        return web.json_response({"status": "ok", **kept})

    return handle


def _reset(ledger: Ledger) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        """Forget everything; only for who is inside the container."""
        if not ipaddress.ip_address(request.remote or "0.0.0.0").is_loopback:  # noqa: S104 - stands for "unknown"
            return web.json_response({"error": "ask from inside the exchange's container"}, status=403)
        ledger.reset()
        return web.json_response({"status": "reset"})

    return handle
