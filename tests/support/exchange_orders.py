"""Orders as the real client takes them, and the code that a refused one meets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from binance.exceptions import BinanceAPIException

if TYPE_CHECKING:
    from collections.abc import Awaitable

ENTRY = {
    "symbol": "ADAUSDT",
    "side": "BUY",
    "type": "MARKET",
    "quantity": "540",
    "newOrderRespType": "RESULT",
}
EXIT = ENTRY | {"side": "SELL", "reduceOnly": "true"}
TAKE_PROFIT = {
    "symbol": "ADAUSDT",
    "side": "SELL",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "540",
    "price": "0.3800",
    "reduceOnly": "true",
    "newClientOrderId": "tp",
}
STOP = {
    "symbol": "ADAUSDT",
    "side": "SELL",
    "type": "STOP_MARKET",
    "triggerPrice": "0.3650",
    "closePosition": "true",
    "workingType": "MARK_PRICE",
    "clientAlgoId": "stop",
}


async def refusal(asked: Awaitable[Any]) -> int:
    """Return the code of the refusal that a request meets."""
    with pytest.raises(BinanceAPIException) as caught:
        await asked
    return int(caught.value.code)
