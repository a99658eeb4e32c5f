"""One bounded GET, with no proxy in between."""

from __future__ import annotations

from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

TIMEOUT_S = 3.0
BODY_LIMIT = 4_000_000


def get(url: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    """Return status and body of `url`; raise OSError when nobody answers in time."""
    opener = build_opener(ProxyHandler({}))
    request = Request(url, headers=headers or {})  # noqa: S310 - addresses of containers, or the exchange's own
    try:
        with opener.open(request, timeout=TIMEOUT_S) as reply:
            return reply.status, reply.read(BODY_LIMIT).decode(errors="replace")
    except HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read(BODY_LIMIT).decode(errors="replace")
