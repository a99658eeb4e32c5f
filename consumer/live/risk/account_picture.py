"""What the exchange says of the account, and how long ago: fresh for a yes, a few seconds old for a no.

What was asked before our own last action in a symbol says nothing of that symbol any more, nor of the account
where a yes depends on it. What other symbols are doing meanwhile is not waited for: the journal knows what
they have begun, and it counts as open.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence
    from decimal import Decimal

    from consumer.live.exchange.port import (
        Account,
        Exchange,
        ExchangeClock,
        Income,
        Position,
        SymbolConfig,
    )
    from consumer.live.orders.sender import OrderSender

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


class _Question(NamedTuple):
    answer: asyncio.Future[Any]
    asked_s: float


class _Answer(NamedTuple):
    value: Any
    asked_s: float


class AccountPicture:
    """Remembers the exchange's answers, and asks once what several want to know at the same time.

    All questions raise an OutcomeError where the exchange does not answer.
    """

    def __init__(self, exchange: Exchange, clock: ExchangeClock, sender: OrderSender) -> None:
        """Make a picture of nothing yet; `sender` knows when we last did something in a symbol."""
        self._exchange = exchange
        self._clock = clock
        self._sender = sender
        self._questions: dict[str, _Question] = {}

    async def positions(self, within_s: float, symbol: str | None = None) -> Sequence[Position]:
        """Return all positions, asked for at most so many seconds ago and after we last acted in a symbol."""
        since_s = self._clock.monotonic() - within_s
        if symbol:
            since_s = max(since_s, self._sender.acted_s(symbol))
        answer = await self._known("positions", since_s, self._exchange.positions)
        positions: Sequence[Position] = answer.value
        return positions

    async def recent(self, symbol: str, since_ms: int) -> AccountFacts | None:
        """Return facts that a no may rest on; `since_ms` is when the day began. None: it is not listed."""
        since_s = max(self._clock.monotonic() - RECENT_S, self._sender.acted_s(symbol))
        exchange = self._exchange
        account, positions, configs, mark, income = await _all(
            self._known("account", since_s, exchange.account),
            self._known("positions", since_s, exchange.positions),
            self._known("configs", since_s, exchange.symbol_configs),
            self._known(f"mark {symbol}", since_s, lambda: exchange.mark_price(symbol)),
            self._income(since_ms, float("-inf")),
        )
        config = next((config for config in configs.value if config.symbol == symbol), None)
        if config is None:
            return None
        asked_s = min(answer.asked_s for answer in (account, positions, configs, mark))
        values = (account.value, positions.value, config, mark.value, income.value)
        return AccountFacts(*values, frozenset(), asked_s)

    async def fresh(self, symbol: str, since_ms: int) -> AccountFacts:
        """Return facts that a yes may rest on: all of them, and asked just now."""
        now = self._clock.monotonic()
        since_s = max(now - FRESH_S, self._sender.acted_s(symbol))
        account_since_s = max(now - FRESH_S, self._sender.last_acted_s)
        exchange = self._exchange
        account, positions, config, mark, orders, algos, income = await _all(
            self._known("account", account_since_s, exchange.account),
            self._known("positions", account_since_s, exchange.positions),
            self._known(f"config {symbol}", since_s, lambda: exchange.symbol_config(symbol)),
            self._known(f"mark {symbol}", since_s, lambda: exchange.mark_price(symbol)),
            self._known(f"orders {symbol}", since_s, lambda: exchange.open_orders(symbol)),
            self._known(f"algos {symbol}", since_s, lambda: exchange.open_algos(symbol)),
            self._income(since_ms, self._sender.closed_s),
        )
        asked_s = min(answer.asked_s for answer in (account, positions, config, mark, orders, algos))
        busy = frozenset(order.symbol for order in (*orders.value, *algos.value))
        values = (account.value, positions.value, config.value, mark.value, income.value)
        return AccountFacts(*values, busy, asked_s)

    def forget_income(self) -> None:
        """Ask for the day's result again before the next yes: a position has changed by itself."""
        self._questions = {
            name: question for name, question in self._questions.items() if not name.startswith("income ")
        }

    async def _income(self, day_ms: int, since_s: float) -> _Answer:
        since_s = max(self._clock.monotonic() - INCOME_S, since_s)
        return await self._known(f"income {day_ms}", since_s, lambda: self._exchange.income(day_ms))

    async def _known(self, name: str, since_s: float, ask: Callable[[], Awaitable[Any]]) -> _Answer:
        """Return an answer asked for later than at a time, and when; asked now, where there is none."""
        known = self._questions.get(name)
        if known is None or known.asked_s <= since_s or _has_failed(known.answer):
            known = _Question(asyncio.ensure_future(ask()), self._clock.monotonic())
            self._questions[name] = known
        return _Answer(await asyncio.shield(known.answer), known.asked_s)


def _has_failed(answer: asyncio.Future[Any]) -> bool:
    return answer.done() and (answer.cancelled() or answer.exception() is not None)


async def _all(*questions: Coroutine[Any, Any, _Answer]) -> list[_Answer]:
    """Wait for all answers, so that none is left alone when one fails; raise the first failure."""
    answers = await asyncio.gather(*questions, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]
