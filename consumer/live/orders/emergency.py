"""A position whose journal fails still gets its stop, or is closed: without it, and under ids that say so."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from consumer.live.exchange import errors
from consumer.live.exchange.port import MarketOrder
from consumer.live.orders import ids
from consumer.live.orders.bracket import StopLeg, resting_targets

if TYPE_CHECKING:
    from decimal import Decimal

    from consumer.live.exchange.port import Exchange, StopOrder
    from consumer.live.journal import IntentRow
    from consumer.live.orders.sender import OrderSender

WITHIN_S = 30.0
_PAUSE_S = 0.2


class _Entered(NamedTuple):
    quantity: Decimal
    average: Decimal


class Emergency:
    """What one intent may have entered, and no journal to write down what is done about it."""

    def __init__(self, sender: OrderSender, intent: IntentRow) -> None:
        self._sender = sender
        self._intent = intent

    async def protect(self) -> None:
        """Protect what may have been entered, as far as the exchange can be reached."""
        if self._intent.direction == "close":
            return
        give_up_at = self._sender.clock.monotonic() + WITHIN_S
        while self._sender.clock.monotonic() < give_up_at:
            with suppress(errors.OutcomeError):
                entered = await self._entered()
                if entered is None or await self._protected(entered):
                    return
            await self._sender.clock.sleep(_PAUSE_S)

    async def _entered(self) -> _Entered | None:
        """Return what was entered, as the order says, or its position where nothing is said of the order."""
        plan, exchange = self._intent.planned.plan, self._sender.exchange
        try:
            entry = await exchange.order(plan.symbol, self._sender.client_id(self._intent, ids.ENTRY, 0))
        except errors.OutcomeError:
            for held in await exchange.positions(plan.symbol):
                if held.side == plan.position_side and (held.amount > 0) == plan.is_long:
                    return _Entered(abs(held.amount), held.entry_price)
            raise
        if entry is None or not entry.executed:
            return None
        return _Entered(entry.executed, entry.average_price or plan.price)

    async def _protected(self, entered: _Entered) -> bool:
        plan, exchange = self._intent.planned.plan, self._sender.exchange
        waiting = await exchange.open_algos(plan.symbol)
        if any(ids.own(algo.client_id) and algo.position_side == plan.position_side for algo in waiting):
            return True
        stop = StopLeg(self._sender, self._intent).request(entered.average, ids.EMERGENCY_ATTEMPT)
        # A stop that was accepted is found by the next look.
        return await stop_or_exit(exchange, stop, self._exit(entered.quantity))

    def _exit(self, quantity: Decimal) -> MarketOrder:
        plan = self._intent.planned.plan
        return MarketOrder(
            symbol=plan.symbol,
            client_id=self._sender.client_id(self._intent, ids.EXIT, ids.EMERGENCY_ATTEMPT),
            side=plan.exit_side,
            position_side=plan.position_side,
            quantity=quantity,
            reduce_only=not plan.is_hedged,
        )


async def stop_or_exit(exchange: Exchange, stop: StopOrder, leave: MarketOrder) -> bool:
    """Place a stop or, where it is refused, close; tell whether it was closed.

    Nothing of it is written down. Raises an OutcomeError when neither can be done.
    """
    try:
        await exchange.place_stop(stop)
    except errors.OrderRefusedError:
        # Together the targets cover the position, and an exit beside them would be too much.
        for resting in await resting_targets(exchange, stop.symbol, stop.position_side):
            with suppress(errors.AbsentError):
                await exchange.cancel(resting.symbol, resting.client_id)
        await exchange.place(leave)
        return True
    return False
