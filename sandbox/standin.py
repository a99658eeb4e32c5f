"""`python -m sandbox standin`: a stand-in for one container of the stack.

It answers `GET /health` on its port: 200 while what it has to do goes on, 503 when its producer has
published nothing for a while. Without a producer it idles, healthily.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sandbox.connection import DEFAULT_URL, connect
from sandbox.producers.cli import published
from sandbox.producers.intents import intents
from sandbox.producers.profiles import PROFILES
from sandbox.producers.publish import ticking

_SILENT_TOO_LONG_S = 15.0


class PublishProgress:
    """When something was last published; an idle stand-in has nothing to publish."""

    def __init__(self, *, idle: bool) -> None:
        self._idle = idle
        self._last_s = time.monotonic()

    def made(self) -> None:
        """Note that something was published just now."""
        self._last_s = time.monotonic()

    @property
    def healthy(self) -> bool:
        """Whether the last publication is recent, or none is due."""
        return self._idle or time.monotonic() - self._last_s < _SILENT_TOO_LONG_S


def main(arguments: list[str]) -> int:
    """Serve until SIGTERM."""
    asked = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    progress = PublishProgress(idle=not asked.producer)
    if asked.producer:
        threading.Thread(target=_produce, args=(asked, progress), daemon=True).start()
    ThreadingHTTPServer(("", asked.port), _handler(progress)).serve_forever()
    return 0


def _produce(asked: argparse.Namespace, progress: PublishProgress) -> None:
    entries = intents(time.time_ns(), ticking(asked.rate), asked.producer)
    for _ in published(connect(asked.redis_url), entries):
        progress.made()


def _handler(progress: PublishProgress) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            healthy = progress.healthy and self.path == "/health"
            self.send_response(200 if healthy else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing: health checks are not news."""

    return Handler


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox standin", description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--redis-url", default=DEFAULT_URL)
    parser.add_argument("--producer", action="append", choices=tuple(PROFILES), help="may be repeated")
    parser.add_argument("--rate", type=float, default=1.0, help="entries per second")
    return parser
