"""The exchange's own record of orders, read with the key that may read and nothing else.

Requests are signed as the exchange's documentation says: HMAC-SHA256 of the query string, in hexadecimal.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from checks.observe.collector import collector
from checks.observe.errors import NotMeantError, ObserveError
from checks.observe.times import now_ms
from checks.observe.web import get

if TYPE_CHECKING:
    from checks.observe.request import ApiKey
    from checks.observe.subject import Subject

RECV_WINDOW_MS = 5000
NO_SUCH_SYMBOL = -1121
LIMIT = 1000
MOST_SYMBOLS = 60


class ExchangeError(ObserveError):
    """The exchange refused a question; `code` is its own number."""

    def __init__(self, path: str, status: int, code: int | None, message: str) -> None:
        super().__init__(f"{path} answered {status}: {code} {message}")
        self.code = code


@dataclass(frozen=True)
class Exchange:
    """An exchange that answers signed questions; `offset_ms` is its clock less the host's."""

    base: str
    key: ApiKey
    offset_ms: int

    def ask(self, path: str, **parameters: str | int) -> Any:
        """Return the reply to a signed GET; raise ExchangeError when the exchange refuses it."""
        stamped = {
            **parameters,
            "recvWindow": RECV_WINDOW_MS,
            "timestamp": now_ms() + self.offset_ms,
        }
        query = urlencode(stamped)
        signature = hmac.new(self.key.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        status, body = get(f"{self.base}{path}?{query}&signature={signature}", {"X-MBX-APIKEY": self.key.key})
        return _accepted(path, status, body)


@collector(
    "exchange.orders",
    "signed GET allOrders, openOrders, openAlgoOrders, positionRisk; allAlgoOrders, userTrades by symbol",
)
def orders(subject: Subject) -> dict[str, Any]:
    """Return the orders, algo orders, fills and positions that the exchange knows since options.since_ms.

    `symbols` are those asked one by one; `unlisted` those that the exchange does not know at all.
    """
    exchange = connect(subject)
    since = _since(subject)
    symbols = _symbols(subject)
    unlisted: list[str] = []
    return {
        "now_ms": now_ms() + exchange.offset_ms,
        "offset_ms": exchange.offset_ms,
        "since_ms": since.get("startTime"),
        "symbols": symbols,
        "orders": exchange.ask("/fapi/v1/allOrders", limit=LIMIT, **since),
        "open_orders": exchange.ask("/fapi/v1/openOrders"),
        "open_algo_orders": exchange.ask("/fapi/v1/openAlgoOrders"),
        "positions": exchange.ask("/fapi/v3/positionRisk"),
        "algo_orders": _of_each(exchange, "/fapi/v1/allAlgoOrders", symbols, since, unlisted),
        "trades": _of_each(exchange, "/fapi/v1/userTrades", symbols, since, unlisted),
        "unlisted": sorted(set(unlisted)),
    }


def connect(subject: Subject) -> Exchange:
    """Find the exchange and compare clocks with it."""
    if subject.request.exchange is None:
        raise NotMeantError(
            "the request holds no read-only exchange key: give it exchange.api_key and .api_secret"
        )
    base = _base(subject)
    before = now_ms()
    status, body = get(f"{base}/fapi/v1/time")
    server_ms = int(_accepted("/fapi/v1/time", status, body)["serverTime"])
    return Exchange(base, subject.request.exchange, server_ms - (before + now_ms()) // 2)


def _base(subject: Subject) -> str:
    meant = subject.request.wanted("exchange")
    if meant.get("url"):
        return str(meant["url"]).rstrip("/")
    address = subject.address_of(subject.request.wanted("exchange", "container"), meant["network"])
    return f"http://{address}:{meant['port']}"


def _since(subject: Subject) -> dict[str, int]:
    since_ms = subject.request.options.get("since_ms")
    return {"startTime": int(since_ms)} if since_ms else {}


def _symbols(subject: Subject) -> list[str]:
    given = set(subject.request.options.get("symbols") or [])
    decided = subject.seen.get("results.decisions", {}).values()
    seen = {decision["fields"].get("symbol") for decisions in decided for decision in decisions}
    texts = {symbol for symbol in given | seen if isinstance(symbol, str) and symbol}
    return sorted(texts)[:MOST_SYMBOLS]


def _of_each(
    exchange: Exchange, path: str, symbols: list[str], since: dict[str, int], unlisted: list[str]
) -> list[Any]:
    found: list[Any] = []
    for symbol in symbols:
        try:
            found += exchange.ask(path, symbol=symbol, limit=LIMIT, **since)
        except ExchangeError as refusal:
            if refusal.code != NO_SUCH_SYMBOL:
                raise
            unlisted.append(symbol)
    return found


def _accepted(path: str, status: int, body: str) -> Any:
    try:
        reply = json.loads(body)
    except ValueError:
        raise ExchangeError(path, status, None, "the reply is not JSON") from None
    if status >= 400:  # noqa: PLR2004 - HTTP's first error
        problem = reply if isinstance(reply, dict) else {}
        raise ExchangeError(path, status, problem.get("code"), str(problem.get("msg", "")))
    return reply
