import pytest

from sandbox.exchange.core.errors import ExchangeError
from sandbox.exchange.core.parameters import Parameters
from sandbox.exchange.signing import Call, KnownKey, authenticate, signature

NOW_MS = 1_591_702_613_943
SECRET = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"
PAYLOAD = (
    "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC"
    "&recvWindow=5000&timestamp=1591702613943"
)
SIGNATURE = "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9"
TRADING = KnownKey("tradingtradingtrading", SECRET, may_trade=True)
READING = KnownKey("readingreadingreading", SECRET, may_trade=False)
KEYS = {key.key: key for key in (TRADING, READING)}


def ask(
    query: str = "",
    body: str = f"{PAYLOAD}&signature={SIGNATURE}",
    key: str = TRADING.key,
    now_ms: int = NOW_MS,
    *,
    trades: bool = True,
) -> int:
    """Return the code of the refusal, 0 when there is none."""
    try:
        call = Call(query, body, key, "127.0.0.1")
        authenticate(KEYS, call, Parameters.of(query, body), now_ms=now_ms, trades=trades)
    except ExchangeError as error:
        return error.code
    return 0


def test_the_documented_test_vector_is_reproduced() -> None:
    assert signature(SECRET, "", PAYLOAD) == SIGNATURE


def test_a_signature_in_the_body_or_in_the_query_is_good() -> None:
    assert ask() == 0
    assert ask(query=f"{PAYLOAD}&signature={SIGNATURE}", body="") == 0


def test_query_and_body_are_signed_as_one_text_without_a_separator() -> None:
    query, body = PAYLOAD[:40], PAYLOAD[40:]
    assert ask(query=query, body=f"{body}&signature={SIGNATURE}") == 0


def test_a_signature_in_capitals_is_good() -> None:
    assert ask(body=f"{PAYLOAD}&signature={SIGNATURE.upper()}") == 0


def test_a_changed_parameter_spoils_the_signature() -> None:
    assert ask(body=f"{PAYLOAD}&signature={SIGNATURE}".replace("quantity=1", "quantity=2")) == -1022


@pytest.mark.parametrize("missing", ["timestamp", "signature"])
def test_a_request_without_time_or_signature_is_refused(missing: str) -> None:
    body = f"{PAYLOAD}&signature={SIGNATURE}".replace(f"{missing}=", "something=")
    assert ask(body=body) == -1102


@pytest.mark.parametrize("key", ["", "short", "with spaces in it, and too much else"])
def test_a_key_that_cannot_be_one_is_told_apart_from_an_unknown_one(key: str) -> None:
    assert ask(key=key) == -2014
    assert ask(key="unknownunknownunknown") == -2015


def test_a_reading_key_reads_and_does_not_trade() -> None:
    assert ask(key=READING.key, trades=False) == 0
    assert ask(key=READING.key, trades=True) == -2015


@pytest.mark.parametrize(
    ("late_ms", "code"), [(5_000, 0), (5_001, -1021), (-999, 0), (-1_000, -1021)], ids=str
)
def test_a_timestamp_is_good_from_a_second_ahead_to_the_window_behind(late_ms: int, code: int) -> None:
    assert ask(now_ms=NOW_MS + late_ms) == code
