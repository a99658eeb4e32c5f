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

from host.base.times import now_ms
from host.observe.errors import NotDesiredError, ObserveError
from host.observe.observation import collector
from host.observe.web import get

if TYPE_CHECKING:
    from host.observe.request import ApiKey
    from host.observe.subject import Subject

RECV_WINDOW_MS = 5000
LIMIT = 1000
MOST_SYMBOLS = 60
#: The exchange answers with the seven days from startTime on: an older start would hide the newest orders.
LONGEST_WINDOW_MS = 7 * 24 * 3_600_000 - 60_000
NO_SUCH_SYMBOL = -1121
PARAMETER_MISSING = -1102
FIRST_ERROR = 400


class QuestionRefusedError(ObserveError):
    """The exchange refused a question; `code` is its own number."""

    def __init__(self, path: str, status: int, code: int | None, message: str) -> None:
        super().__init__(f"{path} answered {status}: {code} {message}")
        self.code = code


@dataclass(frozen=True)
class SignedQuestions:
    """An exchange that answers signed questions; `offset_ms` is its clock less the host's."""

    base: str
    key: ApiKey
    offset_ms: int

    def ask(self, path: str, **parameters: str | int) -> Any:
        """Return the reply to a signed GET; raise QuestionRefusedError when the exchange refuses it."""
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
    "signed GET allOrders, openOrders, allAlgoOrders, openAlgoOrders, userTrades, positionRisk, income",
)
def orders(subject: Subject) -> dict[str, Any]:
    """Return all that the exchange knows since options.since_ms: orders, fills, positions, payments.

    `symbols` were asked for one by one where the exchange lists only by symbol; `unlisted` are those
    of them that it does not know at all.
    """
    exchange = connect(subject)
    since = _since(subject)
    symbols = _symbols(subject)
    algo_orders = _listed(exchange, "/fapi/v1/allAlgoOrders", symbols, since)
    trades = _listed(exchange, "/fapi/v1/userTrades", symbols, since)
    return {
        "now_ms": now_ms() + exchange.offset_ms,
        "offset_ms": exchange.offset_ms,
        "since_ms": since.get("startTime"),
        "symbols": algo_orders.symbols,
        "unlisted": algo_orders.unlisted,
        "orders": exchange.ask("/fapi/v1/allOrders", limit=LIMIT, **since),
        "open_orders": exchange.ask("/fapi/v1/openOrders"),
        "algo_orders": algo_orders.records,
        "open_algo_orders": exchange.ask("/fapi/v1/openAlgoOrders"),
        "trades": trades.records,
        "positions": exchange.ask("/fapi/v3/positionRisk"),
        "income": exchange.ask("/fapi/v1/income", limit=LIMIT, **since),
    }


def connect(subject: Subject) -> SignedQuestions:
    """Find the exchange and compare clocks with it."""
    if subject.request.exchange is None:
        raise NotDesiredError(
            "the request holds no read-only exchange key: give it exchange.api_key and .api_secret"
        )
    base = _base(subject)
    before = now_ms()
    status, body = get(f"{base}/fapi/v1/time")
    server_ms = int(_accepted("/fapi/v1/time", status, body)["serverTime"])
    return SignedQuestions(base, subject.request.exchange, server_ms - (before + now_ms()) // 2)


def _base(subject: Subject) -> str:
    desired = subject.request.wanted("exchange")
    if desired.get("url"):
        return str(desired["url"]).rstrip("/")
    address = subject.address_of(subject.request.wanted("exchange", "container"), desired["network"])
    return f"http://{address}:{desired['port']}"


def _since(subject: Subject) -> dict[str, int]:
    since_ms = subject.request.options.get("since_ms")
    return {"startTime": max(int(since_ms), now_ms() - LONGEST_WINDOW_MS)} if since_ms else {}


def _symbols(subject: Subject) -> list[str]:
    given = set(subject.request.options.get("symbols") or [])
    decided = subject.seen.get("results.decisions", {}).values()
    seen = {decision["fields"].get("symbol") for decisions in decided for decision in decisions}
    texts = {symbol for symbol in given | seen if isinstance(symbol, str) and symbol}
    return sorted(texts)[:MOST_SYMBOLS]


@dataclass(frozen=True)
class Listed:
    """Records, and the symbols that had to be asked for; none when the exchange listed all at once."""

    records: list[Any]
    symbols: list[str]
    unlisted: list[str]


def _listed(exchange: SignedQuestions, path: str, symbols: list[str], since: dict[str, int]) -> Listed:
    try:
        return Listed(exchange.ask(path, limit=LIMIT, **since), [], [])
    except QuestionRefusedError as refusal:
        if refusal.code != PARAMETER_MISSING:
            raise
    by_symbol = {symbol: _of(exchange, path, symbol, since) for symbol in symbols}
    records = [record for part in by_symbol.values() for record in part or []]
    return Listed(records, symbols, [symbol for symbol, part in by_symbol.items() if part is None])


def _of(exchange: SignedQuestions, path: str, symbol: str, since: dict[str, int]) -> list[Any] | None:
    """Return one symbol's records, None when the exchange does not list it."""
    try:
        return list(exchange.ask(path, symbol=symbol, limit=LIMIT, **since))
    except QuestionRefusedError as refusal:
        if refusal.code != NO_SUCH_SYMBOL:
            raise
        return None


def _accepted(path: str, status: int, body: str) -> Any:
    try:
        reply = json.loads(body)
    except ValueError:
        raise QuestionRefusedError(path, status, None, "the reply is not JSON") from None
    if status >= FIRST_ERROR:
        problem = reply if isinstance(reply, dict) else {}
        raise QuestionRefusedError(path, status, problem.get("code"), str(problem.get("msg", "")))
    return reply
