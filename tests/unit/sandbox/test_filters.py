from decimal import Decimal

import pytest

from sandbox.exchange.core import filters
from sandbox.exchange.core.errors import ExchangeError
from sandbox.exchange.core.order_request import conditional_order, plain_order
from sandbox.exchange.core.parameters import Parameters

MARK = Decimal("0.3701")


def refusal(**parameters: str) -> int:
    """Return the code of the filter that an ADAUSDT order does not pass, 0 when it passes all."""
    asked = Parameters({"symbol": "ADAUSDT", "side": "BUY", "type": "MARKET"} | parameters)
    read = conditional_order if "algoType" in asked else plain_order
    try:
        filters.check(read(asked), MARK)
    except ExchangeError as error:
        return error.code
    return 0


def limit(price: str, **parameters: str) -> int:
    return refusal(**{"type": "LIMIT", "timeInForce": "GTC", "quantity": "100", "price": price} | parameters)


def test_an_order_on_the_raster_passes() -> None:
    assert refusal(quantity="14") == 0
    assert limit("0.3700") == 0


@pytest.mark.parametrize(
    ("quantity", "code"),
    [("14.5", -1111), ("0", -4003), ("10000001", -4005), ("13", -4164)],
)
def test_a_quantity_is_refused_for_precision_sign_size_and_notional(quantity: str, code: int) -> None:
    assert refusal(quantity=quantity) == code


@pytest.mark.parametrize(
    ("price", "code"),
    [("0.370001", -1111), ("0.0173", -4013), ("20000.1", -4002), ("0.37005", -4014), ("0.4000", -4016)],
)
def test_a_price_is_refused_for_precision_range_raster_and_band(price: str, code: int) -> None:
    assert limit(price) == code


def test_a_sell_may_not_be_far_below_the_mark() -> None:
    assert limit("0.3400", side="SELL") == -4024


def test_the_smallest_notional_does_not_bind_reduce_only_and_close_position() -> None:
    assert refusal(quantity="13", reduceOnly="true") == 0
    closing = {"algoType": "CONDITIONAL", "type": "STOP_MARKET", "triggerPrice": "0.3600"}
    assert refusal(side="SELL", closePosition="true", **closing) == 0
