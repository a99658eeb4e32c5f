"""What became of a request, from whatever python-binance, aiohttp or our own reading of the answer raised.

Total: everything has an outcome, and what is not recognised is unknown, which is asked about and never sent
again. Only a documented code in a 4xx answer is a refusal; only a failed connection was not sent. Nothing
here repeats the text of an error whose body could not be read: the library puts the signed URL into it.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import TYPE_CHECKING

import aiohttp
from binance.exceptions import BinanceAPIException

from consumer.base.errors import ConsumerError

if TYPE_CHECKING:
    from collections.abc import Mapping


class Endpoint(Enum):
    """What a request asks for; the same answer means another thing for each."""

    PLACE_ORDER = auto()
    PLACE_ALGO = auto()
    CANCEL = auto()
    QUERY = auto()


class OutcomeError(ConsumerError):
    """Base of what a request came to when it did not come to an answer. `code` is the exchange's, or 0."""

    def __init__(self, detail: str, code: int = 0) -> None:
        super().__init__(f"{detail} ({code})" if code else detail)
        self.code = code


class NotSentError(OutcomeError):
    """Raised when no byte of the request has left: it may be sent, under the same id."""


class OrderRefusedError(OutcomeError):
    """Raised when the exchange has refused: nothing was done. `resync` when our clock was at fault."""

    @property
    def resync(self) -> bool:
        """Whether the same request may be sent again once the clock is set anew."""
        return self.code in CLOCK


class AbsentError(OrderRefusedError):
    """Raised when the exchange knows no such order (query) or no such open order (cancel).

    After a cancel the order may be filled: ask. After a query it may just not be visible yet.
    """


class ExistsError(OutcomeError):
    """Raised when the exchange holds an order that stands in the way, perhaps this very one: ask by its id.

    Only if it is not found under our own id was the request refused.
    """


class UnknownError(OutcomeError):
    """Raised when the request may or may not have been carried out: ask; do not send it again."""


class ThrottledError(OutcomeError):
    """Raised when the exchange did not look at the request, and wants to be left alone for a while.

    `retry_after_s` is None where it did not say for how long; `banned_until_ms` is its own time. Where it
    `is_overload`, it is the exchange that has too much to do: what closes a position is not meant.
    """

    def __init__(
        self,
        detail: str,
        code: int = 0,
        *,
        retry_after_s: float | None = None,
        is_banned: bool = False,
        is_overload: bool = False,
        banned_until_ms: int | None = None,
    ) -> None:
        super().__init__(detail, code)
        self.retry_after_s = retry_after_s
        self.is_banned = is_banned
        self.is_overload = is_overload
        self.banned_until_ms = banned_until_ms


class StalledError(ConsumerError):
    """Raised, before anything is sent, for a request that waited too long since it was journaled."""

    def __init__(self, late_ms: int) -> None:
        super().__init__(f"the request was held up for {late_ms} ms after it was journaled, and was not sent")


#: Refused because of our clock: at the gateway, and again at the matching engine.
CLOCK = frozenset({-1021, -5028})
#: "Execution status unknown", whatever the HTTP status: unknown, internal, unexpected, timed out.
_UNKNOWN = frozenset({-1000, -1001, -1006, -1007})
#: The families of codes in the documentation's list of errors whose every code says that nothing exists:
#: request issues (11xx), processing issues (20xx), filters and other issues (40xx to 44xx), order execution
#: issues (50xx). https://developers.binance.com/docs/derivatives/usds-margined-futures/error-code, read in
#: November 2026.
_FAMILIES = (range(-1136, -1099), range(-2042, -2009), range(-4599, -3999), range(-5099, -4999))
#: Of other families: our signature, our clock, an operation or message that is not supported, no rights.
_BESIDE = CLOCK | {-1002, -1010, -1013, -1014, -1020, -1022, -1099}
#: In those families, and no refusal of what was asked: what there is or is not, which the endpoint tells.
_ABOUT_ORDERS = frozenset({-2011, -2013, -4116})
#: The key, the address or the permission is not accepted, or the signature is not: nothing can be done with
#: it.
KEY_REFUSED = frozenset({-1022, -2014, -2015})
#: "ReduceOnly Order is rejected": there is no position that it could make smaller.
NOTHING_TO_REDUCE = -2022
#: "Order's notional must be no smaller than", but for one that only reduces a one-way position.
TOO_SMALL = -4164
#: "The counterparty's best price does not meet the PERCENT_PRICE filter limit": no market order will do.
NO_PRICE_IN_BAND = -4131
#: "Invalid symbol": however often it is asked, nothing is open there and nothing can be.
NO_SUCH_SYMBOL = -1121
_DUPLICATE = -4116
#: What a repeated clientAlgoId is answered with is not documented; these are seen or guessed, and -4130 says
#: that a closePosition order in this direction is there, which may be our own.
_ALGO_EXISTS = frozenset({_DUPLICATE, -4015, -4045, -4130})
_NEW_ORDER_REJECTED = -2010
#: "Order does not exist", and "Unknown order sent" to who cancels what is not open.
_ABSENT = {Endpoint.QUERY: frozenset({-2013}), Endpoint.CANCEL: frozenset({-2011, -2013})}
_OVERLOADED = -1008
_RATE_LIMITED, _BANNED, _UNAVAILABLE = 429, 418, 503
#: The one 503 that says that nothing was done.
_SERVICE_UNAVAILABLE = "service unavailable."
_CLIENT_ERRORS = range(400, 500)
_REQUEST_TIMEOUT = 408
#: How the library begins the message of an answer that is not JSON; for a GET the signed URL follows.
_UNREADABLE = "Invalid JSON error message"
_BANNED_UNTIL = re.compile(r"banned until (\d{13})\b", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,6}", re.ASCII)
_SECONDS = re.compile(r"\d{1,7}", re.ASCII)


def classify(error: BaseException, endpoint: Endpoint) -> OutcomeError:
    """Return what a request came to that ended with `error`. An outcome stays what it is."""
    if isinstance(error, OutcomeError):
        return error
    if isinstance(error, BinanceAPIException):
        return _answered(error, endpoint)
    if isinstance(error, StalledError):
        return NotSentError(str(error))
    if _is_before_sending(error) and endpoint is not Endpoint.CANCEL:
        return NotSentError(f"no connection: {type(error).__name__}")
    # A cancellation is no exception to it: aiohttp repeats a DELETE whose connection dropped, and it is the
    # repetition that found no connection.
    return UnknownError(type(error).__name__)


def _is_before_sending(error: BaseException) -> bool:
    return isinstance(
        error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.InvalidURL
    )


def _answered(error: BinanceAPIException, endpoint: Endpoint) -> OutcomeError:
    status, code = _number(error.status_code), _number(error.code)
    said = _said(error, status)
    if code in _UNKNOWN or status == _REQUEST_TIMEOUT:
        return UnknownError(said, code)
    if status in (_RATE_LIMITED, _BANNED):
        return _throttled(error, status, code, said)
    if code == _OVERLOADED or (status == _UNAVAILABLE and said.lower() == _SERVICE_UNAVAILABLE):
        return ThrottledError(said, code, is_overload=True)
    if status not in _CLIENT_ERRORS:
        return UnknownError(said, code)
    return _refused(code, said, endpoint)


def _said(error: BinanceAPIException, status: int) -> str:
    message = str(error.message)
    return f"HTTP {status} without a readable body" if message.startswith(_UNREADABLE) else message[:200]


def _refused(code: int, said: str, endpoint: Endpoint) -> OutcomeError:
    if _exists(code, said, endpoint):
        return ExistsError(said, code)
    if code in _ABSENT.get(endpoint, ()):
        return AbsentError(said, code)
    return OrderRefusedError(said, code) if is_refusal(code) else UnknownError(said, code)


def is_refusal(code: int) -> bool:
    """Tell whether a code in a 4xx answer says that nothing was done, whatever was asked for."""
    return code in _BESIDE or (code not in _ABOUT_ORDERS and any(code in family for family in _FAMILIES))


def _exists(code: int, said: str, endpoint: Endpoint) -> bool:
    if endpoint is Endpoint.PLACE_ALGO:
        return code in _ALGO_EXISTS
    if endpoint is not Endpoint.PLACE_ORDER:
        return False
    return code == _DUPLICATE or (code == _NEW_ORDER_REJECTED and "duplicate" in said.lower())


def _throttled(error: BinanceAPIException, status: int, code: int, said: str) -> ThrottledError:
    until = _BANNED_UNTIL.search(said)
    return ThrottledError(
        said,
        code,
        retry_after_s=_retry_after_s(getattr(error.response, "headers", None)),
        is_banned=status == _BANNED,
        banned_until_ms=int(until[1]) if until else None,
    )


def _retry_after_s(headers: Mapping[str, str] | None) -> float | None:
    """Return the seconds that `Retry-After` names. A date, which nobody has seen there, counts as none."""
    named = (headers or {}).get("Retry-After")
    return float(named) if named and _SECONDS.fullmatch(named) else None


def _number(value: object) -> int:
    """Return a code or a status, which some answers give as a text; 0 for what is none."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    return value if type(value) is int else 0
