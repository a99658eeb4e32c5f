"""What the consumer says of itself over HTTP: its progress, what runs, and both in numbers."""

from __future__ import annotations

import os
import platform
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web

from consumer.base import digests, import_guard
from consumer.base.errors import RefusedError
from consumer.base.log import start_up
from consumer.serve import metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from consumer.intents.context import Context
    from consumer.serve.state import ServiceState

#: Published nowhere; the checks reach it by the container's address on the stack's network.
HOST = "0.0.0.0"  # noqa: S104 - its container's address is not known beforehand


@asynccontextmanager
async def served(context: Context, state: ServiceState) -> AsyncIterator[None]:
    """Serve the pages while the body runs. Raises RefusedError when the port is taken."""
    application = web.Application()
    described = description(context)

    async def healthz(_request: web.Request) -> web.Response:
        return _health(context, state)

    async def current(_request: web.Request) -> web.Response:
        return web.json_response({**described, **changing(state)})

    async def measured(_request: web.Request) -> web.Response:
        return web.Response(text=metrics.rendered(state), headers={"Content-Type": metrics.CONTENT_TYPE})

    application.add_routes(
        [web.get("/healthz", healthz), web.get("/state", current), web.get("/metrics", measured)]
    )
    runner = web.AppRunner(application, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, context.settings.http_port, shutdown_timeout=1).start()
    except OSError as error:
        await runner.cleanup()
        raise RefusedError(
            f"Port {context.settings.http_port} cannot be served: {error.strerror}.",
            "Set TRADE_INTENT_HTTP_PORT to a free one, or stop the other consumer.",
        ) from error
    try:
        yield
    finally:
        await runner.cleanup()


def description(context: Context) -> dict[str, Any]:
    """Return the part of /state that one run never changes."""
    settings = context.settings
    return {
        "settings": settings.document(),
        "config_digest": context.config_digest,
        "code_digest": digests.code_digest(),
        "mode": settings.mode,
        "stage": settings.stage,
        "venue": settings.venue,
        "cutover_id": "-".join(map(str, context.cutover)),
        "group": settings.group,
        "stream": settings.stream,
        "consumer_name": settings.consumer_name,
        "replica": settings.replica,
        "python": platform.python_version(),
        "pid": os.getpid(),
    }


def changing(state: ServiceState) -> dict[str, Any]:
    """Return the part of /state that changes."""
    return {
        "started_at": state.started_at,
        "redis_run_id": state.redis_run_id,
        "clock_offset_ms": state.clock.offset_ms,
        "start_up": start_up.lines,
        "halt": state.halt,
        "counters": dict(sorted(state.counters.items())),
        "imports": {
            "exchange_client_loaded": bool(import_guard.loaded()),
            "guarded": list(import_guard.GUARDED),
        },
        "faults": state.problems(),
        "reasons": state.complaints(),
        **_of_live(state),
    }


def _of_live(state: ServiceState) -> dict[str, Any]:
    """Return what only live mode has to say; the stage is the promotion's."""
    live = state.live() if state.live else {}
    return {"live": live, "stage": live["stage"]} if live else {}


def _health(context: Context, state: ServiceState) -> web.Response:
    reasons = state.complaints()
    body: dict[str, Any] = {"status": "unhealthy" if reasons else "ok", "mode": context.settings.mode}
    if state.live:
        body |= {"halt": state.halt, "lease": state.live()["lease"]}
    return web.json_response(
        {**body, **({"reasons": reasons} if reasons else {})}, status=503 if reasons else 200
    )
