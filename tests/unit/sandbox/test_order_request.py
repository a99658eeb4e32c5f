import pytest

from sandbox.exchange.core.errors import ExchangeError
from sandbox.exchange.core.order_request import conditional_order, plain_order
from sandbox.exchange.core.parameters import Parameters


def refusal(**parameters: str) -> int:
    asked = Parameters({"symbol": "ADAUSDT", "side": "BUY", "type": "MARKET", "quantity": "20"} | parameters)
    read = conditional_order if "algoType" in asked else plain_order
    with pytest.raises(ExchangeError) as caught:
        read(Parameters({name: value for name, value in asked.items() if value != "absent"}))
    return caught.value.code


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"symbol": "HARNESSUSDT"}, -1121),
        ({"side": "LONG"}, -1117),
        ({"type": "STOP_MARKET"}, -4120),
        ({"type": "ICEBERG"}, -1116),
        ({"type": "LIMIT", "price": "0.3701"}, -1102),
        ({"type": "LIMIT", "price": "0.3701", "timeInForce": "DAY"}, -1115),
        ({"quantity": "absent"}, -1102),
        ({"quantity": "2e1"}, -1100),
        ({"quantity": "-20"}, -1100),
        ({"price": "0.3701"}, -1106),
        ({"newClientOrderId": "x" * 37}, -4015),
        ({"newClientOrderId": "with space"}, -1100),
        ({"algoType": "TWAP"}, -1102),
        ({"algoType": "CONDITIONAL"}, -1116),
        ({"algoType": "CONDITIONAL", "type": "STOP_MARKET"}, -1102),
        ({"algoType": "CONDITIONAL", "type": "STOP_MARKET", "closePosition": "true"}, -4137),
        ({"algoType": "CONDITIONAL", "type": "STOP", "closePosition": "true"}, -1106),
    ],
    ids=str,
)
def test_a_request_that_cannot_be_an_order_is_refused(parameters: dict[str, str], code: int) -> None:
    assert refusal(**parameters) == code


def test_of_a_parameter_in_query_and_body_the_query_counts() -> None:
    assert Parameters.of("side=BUY", "side=SELL&quantity=2") == {"side": "BUY", "quantity": "2"}
