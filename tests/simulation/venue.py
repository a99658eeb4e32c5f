"""The exchange behind a bad network: requests are lost, answers are lost, and some requests arrive late.

The account itself is the simulator's own core; what is simulated here is the way to it. The product's client
runs as it is: only python-binance's methods are replaced, each by the route that it would have asked.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
from dataclasses import dataclass
from http import HTTPStatus
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aiohttp
from binance.exceptions import BinanceAPIException

from consumer.live.exchange.client import RECV_WINDOW_MS, STALL_MS, BinanceExchange, Observer
from consumer.live.exchange.errors import StalledError
from sandbox.exchange.core import movement
from sandbox.exchange.core.errors import ExchangeError
from sandbox.exchange.core.ledger import Ledger
from sandbox.exchange.core.parameters import Parameters
from sandbox.exchange.core.symbols import SYMBOLS
from sandbox.exchange.routes import ROUTES

if TYPE_CHECKING:
    import random
    from collections import Counter
    from collections.abc import Callable
    from decimal import Decimal

    from tests.simulation.loop import Process

_HANDLERS = {(route.method, route.path): route.handler for route in ROUTES}
#: When every world begins, in ms since 1970.
START_MS = 1_790_000_000_000
#: How late a request that the gateway took may reach the matching engine, in seconds.
_LATEST_S = 12.0
#: For how long, in seconds, a throttled client must be silent.
RETRY_AFTER_S = 10
#: Questions fail less often than orders, or hardly any intent would get as far as an order in bad weather.
_CALM_READS = 0.2
#: How many of its orders are lost while a symbol cannot be asked about.
_DEAF_LOSES = 0.7
#: Up to so many steps an order is filled whole, or not at all.
_WHOLE_STEPS = 3

#: What the exchange may answer to a request that it did not carry out: HTTP status, code, message.
REFUSALS = {
    "refused -1021": (400, -1021, "Timestamp for this request is outside of the recvWindow."),
    "refused 503 unavailable": (503, 0, "Service Unavailable."),
    "refused -1008": (503, -1008, "Request throttled by system-level protection. Please try again."),
    "refused 429": (429, -1003, "Too many requests; current limit is 2400 requests per minute."),
}
STOP_REFUSALS = {
    "refused stop -2021": (400, -2021, "Order would immediately trigger."),
    "refused stop -4120": (400, -4120, "Order type not supported for this endpoint."),
}
#: What it may answer to a request that it may or may not have carried out.
DOUBTS = {
    "doubt 503": (503, -1000, "Unknown error, please check your request or try again later."),
    "doubt -1007": (408, -1007, "Timeout waiting for response from backend server."),
    "doubt 502 page": (502, None, "<html>502 Bad Gateway</html>"),
    "doubt -1006": (500, -1006, "An unexpected response was received from the message bus."),
}


@dataclass(frozen=True)
class Weather:
    """How likely each fault is, per request; partitions are per process and last for seconds."""

    lost_request: float = 0.0
    lost_reply: float = 0.0
    late: float = 0.0
    refused: float = 0.0
    stop_refused: float = 0.0
    doubt: float = 0.0


class Venue:
    """The account, its clock, and what the network does to requests."""

    def __init__(self, chance: random.Random, fired: Counter[str], weather: Weather) -> None:
        self.chance = chance
        self.fired = fired
        self.weather = weather
        self.ledger = Ledger()
        self.sent: list[tuple[int, str, str, Parameters]] = []
        #: When a request met a fault, and of which symbol it was; empty where it was of none.
        self.faults: list[tuple[int, str]] = []
        #: When anything was asked or sent; and every mark price, from when on.
        self.asked: list[int] = []
        self.marks: dict[str, list[tuple[int, Decimal]]] = {}
        #: (from, until) of every wish to be left alone, and what was sent to it all the same.
        self.quiet: list[tuple[int, int]] = []
        self.noise: list[str] = []
        self.fill_fraction = "1"
        #: Until when, in ms, no order of a symbol can be asked about.
        self.deaf: dict[str, int] = {}

    def now_ms(self) -> int:
        """Return the exchange's time, which is everybody's here."""
        return START_MS + int(asyncio.get_running_loop().time() * 1000)

    def move(self, symbol: str, mark: Decimal) -> None:
        """Move a price; stops trigger and resting orders fill."""
        self.marks.setdefault(symbol, []).append((self.now_ms(), mark))
        movement.set_price(self.ledger, symbol, mark, self.now_ms())

    def carry_out(self, method: str, path: str, parameters: Parameters) -> Any:
        """Do what a request asks for. Raises ExchangeError."""
        now_ms = self.now_ms()
        movement.advance(self.ledger, now_ms)
        self._let_fill_whole(method, parameters)
        answer = _HANDLERS[method, path](self.ledger, parameters, now_ms)
        return json.loads(json.dumps(answer))

    def _let_fill_whole(self, method: str, parameters: Parameters) -> None:
        """Give small orders all of their counterparties: a part of one step is none, for ever."""
        quantity = parameters.decimal("quantity") if method == "POST" else None
        fraction = self.fill_fraction
        if quantity is not None:
            # An exit may ask for more than is left, and then what is left is what can fill.
            held = self.ledger.position(parameters["symbol"], parameters["positionSide"]).amount
            if held and (held > 0) == (parameters["side"] == "SELL"):
                quantity = min(quantity, abs(held))
            if quantity <= _WHOLE_STEPS * SYMBOLS[parameters["symbol"]].step:
                fraction = "1"
        if fraction != self.ledger.switches.fill_fraction:
            self.ledger.set_switches(self.ledger.switches.changed({"fill_fraction": fraction}))

    def match_late(self, method: str, path: str, parameters: Parameters, timestamp_ms: int) -> None:
        """Carry out a request that was under way for long; plain orders only within their recvWindow."""
        checked = path == "/fapi/v1/order"
        if checked and self.now_ms() - timestamp_ms > RECV_WINDOW_MS:
            self.fired["late request refused by matching engine"] += 1
            return
        self.fired["late request carried out"] += 1
        try:
            self.carry_out(method, path, parameters)
        except ExchangeError:
            self.fired["late request refused for its content"] += 1


class Wire:
    """python-binance's client, as far as the product uses it, over the simulated network."""

    def __init__(self, venue: Venue, process: Process) -> None:
        self._venue = venue
        self._process = process
        self.timestamp_offset = 0
        self.partitioned_until = 0.0
        self._quiet_until_ms = 0

    async def close_connection(self) -> None:
        """Close nothing."""

    async def futures_time(self, **given: Any) -> Any:
        return await self._request("GET", "/fapi/v1/time", given)

    async def futures_exchange_info(self, **given: Any) -> Any:
        return await self._request("GET", "/fapi/v1/exchangeInfo", given)

    async def futures_account_config(self, **given: Any) -> Any:
        return await self._request("GET", "/fapi/v1/accountConfig", given)

    async def futures_account(self, **given: Any) -> Any:
        given.pop("version", None)
        return await self._request("GET", "/fapi/v3/account", given)

    async def futures_account_balance(self, **given: Any) -> Any:
        given.pop("version", None)
        return await self._request("GET", "/fapi/v3/balance", given)

    async def futures_get_all_orders(self, **given: Any) -> Any:
        return await self._request("GET", "/fapi/v1/allOrders", given)

    async def futures_symbol_config(self, **given: Any) -> Any:
        return await self._request("GET", "/fapi/v1/symbolConfig", given)

    async def futures_position_information(self, **given: Any) -> Any:
        return await self._request("GET", "/fapi/v3/positionRisk", given)

    async def futures_get_open_orders(self, **given: Any) -> Any:
        return await self._request("GET", "/fapi/v1/openOrders", given)

    async def futures_get_open_algo_orders(self, **given: Any) -> Any:
        return await self._request("GET", "/fapi/v1/openAlgoOrders", given)

    async def futures_get_order(self, **given: Any) -> Any:
        return await self._request("GET", "/fapi/v1/order", given)

    async def futures_get_algo_order(self, **given: Any) -> Any:
        return await self._request("GET", "/fapi/v1/algoOrder", given)

    async def futures_income_history(self, **given: Any) -> Any:
        return await self._request("GET", "/fapi/v1/income", given)

    async def futures_mark_price(self, **given: Any) -> Any:
        return await self._request("GET", "/fapi/v1/premiumIndex", given)

    async def futures_create_order(self, **given: Any) -> Any:
        return await self._request("POST", "/fapi/v1/order", given)

    async def futures_create_algo_order(self, **given: Any) -> Any:
        return await self._request("POST", "/fapi/v1/algoOrder", given)

    async def futures_cancel_order(self, **given: Any) -> Any:
        return await self._request("DELETE", "/fapi/v1/order", given)

    async def futures_cancel_algo_order(self, **given: Any) -> Any:
        return await self._request("DELETE", "/fapi/v1/algoOrder", given)

    async def _request(self, method: str, path: str, given: dict[str, Any]) -> Any:
        self._process.require_life()
        if self._venue.now_ms() < self._quiet_until_ms:
            self._venue.noise.append(f"{method} {path} at {self._venue.now_ms()}")
        self._venue.asked.append(self._venue.now_ms())
        options = given.pop("requests_params", {})
        patience = options.get("timeout")
        if method == "POST":
            await self._process.world.perhaps_freeze(self._process)
        self._refuse_stalled(options.get("trace_request_ctx", 0))
        parameters = Parameters({name: str(value) for name, value in given.items()})
        if method == "POST":
            self._venue.sent.append((self._venue.now_ms(), method, path, parameters))
        async with asyncio.timeout(patience.total if patience else 4.0):
            return await self._travel(method, path, parameters, self._venue.now_ms())

    def _refuse_stalled(self, sent_at_ms: int) -> None:
        late_ms = self._venue.now_ms() - sent_at_ms
        if sent_at_ms and late_ms > STALL_MS:
            self._venue.fired["stalled request held back"] += 1
            raise StalledError(late_ms)

    async def _travel(self, method: str, path: str, parameters: Parameters, timestamp_ms: int) -> Any:
        venue, fate = self._venue, self._fate(method, path, parameters)
        if fate:
            venue.fired[fate] += 1
            venue.faults.append((venue.now_ms(), parameters.get("symbol", "")))
        await self._pass_partition()
        if method == "GET" and path in ("/fapi/v1/order", "/fapi/v1/algoOrder"):
            await self._perhaps_deaf(parameters)
        if fate == "lost request":
            await self._silence()
        await self._delay()
        if fate in REFUSALS or fate in STOP_REFUSALS:
            await self._answer(*(REFUSALS | STOP_REFUSALS)[fate])
        if fate == "late":
            _after(
                venue.chance.uniform(0.0, _LATEST_S), venue.match_late, method, path, parameters, timestamp_ms
            )
            await self._silence()
        doubt = fate in DOUBTS
        if doubt and venue.chance.random() < 0.5:
            await self._answer(*DOUBTS[fate])
        answer, refusal = self._carried_out(method, path, parameters)
        if doubt:
            await self._answer(*DOUBTS[fate])
        if fate == "lost reply":
            await self._silence()
        await self._delay()
        if refusal:
            await self._answer(refusal.status, refusal.body["code"], refusal.body["msg"])
        return answer

    async def _perhaps_deaf(self, parameters: Parameters) -> None:
        """Say nothing of an order whose symbol cannot be asked about."""
        algos = self._venue.ledger.algo_orders.values()
        own = (algo.symbol for algo in algos if algo.client_id == parameters.get("clientAlgoId"))
        symbol = parameters.get("symbol") or next(own, "")
        if self._venue.now_ms() < self._venue.deaf.get(symbol, 0):
            self._venue.fired["symbol that cannot be asked about"] += 1
            self._venue.faults.append((self._venue.now_ms(), symbol))
            await self._answer(*DOUBTS["doubt 502 page"])

    def _carried_out(
        self, method: str, path: str, parameters: Parameters
    ) -> tuple[Any, ExchangeError | None]:
        try:
            return self._venue.carry_out(method, path, parameters), None
        except ExchangeError as error:
            return None, error

    def _fate(self, method: str, path: str, parameters: Parameters) -> str:
        """Choose what goes wrong with a request, or nothing."""
        weather, chance = self._venue.weather, self._venue.chance
        is_deaf = self._venue.now_ms() < self._venue.deaf.get(parameters.get("symbol", ""), 0)
        if is_deaf and (method, path) == ("POST", "/fapi/v1/order") and chance.random() < _DEAF_LOSES:
            return "lost request"
        share = 1.0 if method == "POST" else _CALM_READS
        fates = [("lost request", weather.lost_request * share), ("lost reply", weather.lost_reply * share)]
        if method == "POST":
            fates += [("late", weather.late)]
            fates += [(name, weather.refused / len(REFUSALS)) for name in REFUSALS]
        if method == "POST" and path.endswith("algoOrder"):
            fates += [(name, weather.stop_refused / len(STOP_REFUSALS)) for name in STOP_REFUSALS]
        fates += [(name, weather.doubt * share / len(DOUBTS)) for name in DOUBTS]
        drawn = chance.random()
        for name, rate in fates:
            drawn -= rate
            if drawn < 0:
                return name
        return ""

    async def _pass_partition(self) -> None:
        if asyncio.get_running_loop().time() >= self.partitioned_until:
            return
        self._venue.fired["request into a partition"] += 1
        if self._venue.chance.random() < 0.5:
            await asyncio.sleep(0.05)
            key = SimpleNamespace(host="exchange", port=443, ssl=True, is_ssl=True)
            raise aiohttp.ClientConnectorError(key, OSError("no route to host"))  # type: ignore[arg-type]  # only its text is used
        await self._silence()

    async def _silence(self) -> None:
        """Give no answer: the connection drops, or the client's patience ends."""
        if self._venue.chance.random() < 0.5:
            await self._delay()
            self._process.require_life()
            raise aiohttp.ServerDisconnectedError
        await asyncio.sleep(3600)

    async def _delay(self) -> None:
        await asyncio.sleep(self._venue.chance.uniform(0.002, 0.08))

    async def _answer(self, status: int, code: int | None, message: str) -> None:
        await self._delay()
        text = message if code is None else json.dumps({"code": code, "msg": message})
        headers = {}
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            headers["Retry-After"] = str(RETRY_AFTER_S)
            self._quiet_until_ms = self._venue.now_ms() + RETRY_AFTER_S * 1000
            self._venue.quiet.append((self._venue.now_ms(), self._quiet_until_ms))
        raise BinanceAPIException(SimpleNamespace(text=text, headers=headers), status, text)


class SimulatedExchange(BinanceExchange):
    """The product's client over the simulated wire."""

    def __init__(self, venue: Venue, wire: Wire, observer: Observer) -> None:
        self._now_ms = venue.now_ms
        self._venue = venue
        self._observer = observer
        self._client: Any = wire

    async def close(self) -> None:
        """Close nothing."""

    async def time_ms(self) -> int:
        """Return the exchange's time."""
        answer = await self._ask(self._client.futures_time)
        return int(answer["serverTime"])


def _after(seconds: float, act: Callable[..., None], *arguments: Any) -> None:
    """Let the exchange act later, whoever lives by then."""
    asyncio.get_running_loop().call_later(seconds, act, *arguments, context=contextvars.Context())
