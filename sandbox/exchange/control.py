"""The other side of the exchange, for whoever holds the sandbox: prices, faults, account, the record."""

from __future__ import annotations

import hmac
import ipaddress
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.exchange.core.errors import ExchangeError
from sandbox.exchange.core.movement import Step, add_script
from sandbox.exchange.core.symbols import listed
from sandbox.exchange.faults import InjectedFault

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.typedefs import Handler

    from sandbox.exchange.gateway import Gateway

ADMIN_HEADER = "X-Sandbox-Admin-Key"
_RESET = "/sandbox/reset"
_DONE = {"status": "done"}


def add_control(app: web.Application, gateway: Gateway, admin_key: str | None) -> None:
    """Add the routes. They want the admin key; without one, or to reset, being on the machine is enough."""

    def add(method: str, path: str, act: Callable[[Gateway, Any], Any]) -> None:
        app.router.add_route(method, path, _handler(gateway, act, admin_key))

    add("POST", _RESET, _reset)
    add("POST", "/sandbox/price", _price)
    add("POST", "/sandbox/script", _script)
    add("GET", "/sandbox/faults", _faults)
    add("POST", "/sandbox/faults", _add_faults)
    add("DELETE", "/sandbox/faults", _clear_faults)
    add("POST", "/sandbox/account", _account)
    add("GET", "/sandbox/ledger", _ledger)


def _handler(gateway: Gateway, act: Callable[[Gateway, Any], Any], admin_key: str | None) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        if not _may(request, admin_key):
            words = f"send the admin key as {ADMIN_HEADER}, or reset from inside the exchange's container"
            return web.json_response({"error": words}, status=403)
        try:
            body = await request.json() if request.can_read_body else None
            return web.json_response(act(gateway, body))
        except (ExchangeError, ValueError, TypeError, KeyError, InvalidOperation) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)

    return handle


def _may(request: web.Request, admin_key: str | None) -> bool:
    if admin_key is not None and hmac.compare_digest(
        request.headers.get(ADMIN_HEADER, "").encode(), admin_key.encode()
    ):
        return True
    local = ipaddress.ip_address(request.remote or "0.0.0.0").is_loopback  # noqa: S104 - stands for "unknown"
    return local and (admin_key is None or request.path == _RESET)


def _reset(gateway: Gateway, _body: Any) -> Any:
    """Forget everything: orders, settings, prices, faults."""
    gateway.reset()
    return {"status": "reset"}


def _price(gateway: Gateway, body: Any) -> Any:
    """{"symbol", "mark"}: move the price now."""
    gateway.model.set_price(str(body["symbol"]), Decimal(str(body["mark"])))
    return _DONE


def _script(gateway: Gateway, body: Any) -> Any:
    """[{"after_ms", "symbol", "mark"}, …]: move prices later."""
    now_ms = gateway.model.now_ms
    steps = [
        Step(now_ms + int(move["after_ms"]), listed(move["symbol"]).name, f"{Decimal(str(move['mark'])):f}")
        for move in body
    ]
    add_script(gateway.model.ledger, steps)
    return _DONE


def _faults(gateway: Gateway, _body: Any) -> Any:
    return gateway.faults.as_json()


def _add_faults(gateway: Gateway, body: Any) -> Any:
    """Add one fault, or each of a list."""
    for wanted in body if isinstance(body, list) else [body]:
        gateway.faults.add(InjectedFault.of(wanted))
    return gateway.faults.as_json()


def _clear_faults(gateway: Gateway, _body: Any) -> Any:
    gateway.faults.clear()
    return []


def _account(gateway: Gateway, body: Any) -> Any:
    """Set account and switches; `ban_ms` bans everybody for so long."""
    wanted = dict(body)
    ban_ms = wanted.pop("ban_ms", None)
    if "balance" in wanted:
        wanted["balance"] = Decimal(str(wanted["balance"]))
    gateway.model.set_account(**wanted)
    if ban_ms is not None:
        gateway.limits.ban(gateway.model.now_ms + int(ban_ms))
    return _DONE


def _ledger(gateway: Gateway, _body: Any) -> Any:
    return gateway.model.report()
