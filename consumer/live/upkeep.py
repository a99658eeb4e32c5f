"""What is done at the exchange again and again, whatever intents come: positions, orders and the account."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from consumer.base import clock
from consumer.base.log import logger
from consumer.live.exchange import errors
from consumer.live.intent_handler import news
from consumer.live.orders import position_watch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from consumer.live.exchange.port import Exchange
    from consumer.live.halt import Halts
    from consumer.live.journal import Journal
    from consumer.live.orders.position_watch import PositionWatch
    from consumer.live.orders.reconciliation import Keeper
    from consumer.live.risk.account_picture import AccountPicture
    from consumer.live.workers import SymbolWorkers

#: How often, in seconds, positions are looked at, and looked after; and how soon again at what one look alone
#: does not prove.
RESCUE_S, KEEP_S, AGAIN_S = 0.5, 3.0, 1.0
#: How often, in seconds, it is looked whether the account is still set as the limits file says.
ACCOUNT_S = 8.0
#: A jump of the exchange's clock beside ours, in ms, that halts.
JUMP_MS = 1000


class Upkeep:
    """Looks after what is open, and halts at what nobody here brought about.

    `is_ready` tells whether this instance trades; `late` is what others are to be told of intents whose
    decision was told before it was known.
    """

    def __init__(
        self,
        journal: Journal,
        workers: SymbolWorkers,
        halts: Halts,
        *,
        exchange: Exchange,
        watchers: tuple[Keeper, PositionWatch, AccountPicture],
        watch_account: Callable[[], Awaitable[None]],
        is_ready: Callable[[], bool],
    ) -> None:
        self._exchange = exchange
        self._journal = journal
        self._keeper, self._position_watch, self._picture = watchers
        self._workers = workers
        self._compare_account = watch_account
        self._halts = halts
        self._is_ready = is_ready
        self._kept_at: dict[str, float] = {}
        self._watched_at = float("-inf")
        self._offset_ms: int | None = None
        self.late: list[Sequence[str]] = []

    def tasks(self) -> list[tuple[float, Callable[[], Awaitable[None]]]]:
        """Return what is to be done again and again, and every how many seconds."""
        return [
            (RESCUE_S, self._look_after),
            (clock.EVERY_S, self._measure_clock),
            (ACCOUNT_S, self._watch_account),
            (RESCUE_S, self._watch_positions),
        ]

    def wake(self, symbol: str) -> None:
        """Look after a symbol, and at all positions, as soon as may be: something has happened there."""
        self._kept_at.pop(symbol, None)
        self._watched_at = float("-inf")

    def carry_on(self) -> None:
        """Have every intent carried on that was begun and has no outcome, by its symbol's worker."""
        for symbol in {intent.symbol for intent in self._journal.unresolved()}:
            self._workers.offer(symbol, "carried_on", partial(self._keeper.resume, symbol))

    async def _look_after(self) -> None:
        """See that no position stays without a stop, and under the lease to all else that is open."""
        now = time.monotonic()
        symbols = {intent.symbol for intent in self._journal.open_intents()}
        self._kept_at = {symbol: self._kept_at.get(symbol, float("-inf")) for symbol in symbols}
        for symbol in symbols:
            self._workers.offer(symbol, "rescued", partial(self._keeper.rescue, symbol))
            every_s = AGAIN_S if self._keeper.is_in_doubt(symbol) else KEEP_S
            if self._is_ready() and now - self._kept_at[symbol] >= every_s:
                self._kept_at[symbol] = now
                self._workers.offer(symbol, "looked_after", partial(self._look, symbol))

    async def _look(self, symbol: str) -> None:
        await self._keeper.resume(symbol)  # an entry may be gone from Redis, and would never come again
        for intent, report in await self._keeper.look(symbol):
            self.late += news(intent, report)

    async def _watch_positions(self) -> None:
        """Halt when a position is there that no intent accounts for."""
        now = time.monotonic()
        if not self._is_ready() or now - self._watched_at < position_watch.EVERY_S:
            return
        self._watched_at = now
        try:
            seen = await self._position_watch.look()
        except errors.OutcomeError as error:
            logger().debug("positions_not_watched", why=str(error))
            return
        if seen.changed:  # what has changed is looked after now
            self._kept_at = {}
            self._picture.forget_income()
        for why, position in seen.strange:
            self._halts.set("HALT_STATE_DIFFERS", why)
            protect = partial(self._position_watch.protect, position)
            self._workers.offer(position.symbol, "strange_protected", protect)

    async def _watch_account(self) -> None:
        """Halt when somebody changes how the account is set, or takes the key away."""
        if not self._is_ready():
            return
        try:
            await self._compare_account()
        except errors.OutcomeError as error:
            logger().debug("account_not_watched", why=str(error))

    async def _measure_clock(self) -> None:
        try:
            await self._exchange.time_ms()
        except errors.OutcomeError:
            return
        before, self._offset_ms = self._offset_ms, self._exchange.offset_ms
        if before is None:
            logger().info("exchange_clock", offset_ms=self._offset_ms)
        elif abs(self._offset_ms - before) > JUMP_MS:
            self._halts.set("HALT_CLOCK_JUMP", f"from {before} ms ahead of ours to {self._offset_ms} ms")
