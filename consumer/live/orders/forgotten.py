"""A position that we entered, of which the journal knows nothing: it was lost, or an older copy was put back.

Its entry carries an id of ours, and a stop's id follows from that; its plan is gone, so the stop stands as
far off as any plan's may. Trading is halted meanwhile, and a person decides what becomes of it.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from consumer.intents.levels import FARTHEST_SL
from consumer.live.exchange.port import MarketOrder, StopOrder
from consumer.live.orders import ids
from consumer.live.orders.emergency import stop_or_exit

if TYPE_CHECKING:
    from consumer.live.exchange.port import Exchange, Position
    from consumer.live.orders.ids import OwnId


async def protect(exchange: Exchange, position: Position, tick: Decimal) -> None:
    """Give a position of ours the stop that it lacks, or close it; another's is left alone.

    Raises an OutcomeError when the exchange does not answer.
    """
    is_long = position.amount > 0
    side = "SELL" if is_long else "BUY"
    for waiting in await exchange.open_algos(position.symbol):
        if (waiting.side, waiting.position_side) == (side, position.side):
            return
    entry = await _entry(exchange, position)
    if entry is None:
        return
    stop_id, exit_id = (ids.of_stem(entry.stem, leg, ids.EMERGENCY_ATTEMPT) for leg in (ids.STOP, ids.EXIT))
    symbol, quantity, is_one_way = position.symbol, abs(position.amount), position.side == "BOTH"
    await stop_or_exit(
        exchange,
        StopOrder(symbol, stop_id, side, position.side, _stop_price(position, tick)),
        MarketOrder(symbol, exit_id, side, position.side, quantity, reduce_only=is_one_way),
    )


async def _entry(exchange: Exchange, position: Position) -> OwnId | None:
    """Return the id of the entry that brought a position, if it is one of ours: the latest that executed."""
    entering = "BUY" if position.amount > 0 else "SELL"
    for order in reversed(await exchange.latest_orders(position.symbol)):
        if order.executed and (order.side, order.position_side) == (entering, position.side):
            own = ids.own(order.client_id)
            return own if own and own.leg == ids.ENTRY else None
    return None


def _stop_price(position: Position, tick: Decimal) -> Decimal:
    """Return where a stop stands at the farthest, rounded to the tick towards the entry."""
    away = -FARTHEST_SL if position.amount > 0 else FARTHEST_SL
    rounding = ROUND_CEILING if position.amount > 0 else ROUND_FLOOR
    ticks = (position.entry_price * (1 + away) / tick).to_integral_value(rounding)
    return ticks * tick
