"""Puts the real live service on the simulated world: clock, links, exchange and disk are replaced, no more.

What a replaced thing belongs to is found through the process in whose context it is called.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import logging
import os
import sys
import time
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import structlog

from consumer.base.errors import ConsumerError
from consumer.base.settings import Settings
from consumer.intents import filters
from consumer.intents.context import Context
from consumer.intents.limits import Limits, SymbolLimits, Throttle
from consumer.intents.rehearsal import Rehearsal
from consumer.live import engine, failpoints
from consumer.live.config import LiveConfig
from consumer.live.journal import Journal, thread
from consumer.live.service import LiveService
from consumer.serve import health
from consumer.stream import session
from sandbox.exchange.core.symbols import SYMBOLS
from tests.simulation.bus import BusLink
from tests.simulation.invariants import COLLAR
from tests.simulation.loop import PROCESS, Process
from tests.simulation.venue import START_MS, SimulatedExchange
from tests.simulation.world import LEVERAGE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from types import ModuleType

    from consumer.live.exchange.client import Observer
    from consumer.serve.state import ServiceState
    from tests.simulation.world import SeedWorld

_SYMBOL = SymbolLimits(
    max_notional_usd=Decimal(10_000),
    max_position_usd=Decimal(20_000),
    leverage=LEVERAGE,
    margin_type="CROSSED",
)
LIMITS = Limits(
    symbols=dict.fromkeys(SYMBOLS, _SYMBOL),
    max_order_notional_usd=Decimal(10_000),
    max_intent_notional_usd=Decimal(10_000),
    max_gross_usd=Decimal(100_000),
    orders_per_minute=200,
    price_collar=COLLAR,
    leverage_cap=10,
    max_open_positions=20,
    max_daily_loss_usd=Decimal(5_000),
    max_executions_per_symbol=Throttle(count=20, window_s=60),
    signed_off_by="a simulation",
    signed_off_at=datetime(2026, 1, 1, tzinfo=UTC),
)
SETTINGS = Settings(
    mode="live", venue="simulator", venue_url="http://simulated/fapi", block_ms=1000, claim_idle_ms=10_000
)


async def consumer(world: SeedWorld, process: Process, number: int) -> None:
    """Run the service until it ends; a refusal or a broken journal ends a process, as in production."""
    settings = dataclasses.replace(SETTINGS, replica=number)
    context = Context(
        settings, "digest", (0, 0), settings.max_age_ms, Rehearsal(filters.Snapshot("none", {}), 1, None)
    )
    config = LiveConfig(
        Journal(world.store(process)), LIMITS, None, "http://simulated/fapi", "key", "secret", ""
    )
    service = LiveService(context, None, config)
    process.ask_to_stop = service.stop
    try:
        await service.run()
    except (ConsumerError, OSError) as error:
        world.fired[f"process ended: {type(error).__name__}"] += 1


@contextlib.contextmanager
def staged() -> Iterator[None]:
    """Replace, for as long as the block lasts."""
    virtual = SimpleNamespace(
        monotonic=lambda: asyncio.get_running_loop().time(),
        time_ns=lambda: (START_MS + int(asyncio.get_running_loop().time() * 1000)) * 1_000_000,
    )
    changes: list[tuple[Any, str, Any]] = [
        *((module, "time", virtual) for module in _that_tell_time()),
        (session, "Connection", lambda *_given: _link()),
        (engine, "BinanceExchange", lambda _url, _key, _secret, _now_ms, observer: _exchange(observer)),
        (engine, "os", SimpleNamespace(getpid=lambda: _process().number)),
        (health, "served", _served),
        (failpoints, "_fatal", _Points()),
        (engine, "UserStream", lambda *_given: _NoStream()),
        (thread, "ThreadPoolExecutor", _InPlace),
        (failpoints, "_die", lambda _name: _process().crash()),
    ]
    kept = [(where, name, getattr(where, name)) for where, name, _ in changes]
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    if os.environ.get("SIMULATION_LOG"):
        structlog.configure(processors=[_in_virtual_time, structlog.processors.JSONRenderer()])
    else:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for where, name, value in changes:
        setattr(where, name, value)
    try:
        yield
    finally:
        for where, name, value in kept:
            setattr(where, name, value)
        structlog.reset_defaults()


def _that_tell_time() -> list[ModuleType]:
    """Return the consumer's modules that look at a clock."""
    return [
        module
        for name, module in list(sys.modules.items())
        if name.startswith("consumer.") and getattr(module, "time", None) is time
    ]


class _NoStream:
    """Stands in for the user data stream, which is away: whatever depends on it is broken."""

    is_connected = False

    async def listen(self) -> None: ...


class _InPlace:
    """Stands in for a thread: what it is given is done at once, or later where the disk hangs."""

    def __init__(self, *_given: Any, **_named: Any) -> None:
        self._free_at = 0.0

    def submit(self, work: Any, *given: Any) -> concurrent.futures.Future[Any]:
        done: concurrent.futures.Future[Any] = concurrent.futures.Future()
        now, hangs_s = asyncio.get_running_loop().time(), _process().world.disk_hangs_s()
        self._free_at = max(self._free_at, now) + hangs_s
        if self._free_at > now:
            asyncio.get_running_loop().call_at(self._free_at, self._do, done, work, given)
        else:
            self._do(done, work, given)
        return done

    @staticmethod
    def _do(done: concurrent.futures.Future[Any], work: Any, given: tuple[Any, ...]) -> None:
        try:
            done.set_result(work(*given))
        except Exception as error:  # noqa: BLE001 - whoever waits for it hears of it; a crash goes through
            done.set_exception(error)

    def shutdown(self, *, wait: bool) -> None: ...


class _Points(set[tuple[str, int]]):
    """Stands in for the set of fatal points: each may be, by chance."""

    def __bool__(self) -> bool:
        return True

    def __contains__(self, passed: object) -> bool:
        process = PROCESS.get()
        if process is None:
            return False
        world, name = process.world, passed[0]  # type: ignore[index]  # (name, how often)
        dies = world.points.random() < world.hazards.crash_at_point
        if dies:
            world.fired[f"crash {name}"] += 1
        return dies


def _in_virtual_time(
    _logger: object, _method: str, line: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    return {"at_s": round(asyncio.get_running_loop().time(), 3), "process": repr(PROCESS.get()), **line}


def _process() -> Process:
    process = PROCESS.get()
    assert process is not None
    return process


def _link() -> BusLink:
    process = _process()
    return BusLink(process.world.bus, process, process.world.hazards)


def _exchange(observer: Observer) -> SimulatedExchange:
    process = _process()
    return SimulatedExchange(process.world.venue, process.world.wire(process), observer)


@contextlib.asynccontextmanager
async def _served(_context: Context, _state: ServiceState) -> AsyncIterator[None]:
    yield
