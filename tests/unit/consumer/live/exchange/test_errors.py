"""Every code and HTTP case that is known of the exchange, as python-binance and aiohttp raise it."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from binance import AsyncClient
from binance.exceptions import BinanceAPIException, BinanceRequestException
from multidict import CIMultiDict

from consumer.live.exchange import errors
from consumer.live.exchange.errors import (
    AbsentError,
    Endpoint,
    ExistsError,
    NotSentError,
    OrderRefusedError,
    OutcomeError,
    StalledError,
    ThrottledError,
    UnknownError,
    classify,
)
from tests.support.redis_server import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

ORDER, ALGO, CANCEL, QUERY = Endpoint
PLACING = (ORDER, ALGO)

SAYS_UNKNOWN = "Unknown error, please check your request or try again later."
SAYS_FAILED = "Internal error; unable to process your request. Please try again."
SAYS_TIMEOUT = (
    "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
)
SAYS_THROTTLED = (
    "Request throttled by system-level protection. Reduce-only/close-position orders are exempt. "
    "Please try again."
)
SAYS_TOO_MANY = "Too many requests; current limit is 2400 requests per minute."
SAYS_BANNED = (
    "Way too many requests; IP(1.2.3.4) banned until 1790931239698. "
    "Please use the websocket for live updates to avoid bans."
)


def api_error(status: int, body: str, headers: dict[str, str] | None = None) -> BinanceAPIException:
    """Return what the library raises for such an answer."""

    async def text() -> str:
        return body

    response = SimpleNamespace(headers=CIMultiDict(headers or {}), request=None, text=text)
    return BinanceAPIException(response, status, body)


def coded(status: int, code: Any, message: Any = "said so", headers: dict[str, str] | None = None) -> Any:
    return api_error(status, json.dumps({"code": code, "msg": message}), headers)


REFUSALS = (
    -1021, -1022, -1100, -1102, -1106, -1111, -1115, -1116, -1117, -1121,
    -2010, -2019, -2021, -2022, -2025, -2027, -2028,
    -4002, -4003, -4004, -4005, -4013, -4014, -4016, -4023, -4024, -4028, -4046, -4047, -4048,
    -4059, -4061, -4067, -4068, -4118, -4120, -4131, -4137, -4138, -4161, -4164, -4192, -4400, -4531,
    -5021, -5022, -5028, -4140, -2018, -4411, -1130,
)  # fmt: skip # a table, or a call that is read as one


@pytest.mark.parametrize("endpoint", Endpoint)
@pytest.mark.parametrize("code", REFUSALS)
def test_a_documented_refusal_is_one(code: int, endpoint: Endpoint) -> None:
    outcome = classify(coded(400, code), endpoint)
    assert type(outcome) is OrderRefusedError
    assert outcome.code == code
    assert str(outcome) == f"said so ({code})"


@pytest.mark.parametrize("code", [-2014, -2015])
def test_a_key_that_is_not_accepted_is_a_refusal(code: int) -> None:
    assert type(classify(coded(401, code), ORDER)) is OrderRefusedError


def test_only_a_refusal_for_the_clock_asks_for_a_resync() -> None:
    refusals = [code for code in range(-6000, 0) if errors.is_refusal(code)]
    assert {code for code in refusals if OrderRefusedError("", code).resync} == {-1021, -5028}


@pytest.mark.parametrize("code", [-4015, -4045, -4130])
def test_on_the_order_endpoint_these_are_refusals(code: int) -> None:
    assert type(classify(coded(400, code), ORDER)) is OrderRefusedError


@pytest.mark.parametrize("code", [-4015, -4045, -4116, -4130])
def test_a_conditional_order_refused_so_may_be_there_already(code: int) -> None:
    outcome = classify(coded(400, code), ALGO)
    assert type(outcome) is ExistsError
    assert outcome.code == code


def test_a_client_id_that_is_duplicated_exists() -> None:
    assert type(classify(coded(400, -4116, "ClientOrderId is duplicated."), ORDER)) is ExistsError


@pytest.mark.parametrize("endpoint", [CANCEL, QUERY])
def test_a_duplicate_makes_no_sense_where_nothing_is_placed(endpoint: Endpoint) -> None:
    assert type(classify(coded(400, -4116), endpoint)) is UnknownError


@pytest.mark.parametrize("said", ["Duplicate order sent.", "DUPLICATE"])
def test_a_rejection_that_says_duplicate_exists(said: str) -> None:
    assert type(classify(coded(400, -2010, said), ORDER)) is ExistsError


@pytest.mark.parametrize("endpoint", [ALGO, CANCEL, QUERY])
def test_elsewhere_it_is_a_rejection(endpoint: Endpoint) -> None:
    assert type(classify(coded(400, -2010, "Duplicate order sent."), endpoint)) is OrderRefusedError


ABSENT = {(QUERY, -2013), (CANCEL, -2011), (CANCEL, -2013)}


@pytest.mark.parametrize("endpoint", Endpoint)
@pytest.mark.parametrize("code", [-2011, -2013])
def test_what_is_not_there_is_absent_to_who_asks_or_cancels(code: int, endpoint: Endpoint) -> None:
    outcome = classify(coded(400, code, "Order does not exist."), endpoint)
    assert type(outcome) is (AbsentError if (endpoint, code) in ABSENT else UnknownError)
    assert outcome.code == code


def test_absent_is_a_refusal() -> None:
    assert issubclass(AbsentError, OrderRefusedError)


UNKNOWN: dict[str, Exception] = {
    "503, variant A": coded(503, -1000, SAYS_UNKNOWN),
    "503, variant A, without a code": api_error(503, json.dumps({"msg": SAYS_UNKNOWN})),
    "503, variant C, which says that it failed": coded(503, -1001, SAYS_FAILED),
    "500, internal error": coded(500, -1001, SAYS_FAILED),
    "400, internal error": coded(400, -1001, SAYS_FAILED),
    "-1006": coded(400, -1006, "Execution status unknown."),
    "-1000 with 400": coded(400, -1000),
    "-1007 with 400": coded(400, -1007),
    "-1007 with 429": coded(429, -1007),
    "408": coded(408, -1007, SAYS_TIMEOUT),
    "408 with a refusal's code": coded(408, -2019),
    "408 as HTML": api_error(408, "<html>"),
    "500 with a refusal's code": coded(500, -2019),
    "399 with a refusal's code": coded(399, -2019),
    "502 as HTML": api_error(502, "<html><body>nginx"),
    "503 as HTML": api_error(503, "Service Unavailable."),
    "503 with other words": coded(503, -1, "Service Unavailable"),
    "500 with the words of a 503": coded(500, 0, "Service Unavailable."),
    "504 without a body": api_error(504, ""),
    "403 as HTML": api_error(403, "<html>WAF"),
    "400 as HTML": api_error(400, "<html>"),
    "400 with a code that nobody knows": coded(400, -9999),
    "400 without a code": api_error(400, '{"msg":"hm"}'),
    "400 with a code that is no number": coded(400, "ERR"),
    "400 with a boolean for a code": coded(400, True),
    "400 with a fraction for a code": coded(400, -2019.5),
    "a list for a body": AttributeError("'list' object has no attribute 'get'"),
    "2xx of another content type": aiohttp.ContentTypeError(
        SimpleNamespace(real_url="https://x/?signature=abc"), ()
    ),
    "2xx that is no JSON": BinanceRequestException("Invalid Response: {"),
    "2xx that lacks a field": KeyError("orderId"),
    "no answer in time": TimeoutError(),
    "no bytes in time": aiohttp.SocketTimeoutError(),
    "no answer from the server in time": aiohttp.ServerTimeoutError(),
    "disconnected": aiohttp.ServerDisconnectedError(),
    "connection reset": aiohttp.ClientConnectionResetError(),
    "connection error": aiohttp.ClientConnectionError(),
    "half an answer": aiohttp.ClientPayloadError(),
    "broken pipe": aiohttp.ClientOSError(32, "broken pipe"),
    "any error of the system": OSError(5, "input/output error"),
    "our own mistake": TypeError(),
}  # fmt: skip # a table, or a call that is read as one


@pytest.mark.parametrize("endpoint", Endpoint)
@pytest.mark.parametrize("error", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_what_does_not_clearly_say_otherwise_is_unknown(error: Exception, endpoint: Endpoint) -> None:
    assert type(classify(error, endpoint)) is UnknownError


def test_a_cancelled_request_is_unknown() -> None:
    assert type(classify(asyncio.CancelledError(), ORDER)) is UnknownError


def test_an_unknown_keeps_its_code() -> None:
    assert classify(coded(503, -1000, SAYS_UNKNOWN), ORDER).code == -1000


def no_connection() -> list[aiohttp.ClientError]:
    key: Any = SimpleNamespace(ssl=True, host="exchange", port=443)
    return [
        aiohttp.ClientConnectorError(key, OSError(111, "refused")),
        aiohttp.ClientConnectorDNSError(key, OSError(-2, "unknown name")),
        aiohttp.ClientConnectorSSLError(key, OSError(1, "handshake")),
        aiohttp.ConnectionTimeoutError(),
        aiohttp.InvalidURL("x"),
    ]


@pytest.mark.parametrize("endpoint", [ORDER, ALGO, QUERY])
@pytest.mark.parametrize("error", no_connection(), ids=lambda raised: type(raised).__name__)
def test_without_a_connection_nothing_is_sent(error: Exception, endpoint: Endpoint) -> None:
    assert type(classify(error, endpoint)) is NotSentError


@pytest.mark.parametrize("error", no_connection(), ids=lambda raised: type(raised).__name__)
def test_a_cancel_without_a_connection_is_unknown_because_it_may_be_the_second_try(error: Exception) -> None:
    assert type(classify(error, CANCEL)) is UnknownError


@pytest.mark.parametrize("endpoint", Endpoint)
def test_what_was_held_up_is_not_sent(endpoint: Endpoint) -> None:
    outcome = classify(StalledError(1500), endpoint)
    assert type(outcome) is NotSentError
    assert "1500 ms" in str(outcome)


@pytest.mark.parametrize("endpoint", Endpoint)
def test_the_one_unavailability_that_did_nothing_only_slows_down(endpoint: Endpoint) -> None:
    outcome = classify(coded(503, 0, "Service Unavailable."), endpoint)
    assert type(outcome) is ThrottledError
    assert (outcome.retry_after_s, outcome.is_banned, outcome.banned_until_ms) == (None, False, None)
    assert outcome.is_overload


@pytest.mark.parametrize("status", [503, 400])
def test_overload_only_slows_down(status: int) -> None:
    outcome = classify(coded(status, -1008, SAYS_THROTTLED), ORDER)
    assert type(outcome) is ThrottledError
    assert (outcome.code, outcome.is_banned, outcome.is_overload) == (-1008, False, True)


@pytest.mark.parametrize("code", [-1003, -1015])
def test_too_many_requests_say_for_how_long(code: int) -> None:
    outcome = classify(coded(429, code, SAYS_TOO_MANY, {"Retry-After": "17"}), ORDER)
    assert type(outcome) is ThrottledError
    assert (outcome.code, outcome.retry_after_s, outcome.is_banned, outcome.banned_until_ms) == (
        code,
        17.0,
        False,
        None,
    )


def test_the_header_may_be_written_in_any_case() -> None:
    outcome = classify(coded(429, -1003, SAYS_TOO_MANY, {"retry-after": "0"}), ORDER)
    assert isinstance(outcome, ThrottledError)
    assert outcome.retry_after_s == 0.0


def test_a_ban_says_until_when() -> None:
    outcome = classify(coded(418, -1003, SAYS_BANNED, {"Retry-After": "120"}), QUERY)
    assert isinstance(outcome, ThrottledError)
    assert (outcome.is_banned, outcome.banned_until_ms, outcome.retry_after_s) == (True, 1790931239698, 120.0)


@pytest.mark.parametrize("status", [418, 429])
def test_a_throttle_needs_no_readable_body(status: int) -> None:
    outcome = classify(api_error(status, "<html>"), ORDER)
    assert isinstance(outcome, ThrottledError)
    assert (outcome.is_banned, outcome.retry_after_s) == (status == 418, None)


def test_the_header_is_looked_up_by_its_own_name() -> None:
    error = coded(429, -1003)
    error.response.headers = {"Retry-After": "3"}
    outcome = classify(error, ORDER)
    assert isinstance(outcome, ThrottledError)
    assert outcome.retry_after_s == 3.0


@pytest.mark.parametrize("named", ["", "soon", "-1", "1.5", "Sun, 22 Nov 2026 16:00:00 GMT", "12345678"])
def test_a_wait_that_cannot_be_read_is_none(named: str) -> None:
    outcome = classify(coded(429, -1003, SAYS_TOO_MANY, {"Retry-After": named}), ORDER)
    assert isinstance(outcome, ThrottledError)
    assert outcome.retry_after_s is None


def test_a_throttle_without_headers_is_one() -> None:
    error = coded(429, -1003)
    error.response = None
    assert type(classify(error, ORDER)) is ThrottledError


def test_a_code_may_be_a_text() -> None:
    assert classify(coded(400, "-2019"), ORDER).code == -2019


@pytest.mark.parametrize("code", [None, True, -2019.5, "ERR", "-", "-1234567", [], {}])
def test_what_is_no_code_is_none(code: Any) -> None:
    outcome = classify(coded(400, code), ORDER)
    assert type(outcome) is UnknownError
    assert type(outcome.code) is int
    assert outcome.code == 0
    assert str(outcome) == "said so"


SAID: list[tuple[Exception, Endpoint, type[OutcomeError], str, int]] = [
    (coded(408, -1007, "late"), ORDER, UnknownError, "late (-1007)", -1007),
    (coded(500, -2019, "odd"), ORDER, UnknownError, "odd (-2019)", -2019),
    (coded(400, -9999, "new"), ORDER, UnknownError, "new (-9999)", -9999),
    (coded(429, -1003, "many"), ORDER, ThrottledError, "many (-1003)", -1003),
    (coded(503, -1008, "busy"), ORDER, ThrottledError, "busy (-1008)", -1008),
    (coded(400, -4116, "twice"), ORDER, ExistsError, "twice (-4116)", -4116),
    (coded(400, -2013, "none"), QUERY, AbsentError, "none (-2013)", -2013),
    (coded(400, -2019, "poor"), ORDER, OrderRefusedError, "poor (-2019)", -2019),
    (aiohttp.ConnectionTimeoutError(), ORDER, NotSentError, "no connection: ConnectionTimeoutError", 0),
    (TimeoutError("x"), ORDER, UnknownError, "TimeoutError", 0),
]


@pytest.mark.parametrize(("error", "endpoint", "kind", "text", "code"), SAID)
def test_an_outcome_says_what_the_exchange_said(
    error: Exception, endpoint: Endpoint, kind: type[OutcomeError], text: str, code: int
) -> None:
    outcome = classify(error, endpoint)
    assert (type(outcome), str(outcome), outcome.code) == (kind, text, code)


@pytest.mark.parametrize("kind", [NotSentError, OrderRefusedError, UnknownError, ThrottledError])
def test_an_outcome_without_a_code_has_none(kind: type[OutcomeError]) -> None:
    outcome = kind("why")
    assert (str(outcome), outcome.code) == ("why", 0)


def test_an_outcome_stays_what_it_is() -> None:
    known = NotSentError("as it was")
    assert classify(known, CANCEL) is known


@pytest.mark.parametrize("endpoint", Endpoint)
def test_no_outcome_repeats_a_signed_url(endpoint: Endpoint) -> None:
    error = api_error(400, "<html>")
    error.message = "Invalid JSON error message from Binance: <ClientResponse(https://x/?signature=abc)>"
    assert str(classify(error, endpoint)) == "HTTP 400 without a readable body"


def test_a_long_message_is_cut() -> None:
    assert str(classify(coded(400, -2019, "x" * 500), ORDER)) == "x" * 200 + " (-2019)"


def test_every_outcome_is_of_one_family() -> None:
    family = {NotSentError, OrderRefusedError, ExistsError, UnknownError, ThrottledError}
    assert set(OutcomeError.__subclasses__()) == family


class Peer:
    """A server on a loopback port that answers a client of the real library as it is told to."""

    def __init__(self) -> None:
        self.answer = web.Response()
        self.seen = 0
        self.hangs_up = False

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.seen += 1
        if self.hangs_up:
            assert request.transport
            request.transport.close()
        return self.answer


@pytest.fixture
async def peer() -> AsyncIterator[tuple[Peer, AsyncClient]]:
    peer, port = Peer(), free_port()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", peer.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    client = AsyncClient("key", "secret")
    client.FUTURES_URL = f"http://127.0.0.1:{port}/fapi"
    yield peer, client
    await client.close_connection()
    await runner.cleanup()


async def place(client: AsyncClient, **options: Any) -> OutcomeError:
    try:
        await client.futures_create_order(
            symbol="BTCUSDT", side="BUY", type="MARKET", quantity="1", **options
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what shall be judged
        return classify(error, ORDER)
    raise AssertionError("it went well")


def json_answer(status: int, document: Any, **headers: str) -> Callable[[], web.Response]:
    return lambda: web.json_response(document, status=status, headers=headers)


def text_answer(status: int, text: str, content_type: str) -> Callable[[], web.Response]:
    return lambda: web.Response(status=status, text=text, content_type=content_type)


REAL: dict[str, tuple[Callable[[], web.Response], type[OutcomeError]]] = {
    "a refusal": (json_answer(400, {"code": -2019, "msg": "x"}), OrderRefusedError),
    "a duplicate": (json_answer(400, {"code": -4116, "msg": "x"}), ExistsError),
    "a list": (json_answer(400, []), UnknownError),
    "a limit": (json_answer(429, {"code": -1015, "msg": "x"}, **{"Retry-After": "3"}), ThrottledError),
    "HTML": (text_answer(502, "<html>", "text/html"), UnknownError),
    "HTML with 200": (text_answer(200, "{}", "text/html"), UnknownError),
    "broken JSON": (text_answer(200, "{", "application/json"), UnknownError),
}


@pytest.mark.parametrize("case", REAL)
async def test_what_the_real_library_raises_is_judged_alike(
    peer: tuple[Peer, AsyncClient], case: str
) -> None:
    server, client = peer
    answer, expected = REAL[case]
    server.answer = answer()
    placed = await place(client)
    assert type(placed) is expected
    assert server.seen == 1


async def test_a_server_that_hangs_up_after_an_order_leaves_it_unknown(
    peer: tuple[Peer, AsyncClient],
) -> None:
    server, client = peer
    server.hangs_up = True
    assert type(await place(client)) is UnknownError
    assert server.seen == 1


async def test_a_port_where_nobody_listens_was_not_sent_to(peer: tuple[Peer, AsyncClient]) -> None:
    _, client = peer
    client.FUTURES_URL = f"http://127.0.0.1:{free_port()}/fapi"
    assert type(await place(client)) is NotSentError
