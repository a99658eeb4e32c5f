"""Whether the account is set as the limits file says. Nothing is ever changed in it.

Who set it otherwise meant something by it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from consumer.intents.filters import Filters
    from consumer.intents.limits import Limits
    from consumer.live.exchange.port import Account, Exchange, SymbolConfig

REMEDY = "Correct the account or the limits file; the consumer changes neither."
_MODES = {True: "hedge", False: "one-way"}


class AccountSettings:
    """Compares, and remembers the position mode, which the limits file does not name."""

    def __init__(self, exchange: Exchange, limits: Limits) -> None:
        self._exchange = exchange
        self._limits = limits
        self._hedge: bool | None = None

    async def differences(self, rules: Mapping[str, Filters] | None = None) -> list[str]:
        """Say what is not as it must be; with the exchange's rules, also which symbols do not trade there.

        A change of the position mode is said once. Raises an OutcomeError without an answer.
        """
        account, configs = await self._exchange.account(), await self._exchange.symbol_configs()
        known = None if rules is None else rules.keys() & {config.symbol for config in configs}
        wrong = [f"{symbol} does not trade there" for symbol in self._without(known)]
        return wrong + self._mode(account) + _differences(account, configs, self._limits)

    def _without(self, known: set[str] | None) -> list[str]:
        return [] if known is None else [symbol for symbol in self._limits.symbols if symbol not in known]

    def _mode(self, account: Account) -> list[str]:
        before, self._hedge = self._hedge, account.hedge
        if before in (None, account.hedge):
            return []
        return [f"the position mode became {_MODES[account.hedge]}"]


def _differences(account: Account, configs: Sequence[SymbolConfig], limits: Limits) -> list[str]:
    by_symbol = {config.symbol: config for config in configs}
    wrong = ["multi-assets mode is on"] if account.multi_assets else []
    for symbol, desired in limits.symbols.items():
        actual = by_symbol.get(symbol)
        if actual is None:
            continue  # what does not trade is rejected by name when an intent asks for it
        if actual.leverage != desired.leverage:
            wrong.append(f"{symbol} has leverage {actual.leverage}, desired {desired.leverage}")
        if actual.margin_type != desired.margin_type:
            wrong.append(f"{symbol} has margin {actual.margin_type}, desired {desired.margin_type}")
    return wrong
