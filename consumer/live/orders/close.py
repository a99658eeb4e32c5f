"""Closing a position: at once when it cannot have its stop, or because an intent asks for it."""

from __future__ import annotations

from contextlib import suppress
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from consumer.live.exchange import errors
from consumer.live.exchange.port import LimitOrder, MarketOrder
from consumer.live.journal import OrderPhase
from consumer.live.orders import ids
from consumer.live.orders.bracket import resting_targets
from consumer.live.orders.sender import StillUnknownError, next_attempt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from consumer.live.exchange.port import Position
    from consumer.live.journal import IntentRow, OrderRow
    from consumer.live.journal.journaled_plan import Closing
    from consumer.live.orders.sender import OrderSender

GIVE_UP_S = 60.0
#: Pauses, in seconds, between exits that are refused, one after the other: the first and the longest.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 30.0
#: After so many refusals in a row a stop is tried again as well.
STOP_AGAIN_AFTER = 3
#: How long to ask about an exit without an answer before the next one is sent; it can only close, never turn.
DOUBT_S = 0.5
#: For so long a position may still show after its exit was filled.
LAG_S = 5.0
_PAUSE_S = 0.1
#: Pauses, in seconds, after none, one, two and more requests in a row that the exchange did not look at.
_UNANSWERED_S = (0.0, 0.1, 0.2, 0.4, 0.8)
_ZERO = Decimal(0)


class ExitLeg:
    """The exit of one intent's position: targets out of its way, closed at market, stops cancelled."""

    def __init__(self, sender: OrderSender, intent: IntentRow, closing: Closing) -> None:
        self._sender = sender
        self._intent = intent
        self._closing = closing

    async def empty(self, stops_again: Callable[[], Awaitable[bool]] | None = None) -> bool:
        """Close the position until the exchange shows it gone, however many attempts it takes; True.

        Each can only make it smaller, so the next need not wait for what became of the one before. Once it is
        refused again and again, `stops_again` tries a stop in between; False as soon as one stands. Raises
        StillUnknownError after a minute.
        """
        clock, troubles = self._sender.clock, self._sender.troubles
        give_up_at, unanswered = clock.monotonic() + GIVE_UP_S, 0
        while clock.monotonic() < give_up_at:
            try:
                if stops_again and self._refusals() >= STOP_AGAIN_AFTER and await stops_again():
                    troubles.over(self._closing.symbol)
                    return False
                if await self._advance():
                    left = await self._left()
                    if left is None:
                        troubles.over(self._closing.symbol)
                        return True
                    closed = _executed(self._rows())
                    self._closing = self._closing._replace(quantity=closed + abs(left.amount))
                unanswered = 0
            except errors.OutcomeError as error:
                unanswered += 1
                troubles.begin(self._closing.symbol, f"it cannot be closed: {error}")
            await clock.sleep(max(self._pause_s(), _UNANSWERED_S[min(unanswered, len(_UNANSWERED_S) - 1)]))
        raise StillUnknownError(f"the exit of {self._closing.symbol}")

    def _pause_s(self) -> float:
        """Wait longer after each refusal in a row, over restarts, too: the journal has them."""
        refusals = self._refusals()
        if not refusals:
            return _PAUSE_S
        detail = self._rows()[-1].detail or ""
        dust = (
            "; what is left is dust, which a person must close" if f"({errors.TOO_SMALL})" in detail else ""
        )
        self._sender.troubles.begin(self._closing.symbol, f"it cannot be closed: {detail}{dust}")
        return min(FIRST_PAUSE_S * float(1 << min(refusals - 1, 10)), LONGEST_PAUSE_S)

    def _refusals(self) -> int:
        """Return how many exits in a row were refused, or found no counterparty."""
        refused = (OrderPhase.REFUSED, OrderPhase.EXPIRED)
        return sum(1 for _ in takewhile(lambda row: row.state in refused, reversed(self._rows())))

    async def make_way(self) -> None:
        """Cancel the targets if they can be; else the exit does so when they stand in its way."""
        with suppress(errors.OutcomeError):
            await self._cancel_targets()

    async def tidy(self) -> None:
        """Cancel what is left of a position that is closed; what cannot be now is cancelled later."""
        with suppress(errors.OutcomeError):
            await self._cancel_targets()
            await self._cancel_stops()

    async def _advance(self) -> bool:
        """Take one step; True once as much was closed as there was, or nothing is left."""
        rows = self._rows()
        left = self._closing.quantity - _executed(rows)
        if left <= _ZERO:
            return True
        last = rows[-1] if rows else None
        if last and last.state in (OrderPhase.SENT, OrderPhase.UNKNOWN, OrderPhase.ACCEPTED):
            asked = await self._sender.ask(last)
            too_soon = self._sender.clock.now_ms() - (last.sent_at_ms or 0) < DOUBT_S * 1000
            if (asked and asked.state is not OrderPhase.ACCEPTED) or too_soon:
                return False
        if last and last.state in (OrderPhase.REFUSED, OrderPhase.EXPIRED):
            position = await self._held()
            if position is None:
                return True
            # What rests may already cover the position, and hedge mode refuses to close more than there is.
            await self._cancel_targets()
            left = min(left, abs(position.amount))
        await self._sender.send(await self._prepared(left, rows))
        return False

    async def _left(self) -> Position | None:
        """Return what is left of a position that was closed, once that cannot be the lag of an answer."""
        give_up_at = self._sender.clock.monotonic() + LAG_S
        while True:
            position = await self._held()
            if position is None or self._sender.clock.monotonic() > give_up_at:
                return position
            await self._sender.clock.sleep(_PAUSE_S)

    async def _held(self) -> Position | None:
        """Return the position that would be closed, if it is there."""
        for position in await self._sender.exchange.positions(self._closing.symbol):
            is_long = position.amount > 0
            if position.side == self._closing.position_side and is_long == (self._closing.side == "SELL"):
                return position
        return None

    async def _cancel_targets(self) -> None:
        """Cancel our resting take profits of the position."""
        sender, closing = self._sender, self._closing
        for order in await resting_targets(sender.exchange, closing.symbol, closing.position_side):
            await sender.cancel(order.symbol, order.client_id, is_algo=False)

    async def _cancel_stops(self) -> None:
        """Cancel our waiting stops of the position; only once it is flat."""
        for algo in await self._sender.exchange.open_algos(self._closing.symbol):
            if ids.own(algo.client_id) and algo.position_side == self._closing.position_side:
                await self._sender.cancel(algo.symbol, algo.client_id, is_algo=True)

    def _rows(self) -> list[OrderRow]:
        return self._sender.rows(self._intent, (ids.EXIT,))

    async def _prepared(self, left: Decimal, rows: list[OrderRow]) -> OrderRow:
        if rows and rows[-1].state is OrderPhase.PREPARED:
            return rows[-1]
        client_id = self._sender.client_id(self._intent, ids.EXIT, next_attempt(rows))
        request = await self._request(client_id, left, rows[-1] if rows else None)
        return await self._sender.prepare(self._intent, ids.EXIT, request)

    async def _request(
        self, client_id: str, left: Decimal, last: OrderRow | None
    ) -> MarketOrder | LimitOrder:
        """Return the next exit: at market, in slices, or at the band's edge when no price is in it."""
        closing, rules = self._closing, self._sender.rules_of(self._closing.symbol)
        order: dict[str, Any] = {
            "symbol": closing.symbol,
            "client_id": client_id,
            "side": closing.side,
            "position_side": closing.position_side,
            "quantity": min(left, rules.max_quantity) if rules else left,
            "reduce_only": closing.position_side == "BOTH",
        }
        had_no_price = last is not None and f"({errors.NO_PRICE_IN_BAND})" in (last.detail or "")
        if not had_no_price or rules is None or rules.band is None:
            return MarketOrder(**order)
        mark = await self._sender.exchange.mark_price(closing.symbol)
        price = _edge(mark, rules.band, rules.tick, is_sale=closing.side == "SELL")
        return LimitOrder(**order, price=price, time_in_force="IOC")


def _edge(mark: Decimal, band: tuple[Decimal, Decimal], tick: Decimal, *, is_sale: bool) -> Decimal:
    """Return the worst price that the band allows, on the tick inside of it."""
    factor, rounding = (band[0], ROUND_CEILING) if is_sale else (band[1], ROUND_FLOOR)
    return (mark * factor / tick).to_integral_value(rounding) * tick


def _executed(rows: list[OrderRow]) -> Decimal:
    return sum((row.executed or _ZERO for row in rows), _ZERO)
