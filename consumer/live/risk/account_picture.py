"""What the exchange says of the account, and how long ago: fresh for a yes, a few seconds old for a no.

What was asked before our own last action in a symbol says nothing of that symbol any more, and for a yes,
which depends on the whole account, before our last action anywhere.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from decimal import Decimal

    from consumer.live.exchange.port import (
        Account,
        Exchange,
        ExchangeClock,
        Income,
        Position,
        SymbolConfig,
    )

#: How old, in seconds, an answer may be that a yes, or a no, rests on; and the day's income, which is dear.
FRESH_S, RECENT_S, INCOME_S = 1.0, 5.0, 30.0


class AccountFacts(NamedTuple):
    """What an opening in one symbol is judged on.

    `busy` are the symbols with a resting or conditional order, as far as they were asked for; `asked_s` is
    when the oldest of it was asked, on the clock that only moves on, but for the income.
    """

    account: Account
    positions: Sequence[Position]
    config: SymbolConfig
    mark: Decimal
    income: Income
    busy: frozenset[str]
    asked_s: float


class _Answer(NamedTuple):
    value: Any
    asked_s: float


class AccountPicture:
    """Remembers the exchange's answers. `acted_s` tells when we last did something in a symbol, or anywhere.

    All questions raise an OutcomeError where the exchange does not answer.
    """

    def __init__(
        self, exchange: Exchange, clock: ExchangeClock, acted_s: Callable[[str | None], float]
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._acted_s = acted_s
        self._answers: dict[str, _Answer] = {}

    async def recent(self, symbol: str, since_ms: int) -> AccountFacts | None:
        """Return facts that a no may rest on; `since_ms` is when the day began. None: it is not listed."""
        since_s = max(self._clock.monotonic() - RECENT_S, self._acted_s(symbol))
        exchange = self._exchange
        account, positions, configs, mark, income = await asyncio.gather(
            self._known("account", since_s, exchange.account),
            self._known("positions", since_s, exchange.positions),
            self._known("configs", since_s, exchange.symbol_configs),
            self._known(f"mark {symbol}", since_s, lambda: exchange.mark_price(symbol)),
            self._income(since_ms, float("-inf")),
        )
        config = next((config for config in configs.value if config.symbol == symbol), None)
        if config is None:
            return None
        asked_s = min(account.asked_s, positions.asked_s, configs.asked_s, mark.asked_s)
        values = (account.value, positions.value, config, mark.value, income.value)
        return AccountFacts(*values, frozenset(), asked_s)

    async def fresh(self, symbol: str, since_ms: int) -> AccountFacts:
        """Return facts that a yes may rest on: all of them, and asked just now."""
        since_s = max(self._clock.monotonic() - FRESH_S, self._acted_s(None))
        exchange = self._exchange
        account, positions, config, mark, orders, algos, income = await asyncio.gather(
            self._known("account", since_s, exchange.account),
            self._known("positions", since_s, exchange.positions),
            self._known(f"config {symbol}", since_s, lambda: exchange.symbol_config(symbol)),
            self._known(f"mark {symbol}", since_s, lambda: exchange.mark_price(symbol)),
            self._known(f"orders {symbol}", since_s, lambda: exchange.open_orders(symbol)),
            self._known(f"algos {symbol}", since_s, lambda: exchange.open_algos(symbol)),
            self._income(since_ms, self._acted_s(None)),
        )
        answers = (account, positions, config, mark, orders, algos)
        busy = frozenset(order.symbol for order in (*orders.value, *algos.value))
        values = (account.value, positions.value, config.value, mark.value, income.value)
        return AccountFacts(*values, busy, min(answer.asked_s for answer in answers))

    def forget_income(self) -> None:
        """Ask for the day's result again before the next yes: a position has changed by itself."""
        self._answers = {name: answer for name, answer in self._answers.items() if name[:7] != "income "}

    async def _income(self, day_ms: int, since_s: float) -> _Answer:
        since_s = max(self._clock.monotonic() - INCOME_S, since_s)
        return await self._known(f"income {day_ms}", since_s, lambda: self._exchange.income(day_ms))

    async def _known(self, name: str, since_s: float, ask: Callable[[], Awaitable[Any]]) -> _Answer:
        """Return an answer that was asked for later than at a time; asked now, where there is none."""
        known = self._answers.get(name)
        if known and known.asked_s > since_s:
            return known
        asked_s = self._clock.monotonic()
        self._answers[name] = answer = _Answer(await ask(), asked_s)
        return answer
