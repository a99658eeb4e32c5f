"""Between the wire and the exchange: limits, keys, signatures, delays, and whatever shall go wrong."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sandbox.exchange.core.errors import ExchangeError
from sandbox.exchange.core.parameters import Parameters
from sandbox.exchange.core.records import ReceivedRequest
from sandbox.exchange.faults import FaultKind, InjectedFault, InjectedFaults
from sandbox.exchange.limits import RequestCounts
from sandbox.exchange.routes import Access, Route
from sandbox.exchange.signing import Call, KnownKey, authenticate, known_key

if TYPE_CHECKING:
    from sandbox.exchange.clock import MarketClock
    from sandbox.exchange.model import Model

#: How long a hanging request hangs: longer than any client waits, by the client's own clock.
_HANGS_S = 300.0
_SECRET = ("signature",)


class DroppedError(Exception):
    """Raised when the connection is to end without an answer."""


@dataclass(frozen=True)
class HttpAnswer:
    """What goes back. A body that is a text is sent as it is."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)
    code: int = 0


class Gateway:
    """Lets requests in, one after another, and notes each with what became of it."""

    def __init__(self, model: Model, keys: dict[str, KnownKey], clock: MarketClock) -> None:
        self.model = model
        self.limits = RequestCounts()
        self.faults = InjectedFaults()
        self._keys = keys
        self._clock = clock
        self._late: set[asyncio.Task[HttpAnswer]] = set()

    def reset(self) -> None:
        """Forget everything; what is still under way is lost."""
        self._abandon()
        self.model.ledger.reset()
        self.faults.clear()
        self.limits = RequestCounts()

    async def close(self) -> None:
        """Lose what is still under way."""
        self._abandon()
        await asyncio.gather(*self._late, return_exceptions=True)

    async def answer(self, route: Route, call: Call) -> HttpAnswer:
        """Answer a request, unless a fault meets it first. Raises DroppedError."""
        parameters = Parameters.of(call.raw_query, call.raw_body)
        fault = self.faults.take(route.method, route.path, parameters)
        request = self._received(route, parameters, fault)
        if fault:
            return await self._faulty(fault, route, call, parameters, request)
        return self._noted(request, await self._done(route, call, parameters))

    async def _faulty(
        self, fault: InjectedFault, route: Route, call: Call, parameters: Parameters, request: ReceivedRequest
    ) -> HttpAnswer:
        match fault.kind:
            case FaultKind.DELAY:
                return self._noted(request, await self._done(route, call, parameters, fault.delay_ms))
            case FaultKind.HTTP:
                return await self._answered_wrongly(fault, route, call, parameters, request)
            case FaultKind.DROP_THEN_COMMIT:
                task = asyncio.create_task(self._done(route, call, parameters, fault.delay_ms))
                self._late.add(task)
                task.add_done_callback(lambda done: self._note_late(request, done))
            case FaultKind.COMMIT_THEN_DROP | FaultKind.COMMIT_THEN_HANG:
                done = await self._done(route, call, parameters, fault.delay_ms)
                self._note(replace(request, code=done.code))
                if fault.kind is FaultKind.COMMIT_THEN_HANG:
                    await asyncio.sleep(_HANGS_S)
            case FaultKind.DROP_BEFORE_COMMIT:
                self._note(request)
        raise DroppedError

    async def _answered_wrongly(
        self, fault: InjectedFault, route: Route, call: Call, parameters: Parameters, request: ReceivedRequest
    ) -> HttpAnswer:
        if fault.commit:
            await self._done(route, call, parameters, fault.delay_ms)
        elif fault.delay_ms:
            await self._clock.sleep(fault.delay_ms / 1_000)
        return self._noted(request, HttpAnswer(fault.status, fault.body, fault.headers, fault.code))

    async def _done(self, route: Route, call: Call, parameters: Parameters, delay_ms: int = 0) -> HttpAnswer:
        """Let the request in, give it the time to reach the engine, and let it be answered."""
        try:
            self._let_in(route, call, parameters)
            if route.places:
                delay_ms += self.model.ledger.switches.matching_delay_ms
            if delay_ms:
                await self._clock.sleep(delay_ms / 1_000)
            answer = HttpAnswer(200, self.model.answer(route, parameters))
        except ExchangeError as error:
            answer = HttpAnswer(error.status, error.body, error.headers, error.code)
        counts = self.limits.headers(call.address, self.model.now_ms, orders=route.places)
        return replace(answer, headers=counts | answer.headers)

    def _let_in(self, route: Route, call: Call, parameters: Parameters) -> None:
        now_ms, switches = self.model.now_ms, self.model.ledger.switches
        self.limits.charge(call.address, route.cost(parameters), switches, now_ms)
        match route.access:
            case Access.KEY:
                known_key(self._keys, call, trades=False)
            case Access.READ | Access.TRADE:
                trades = route.access is Access.TRADE
                authenticate(self._keys, call, parameters, now_ms=now_ms, trades=trades)
        if route.places:
            self.limits.charge_order(switches, now_ms)

    def _received(self, route: Route, parameters: Parameters, fault: InjectedFault | None) -> ReceivedRequest:
        told = {name: value for name, value in parameters.items() if name not in _SECRET}
        kind = str(fault.kind) if fault else ""
        return ReceivedRequest(self.model.now_ms, route.method, route.path, told, fault=kind)

    def _noted(self, request: ReceivedRequest, answer: HttpAnswer) -> HttpAnswer:
        self._note(replace(request, status=answer.status, code=answer.code))
        return answer

    def _note_late(self, request: ReceivedRequest, task: asyncio.Task[HttpAnswer]) -> None:
        self._late.discard(task)
        if not task.cancelled():
            self._note(replace(request, code=task.result().code))

    def _note(self, request: ReceivedRequest) -> None:
        """Keep what could change something; of mere questions there are too many to keep for ever."""
        ledger = self.model.ledger
        ledger.note(request) if request.method == "GET" else ledger.put(request)

    def _abandon(self) -> None:
        for task in self._late:
            task.cancel()
