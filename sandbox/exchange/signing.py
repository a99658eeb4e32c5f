"""Who asks, and whether they may: key, permission, signature, time."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.exchange.core.errors import ExchangeError, RefusalCode

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.exchange.core.parameters import Parameters

KEY_HEADER = "X-MBX-APIKEY"
_KEY_FORMAT = re.compile(r"^[A-Za-z0-9]{16,128}$")
DEFAULT_RECV_WINDOW_MS = 5_000
_MAX_RECV_WINDOW_MS = 60_000
_MAX_AHEAD_MS = 1_000


@dataclass(frozen=True)
class KnownKey:
    """A key that the exchange knows. Without `may_trade` it only reads."""

    key: str
    secret: str
    may_trade: bool


@dataclass(frozen=True)
class Call:
    """What a signature is about: the request's raw query and body, and who sent it from where."""

    raw_query: str
    raw_body: str
    api_key: str
    address: str


def load_keys(path: Path) -> dict[str, KnownKey]:
    """Read the keys: a JSON list of {"key", "secret", "may_trade"}."""
    return {key["key"]: KnownKey(**key) for key in json.loads(path.read_text(encoding="utf-8"))}


def signature(secret: str, raw_query: str, raw_body: str) -> str:
    """HMAC-SHA256 in hex over query and body, joined without a separator."""
    return hmac.new(secret.encode(), (raw_query + raw_body).encode(), hashlib.sha256).hexdigest()


def authenticate(
    keys: dict[str, KnownKey], call: Call, parameters: Parameters, *, now_ms: int, trades: bool
) -> None:
    """Let the call pass or raise ExchangeError, in the exchange's order: key, signature, time."""
    api_key = known_key(keys, call, trades=trades)
    sent = parameters.text("signature")
    timestamp = parameters.integer("timestamp")
    if timestamp is None:
        raise ExchangeError(RefusalCode.MANDATORY, "timestamp")
    wanted = signature(api_key.secret, _unsigned(call.raw_query), _unsigned(call.raw_body))
    if not hmac.compare_digest(wanted.encode(), sent.lower().encode()):
        raise ExchangeError(RefusalCode.BAD_SIGNATURE)
    _check_time(timestamp, parameters.integer("recvWindow"), now_ms)


def known_key(keys: dict[str, KnownKey], call: Call, *, trades: bool) -> KnownKey:
    """Return the key of the call, or raise ExchangeError."""
    if not _KEY_FORMAT.match(call.api_key):
        raise ExchangeError(RefusalCode.BAD_KEY_FORMAT)
    known = keys.get(call.api_key)
    if known is None or (trades and not known.may_trade):
        raise ExchangeError(RefusalCode.REJECTED_KEY, call.address)
    return known


def _unsigned(raw: str) -> str:
    """Return the part without its signature, which comes last."""
    return re.sub(r"(^|&)signature=[^&]*$", "", raw)


def _check_time(timestamp: int, recv_window_ms: int | None, now_ms: int) -> None:
    window_ms = DEFAULT_RECV_WINDOW_MS if recv_window_ms is None else recv_window_ms
    if window_ms > _MAX_RECV_WINDOW_MS:
        raise ExchangeError(RefusalCode.BAD_RECV_WINDOW)
    if timestamp >= now_ms + _MAX_AHEAD_MS:
        raise ExchangeError(RefusalCode.TIMESTAMP_AHEAD)
    if now_ms - timestamp > window_ms:
        raise ExchangeError(RefusalCode.TIMESTAMP_OLD)
