"""What the consumer says of itself, by its container's address."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from host.observe.observation import collector
from host.observe.web import get

if TYPE_CHECKING:
    from host.observe.subject import Subject

DEFAULT_PORT = 9108


@collector("consumer.state", "GET http://{container}/state, by its address on {network}")
def state(subject: Subject) -> Any:
    """Return the consumer's effective settings, digests and counters."""
    return _json(get(f"{_address(subject)}/state")[1])


@collector("consumer.health", "GET http://{container}/healthz, by its address on {network}")
def health(subject: Subject) -> dict[str, Any]:
    """Return whether the consumer says that it makes progress: 200 or 503, and its reasons."""
    code, body = get(f"{_address(subject)}/healthz")
    return {"code": code, "body": _json(body)}


def _address(subject: Subject) -> str:
    request = subject.request
    settings = request.desired.get("settings") or {}
    port = int(settings.get("TRADE_INTENT_HTTP_PORT", DEFAULT_PORT))
    return f"http://{subject.address_of(request.wanted('container'), request.wanted('network'))}:{port}"


def _json(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body
