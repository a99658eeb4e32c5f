"""The one door to the exchange: what a request costs, and what is urgent. Nothing passes while it is shut.

Weights are those of the documentation, in September 2026.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

from consumer.live.exchange.limiter import Cost

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: How long a request waits before the door, in seconds; whoever sent it may try again.
PATIENCE_S = 1.0
#: The client's method → weight, and weight without a symbol.
_WEIGHTS: Mapping[str, tuple[int, int]] = {
    "futures_time": (1, 1),
    "futures_stream_get_listen_key": (1, 1),
    "futures_exchange_info": (1, 1),
    "futures_account_config": (5, 5),
    "futures_account": (5, 5),
    "futures_account_balance": (5, 5),
    "futures_get_all_orders": (5, 5),
    "futures_symbol_config": (5, 5),
    "futures_position_information": (5, 5),
    "futures_get_open_orders": (1, 40),
    "futures_get_open_algo_orders": (1, 40),
    "futures_get_order": (1, 1),
    "futures_get_algo_order": (1, 1),
    "futures_income_history": (30, 30),
    "futures_mark_price": (1, 10),
    "futures_cancel_order": (1, 1),
    "futures_cancel_algo_order": (1, 1),
}
#: Of a method that is not in the table.
_OTHERWISE = (5, 40)
_PLACES = frozenset({"futures_create_order", "futures_create_algo_order"})
_is_urgent: ContextVar[bool] = ContextVar("is_urgent", default=False)


class Door(Protocol):
    """Says for how many seconds a request must wait; 0 counts it as sent."""

    def __call__(self, cost: Cost, /, *, is_urgent: bool) -> float:
        """Ask to pass."""


@contextmanager
def urgent() -> Iterator[None]:
    """Let what is asked and sent in the block take the share that is kept for protecting and closing."""
    token = _is_urgent.set(True)
    try:
        yield
    finally:
        _is_urgent.reset(token)


def is_urgent() -> bool:
    """Tell whether what is asked now serves a stop or an exit."""
    return _is_urgent.get()


def cost_of(method: str, parameters: Mapping[str, Any]) -> Cost:
    """Return what a call of the client's method takes of the budgets."""
    if method in _PLACES:
        return Cost(orders=1)
    of_one, of_all = _WEIGHTS.get(method, _OTHERWISE)
    return Cost(weight=of_one if "symbol" in parameters else of_all)
