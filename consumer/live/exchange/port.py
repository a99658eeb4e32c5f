"""What live mode needs of the world outside: an exchange, a clock, and a journal that a crash cannot undo.

Orders depend on these alone, so that a simulation can stand in for all three. The journal's port is the store
that keeps it, journal.store. Money and quantities are decimals in USDT or the base asset, times are
milliseconds since 1970, ids are texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from decimal import Decimal

    from consumer.intents.filters import Filters


class MarketOrder(NamedTuple):
    """A market order. `position_side` is BOTH in one-way mode; hedge mode knows no `reduce_only`.

    `sent_at_ms` is the time that the journal holds: an exchange must not be asked much later than that, or
    "not found" would be concluded too soon (0: any time will do).
    """

    symbol: str
    client_id: str
    side: str
    position_side: str
    quantity: Decimal
    reduce_only: bool
    sent_at_ms: int = 0


class LimitOrder(NamedTuple):
    """An order at a price, good until cancelled (GTC) or only at once (IOC); else like MarketOrder."""

    symbol: str
    client_id: str
    side: str
    position_side: str
    quantity: Decimal
    price: Decimal
    reduce_only: bool
    sent_at_ms: int = 0
    time_in_force: str = "GTC"


class StopOrder(NamedTuple):
    """A stop that closes the whole position at market when the mark price reaches the trigger."""

    symbol: str
    client_id: str
    side: str
    position_side: str
    trigger_price: Decimal
    sent_at_ms: int = 0


type Order = MarketOrder | LimitOrder | StopOrder


class OrderState(NamedTuple):
    """An order as the exchange last described it; `average_price` is None where the answer had none."""

    symbol: str
    client_id: str
    order_id: int
    status: str
    side: str
    position_side: str
    executed: Decimal
    average_price: Decimal | None
    reduce_only: bool
    type: str
    price: Decimal
    quantity: Decimal
    time_ms: int


class AlgoState(NamedTuple):
    """A conditional order as the exchange last described it; `actual_order_id` is empty until it triggers."""

    symbol: str
    client_id: str
    algo_id: int
    status: str
    side: str
    position_side: str
    trigger_price: Decimal
    close_position: bool
    order_type: str
    actual_order_id: str
    time_ms: int


class Position(NamedTuple):
    """A position that is not flat: `side` is BOTH, LONG or SHORT; `amount` is negative when short."""

    symbol: str
    side: str
    amount: Decimal
    entry_price: Decimal
    mark_price: Decimal
    notional: Decimal


class Account(NamedTuple):
    """How the account is set, and its USDT."""

    hedge: bool
    multi_assets: bool
    available_usd: Decimal
    wallet_usd: Decimal


class Income(NamedTuple):
    """What trading earned, in USD; `unvalued` are the assets it was booked in that have no price."""

    usd: Decimal
    unvalued: tuple[str, ...] = ()


class SymbolConfig(NamedTuple):
    """A symbol's settings in the account; `margin_type` is CROSSED or ISOLATED."""

    symbol: str
    leverage: int
    margin_type: str


class ExchangeClock(Protocol):
    """Redis's time, and time that only moves on."""

    def now_ms(self) -> int:
        """Return the time that everybody shares."""

    def monotonic(self) -> float:
        """Return seconds that never go back."""

    async def sleep(self, seconds: float) -> None:
        """Let others run for so long."""


class Exchange(Protocol):
    """An account at an exchange. What cannot be answered raises an error of consumer.live.exchange.errors."""

    @property
    def offset_ms(self) -> int:
        """How far the exchange's clock is ahead of this machine's."""

    async def time_ms(self) -> int:
        """Return the exchange's time, and set the clock of signed requests by it."""

    async def exchange_info(self) -> dict[str, Filters]:
        """Return every tradable symbol's rules."""

    async def account(self) -> Account:
        """Return the account's mode and money."""

    async def listen_key(self) -> str:
        """Return the key of the user data stream, made or prolonged."""

    async def account_alias(self) -> str:
        """Return the exchange's own code for the account."""

    async def latest_orders(self, symbol: str) -> list[OrderState]:
        """Return the latest orders of a symbol, done or not, oldest first."""

    async def symbol_config(self, symbol: str) -> SymbolConfig:
        """Return a symbol's leverage and margin type."""

    async def symbol_configs(self) -> list[SymbolConfig]:
        """Return leverage and margin type of every symbol."""

    async def positions(self, symbol: str | None = None) -> list[Position]:
        """Return the positions that are not flat."""

    async def open_orders(self, symbol: str | None = None) -> list[OrderState]:
        """Return resting orders."""

    async def open_algos(self, symbol: str | None = None) -> list[AlgoState]:
        """Return conditional orders that wait for their trigger."""

    async def order(self, symbol: str, client_id: str) -> OrderState | None:
        """Return an order by our id; None when the exchange says that there is none."""

    async def algo(self, symbol: str, client_id: str) -> AlgoState | None:
        """Return a conditional order by our id; None when the exchange says that there is none."""

    async def income(self, since_ms: int) -> Income:
        """Return what was earned since a time: realized profit, funding and fees, in whatever asset."""

    async def mark_price(self, symbol: str) -> Decimal:
        """Return the mark price."""

    async def place(self, request: MarketOrder | LimitOrder) -> OrderState:
        """Send an order, once."""

    async def place_stop(self, request: StopOrder) -> AlgoState:
        """Send a stop, once."""

    async def cancel(self, symbol: str, client_id: str) -> None:
        """Cancel a resting order."""

    async def cancel_algo(self, symbol: str, client_id: str) -> None:
        """Cancel a conditional order."""
